"""Checkpoints as the centre first saw them, and the certificates they name.

<folder>/nodes/<node>/checkpoints.jsonl                    append-only, in the order they came; verbatim, with the centre's own time
<folder>/nodes/<node>/certificates/<fingerprint>.pem       as the node told them
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from edge.centre.files import stored_lines
from edge.clock import parse_utc
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.seal.certificates import LARGEST_CHAIN_BYTES, BadCertificate, fingerprint_of, read_certificates
from edge.seal.checkpoint import ReadCheckpoint
from edge.seal.jws import verify
from edge.seal.trust import Roots, check_chain

log = logging.getLogger(__name__)

TOPIC = "topic"
CERTIFICATES_MAX = 64
"""Of one node: what may be written by it without end is bounded."""

Signer = Literal["trusted", "untrusted", "not verified", "certificate unknown", "bad signature"]
"""not verified: signed by the certificate it names; which authorities to trust was not told."""
USELESS: frozenset[Signer] = frozenset({"bad signature", "untrusted"})
"""Such a checkpoint vouches for nothing."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """seen: UTC of the centre. via: "topic", or the journal whose record brought it first. signer, why: as far as could be told then."""

    seen: str
    via: str
    signer: Signer
    why: str = ""
    jws: str


def checkpoints_path(node_folder: Path) -> Path:
    return node_folder / "checkpoints.jsonl"


def read_seen(disk: Disk, node_folder: Path) -> Iterator[Seen]:
    """All, in the order they came; a damaged line is told and left out. Raises StorageError."""
    return (seen for _, seen in read_seen_at(disk, node_folder))


def read_seen_at(disk: Disk, node_folder: Path) -> Iterator[tuple[int, Seen]]:
    """As `read_seen`, with the place of each for `seen_at`."""
    path = checkpoints_path(node_folder)
    try:
        for end, line in stored_lines(disk, path):
            seen = decode_seen(line, path)
            if seen is not None:
                yield end - len(line) - 1, seen
    except NotFound:
        return


def seen_at(disk: Disk, node_folder: Path, place: int) -> Seen | None:
    """One of them again. Raises StorageError."""
    path = checkpoints_path(node_folder)
    _, line = next(stored_lines(disk, path, place), (0, b""))
    return decode_seen(line, path)


def decode_seen(line: bytes, path: Path) -> Seen | None:
    try:
        seen = msgspec.json.decode(line, type=Seen)
        parse_utc(seen.seen)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        log.error("%s: a damaged line: %s", path, error)
        return None
    return seen


class Certificates:
    """Of one node. Raises StorageError."""

    def __init__(self, disk: Disk, node_folder: Path) -> None:
        self._disk = disk
        self._folder = node_folder / "certificates"
        self._known: dict[str, bytes] = {}

    def add(self, pem: str) -> None:
        """As the node's `info` tells it; what is no certificate is dropped."""
        data = pem.encode("ascii", "replace")
        if len(data) > LARGEST_CHAIN_BYTES or data in self._known.values():
            return
        try:
            fingerprint = fingerprint_of(read_certificates(data)[0])
        except BadCertificate as error:
            log.warning("%s: %s, dropped", self._folder, error)
            return
        self._known[fingerprint] = data
        self._disk.mkdir(self._folder)
        names = {entry.name for entry in self._disk.scan(self._folder)}
        if f"{fingerprint}.pem" not in names and len(names) < CERTIFICATES_MAX:
            self._disk.replace(self._folder / f"{fingerprint}.pem", data)

    def find(self, fingerprint: str) -> bytes | None:
        if fingerprint not in self._known:
            try:
                self._known[fingerprint] = self._disk.read(self._folder / f"{fingerprint}.pem", 0, LARGEST_CHAIN_BYTES)
            except NotFound:
                return None
        return self._known[fingerprint]


def judge(read: ReadCheckpoint, pem: bytes | None, roots: Roots | None) -> tuple[Signer, str]:
    """Who signed it, as far as can be told. pem: of the certificate it names."""
    if pem is None:
        return "certificate unknown", f"the node has not told the certificate {read.jws.fingerprint}"
    if not verify(read.jws, pem):
        return "bad signature", f"the key of the certificate {read.jws.fingerprint} did not sign it"
    if roots is None:
        return "not verified", "no trusted authority was named"
    at_ns = None if read.claims.clock == "untrusted" else parse_utc(read.claims.t)
    chain = check_chain(pem, roots, at_ns)
    return ("trusted" if chain.trusted else "untrusted"), f"{chain.subject}: {chain.why}"
