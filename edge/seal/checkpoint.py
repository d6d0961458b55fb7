"""A checkpoint: the newest record of every journal on the node, signed. Pure: what is signed, and reading it back.

Each journal is a chain of hashes, so one signed head vouches for every record before it. Whoever keeps a checkpoint can later tell whether
the node still has the past that it had then. Reading never trusts the token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from edge.clock import NS_PER_MS, Reading, format_utc, parse_utc
from edge.messages.evidence import Checkpoint, CheckpointClaims, Head
from edge.messages.package import CHECKPOINT_TYPE
from edge.seal.jws import BadJws, Jws, read_compact, sign_compact
from edge.seal.signer import Identity

LARGEST_TOKEN_BYTES = 32 * 1024
"""It must fit into a journal record."""
LARGEST_HEADS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_EPOCH = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadCheckpoint(ValueError):
    """It is no checkpoint, in words."""


@dataclass(frozen=True, slots=True)
class ReadCheckpoint:
    """As read; nothing is proved before `edge.seal.jws.verify` says so of `jws`."""

    claims: CheckpointClaims
    jws: Jws


def claims_of(node: str, boot: str, now: Reading, heads: Sequence[Head], clip: str = "") -> CheckpointClaims:
    """clip: id of the clip it is made for, "" for a regular one."""
    return CheckpointClaims(
        node=node,
        t=format_utc(now.utc_ns),
        clock=now.state,
        clock_error_ms=now.error_ms,
        boot=boot,
        mono_ms=now.boot_ns // NS_PER_MS,
        heads=list(heads),
        clip=clip,
    )


def sign_checkpoint(identity: Identity, claims: CheckpointClaims) -> Checkpoint:
    """Blocks as long as the signer does. Raises SigningTrouble; ValueError for more heads than fit into a record."""
    token = sign_compact(identity, CHECKPOINT_TYPE, msgspec.json.encode(claims))
    if len(token) > LARGEST_TOKEN_BYTES or len(claims.heads) > LARGEST_HEADS:
        raise ValueError(f"a checkpoint of {len(claims.heads)} journals is too large")
    return Checkpoint(jws=token, fingerprint=identity.fingerprint)


def read_checkpoint(token: str) -> ReadCheckpoint:
    """Raises BadCheckpoint, whatever the token is."""
    if len(token) > LARGEST_TOKEN_BYTES:
        raise BadCheckpoint(f"it has {len(token)} bytes")
    try:
        jws = read_compact(token, CHECKPOINT_TYPE)
        claims = msgspec.json.decode(jws.payload, type=CheckpointClaims)
        parse_utc(claims.t)
    except (BadJws, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise BadCheckpoint(str(error)) from error
    if len(claims.heads) > LARGEST_HEADS or not _NAME.fullmatch(claims.node):
        raise BadCheckpoint(f"it names no node, or {len(claims.heads)} journals")
    names = {(head.journal, head.epoch) for head in claims.heads}
    if len(names) != len(claims.heads) or not all(_is_head(head) for head in claims.heads):
        raise BadCheckpoint("its heads do not read")
    return ReadCheckpoint(claims, jws)


def _is_head(head: Head) -> bool:
    named = _NAME.fullmatch(head.journal) and _EPOCH.fullmatch(head.epoch)
    return head.seq > 0 and bool(named) and _SHA256.fullmatch(head.sha256) is not None
