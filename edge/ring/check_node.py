"""Invariants that concern the node: holds (6), journals (7), cursors (8), the reserve (11)."""

from __future__ import annotations

import msgspec

from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.messages.hold import Hold
from edge.ring.findings import Finding, ranges, subfolders
from edge.ring.layout import NodeFolders

_SLACK_BYTES = 4 << 20
"""Journals, holds and jobs grow between two sweeps."""


def check_holds(disk: Disk, folders: NodeFolders) -> list[Finding]:
    """Every segment a hold has counted is there, and is linked there."""
    findings: list[Finding] = []
    for name in subfolders(disk, folders.hold):
        folder = folders.hold / name
        try:
            hold = msgspec.json.decode(disk.read(folder / "hold.json"), type=Hold)
        except NotFound:
            continue  # being made, or being released: its links go before its description, its description comes before its links
        except msgspec.MsgspecError as damaged:
            findings.append(Finding(6, "", f"hold {name}: hold.json cannot be read: {damaged}"))
            continue
        try:
            entries = [entry.name for entry in disk.scan(folder)]
        except NotFound:
            continue
        there = {_seq_of(entry) for entry in entries}
        gone = sorted(seq for seq in hold.segments if seq not in there)
        if gone:
            findings.append(Finding(6, hold.camera, f"hold {name}: segments {ranges(gone)} are not in it any more"))
    return findings


def _seq_of(name: str) -> int | None:
    """The sequence number every segment's name ends with."""
    digits = name.removesuffix(".mp4").rpartition("_")[2]
    return int(digits) if name.endswith(".mp4") and digits.isdecimal() else None


def check_journals(disk: Disk, folders: NodeFolders) -> tuple[int, list[Finding]]:
    """(records, findings)."""
    findings: list[Finding] = []
    records = 0
    for writer in subfolders(disk, folders.journals):
        reader = JournalReader(disk, folders.journal(writer))
        findings += [Finding(7, "", f"journal {writer}: {words}") for words in reader.verify()]
        last = reader.last()
        records += last.seq if last else 0
    return records, findings


def check_cursors(disk: Disk, folders: NodeFolders) -> list[Finding]:
    """No cursor says that more was delivered than was ever written."""
    findings: list[Finding] = []
    for writer in subfolders(disk, folders.journals):
        epoch, upto = Cursor(disk, folders.cursor(writer)).get()
        reader = JournalReader(disk, folders.journal(writer))
        last = reader.last()
        if epoch and epoch == reader.epoch() and upto > (last.seq if last else 0):
            findings.append(Finding(8, "", f"cursor {writer} stands at {upto}, but the journal ends with {last.seq if last else 0}"))
    return findings


def check_reserve(disk: Disk, folders: NodeFolders, reserve_bytes: int) -> list[Finding]:
    free = disk.space(folders.data).free_bytes
    if free >= reserve_bytes - _SLACK_BYTES:
        return []
    return [Finding(11, "", f"{free} bytes are free, {reserve_bytes} are to be kept free")]
