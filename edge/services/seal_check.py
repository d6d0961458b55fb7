"""Invariant 12: every GOP carries a valid signature, or the journal says why not. Read-only, reads every byte of the ring.

A GOP's signature rides in the next GOP, so the newest one of a ring, and one whose follower was erased, cannot be judged. Who signed is
not asked here (`edge verify` does): what is looked for is a signature that was forgotten or that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from edge.bmff.boxes import Buffer
from edge.bmff.index import SegmentIndex
from edge.bmff.nal import sample_units
from edge.bmff.walk import walk
from edge.clock import NS_PER_MS
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.evidence import UnsignedGops
from edge.messages.records import facts_of
from edge.messages.stream import Codec
from edge.ring.findings import Finding, subfolders
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder
from edge.seal.hashing import hashes_of
from edge.seal.onvif import MalformedSei, SignedDocument, read_sei
from edge.seal.trust import Roots, check_chain

SLACK_MS = 120_000
"""Between a GOP and the record about the one before it: what may wait for a slow disk or signer."""
NOBODY = Roots(())


@dataclass(frozen=True, slots=True)
class StoredGop:
    """place: "<segment's path>, fragment <number>". rides: what is signed in its first access unit."""

    seq: int
    boot: str
    mono_ms: int
    place: str
    hashes: list[bytes]
    rides: list[SignedDocument]


@dataclass(slots=True)
class Lapse:
    """A stretch of GOPs told to be unsigned, on the clock of `boot`; to_ms None: its end was not written."""

    boot: str
    from_ms: int
    to_ms: int | None

    def covers(self, boot: str, mono_ms: int) -> bool:
        if boot != self.boot or mono_ms < self.from_ms - SLACK_MS:
            return False
        return self.to_ms is None or mono_ms <= self.to_ms + SLACK_MS


def check_seals(disk: Disk, data: Path) -> tuple[list[Finding], int]:
    """What breaks invariant 12, and how many GOPs are signed. Raises StorageError."""
    folders = NodeFolders(data, data)
    findings: list[Finding] = []
    signed = 0
    for camera in subfolders(disk, folders.rings):
        lapses = read_lapses(JournalReader(disk, folders.journal(recorder_journal(camera))))
        before: StoredGop | None = None
        for gop in stored_gops(disk, folders.ring(camera)):
            if before is not None and gop.seq - before.seq <= 1:
                fault = _fault(before, gop)
                signed += not fault
                if fault and not any(lapse.covers(gop.boot, gop.mono_ms) for lapse in lapses):
                    findings.append(Finding(12, camera, f"{before.place} {fault}, and no record says why"))
            before = gop
    return findings, signed


def _fault(gop: StoredGop, following: StoredGop) -> str:
    about = [each for each in following.rides if gop.hashes and each.document.anchor == gop.hashes[0]]
    if not about:
        return "has no signature"
    if not any(list(each.document.hashes) == gop.hashes for each in about):
        return "is not what was signed"
    return "" if any(holds(each) for each in about) else "has a signature that does not hold"


def holds(signed: SignedDocument) -> bool:
    """Whether the signature is that of the key whose certificate the document carries."""
    key = check_chain(signed.document.certificates, NOBODY, None).public_key
    if key is None:
        return False
    try:
        key.verify(signed.signature, signed.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def read_lapses(journal: JournalReader) -> list[Lapse]:
    """All of a recorder's journal, oldest first."""
    found: list[Lapse] = []
    for line in journal.read(durable=False):
        record = line.record
        if record.type != "unsigned":
            continue
        if facts_of(record, UnsignedGops).open:
            found.append(Lapse(record.boot, record.mono_ms, None))
        elif found and found[-1].boot == record.boot and found[-1].to_ms is None:
            found[-1].to_ms = record.mono_ms
    return found


def stored_gops(disk: Disk, ring: Path) -> Iterator[StoredGop]:
    """Those of all sealed segments in the order of recording; a segment that goes meanwhile is left out."""
    for name in sorted(RingFolder(disk, ring).all(), key=lambda each: each.seq):
        path = ring / name.path
        try:
            size = disk.stat(path).size
            index = walk(partial(disk.read, path), size, check_payload=False).index
            yield from _gops(disk, path, name.path, index)
        except NotFound:
            continue


def _gops(disk: Disk, path: Path, name: str, index: SegmentIndex) -> Iterator[StoredGop]:
    codec = cast(Codec, index.codec)
    for place, entry in enumerate(index.fragments):
        units = sample_units(memoryview(disk.read(path, entry.data_offset, entry.data_length)), index.fragment_sizes(place))
        mono_ms, where = entry.boot_ns // NS_PER_MS, f"{name}, fragment {entry.number}"
        yield StoredGop(index.seq, index.boot, mono_ms, where, hashes_of(codec, units), _documents(codec, units))


def _documents(codec: Codec, units: Sequence[Sequence[Buffer]]) -> list[SignedDocument]:
    found: list[SignedDocument] = []
    for nal in units[0] if units else ():
        try:
            if (read := read_sei(codec, nal)) is not None:
                found.append(read)
        except MalformedSei:
            continue
    return found
