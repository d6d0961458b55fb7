"""clip.json: what the node states about a clip, and its signature. The bytes that are signed are the bytes of the file."""

from __future__ import annotations

import msgspec

from edge import __version__
from edge.clip.proof import Proven
from edge.clip.signing import Hand
from edge.clock import Reading, format_utc
from edge.config.model import NodeConfig
from edge.messages.clip import Manifest
from edge.messages.package import STATEMENT_TYPE, Statement
from edge.seal.jws import sign_detached
from edge.seal.signer import SigningTrouble

_TRIES = 3
"""A signer that was busy with the pictures is free a moment later."""


def statement_of(config: NodeConfig, manifest: Manifest, proven: Proven, now: Reading, hand: Hand) -> Statement:
    """Pure. now: when it is made."""
    camera = next((each for each in config.camera if each.id == manifest.request.camera), None)
    newest = proven.segments[-1] if proven.segments else None
    identity = hand.identity
    return Statement(
        node=config.node.id,
        place=config.node.place,
        timezone=config.node.timezone,
        camera=manifest.request.camera,
        camera_name=camera.name if camera is not None else "",
        version=__version__,
        made=format_utc(now.utc_ns),
        clock=now.state,
        clock_error_ms=now.error_ms,
        request=manifest.request,
        files=manifest.files,
        gaps=manifest.gaps,
        records=proven.proofs,
        fingerprint=identity.fingerprint if identity is not None else "",
        assurance=identity.signer.assurance if identity is not None else "",
        certificates=identity.certificates.decode("ascii", "replace") if identity is not None else "",
        masks_sha256=newest.masks_sha256 if newest is not None else "",
        config_sha256=newest.config_sha256 if newest is not None else "",
        records_note=proven.note,
    )


def encode_statement(statement: Statement) -> bytes:
    """JSON for programs and, being indented, for people."""
    return msgspec.json.format(msgspec.json.encode(statement), indent=2) + b"\n"


def sign(hand: Hand, data: bytes) -> str:
    """The detached JWS of clip.json. Raises SigningTrouble when the signer does not answer the third time either."""
    if hand.identity is None:
        raise SigningTrouble(hand.trouble)
    for left in reversed(range(_TRIES)):
        try:
            return sign_detached(hand.identity, STATEMENT_TYPE, data)
        except SigningTrouble:
            if not left:
                raise
    raise AssertionError("unreachable")
