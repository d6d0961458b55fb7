"""Invariants of one camera's ring against its journal: 1, 2, 3, 4, 5, 10."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from sys import intern

from edge.bmff.index import SegmentIndex
from edge.bmff.walk import walk
from edge.clock import NS_PER_MS, Clock
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.records import Dated, Erase, Gap, Record, Recover, Segment, facts_of
from edge.ring.dating import with_date
from edge.ring.findings import Finding, ranges
from edge.ring.history import boot_of
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder, SegmentName, open_name, parse
from edge.ring.sealing import file_sha256, name_of

EXPLAINED_MS = 1000
"""Shorter holes need no record."""
_AGE_SLACK_MS = 600_000
"""The sweep comes once a segment, or once a minute."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Footage on the boot clock."""

    seq: int
    boot: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What is kept of a Segment record: a ring has 86,400."""

    name: str
    size: int
    sha256: str
    piece: _Piece


@dataclass(slots=True)
class CameraCheck:
    """One look. `findings` and `counts` are its result."""

    disk: Disk
    folders: NodeFolders
    camera: str
    deep: bool
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _recorded: dict[int, _Sealed] = field(default_factory=dict)
    """Of segments that are in the ring; of others only the number is kept, in `_known`."""
    _known: set[int] = field(default_factory=set)
    _removed: set[int] = field(default_factory=set)
    _gaps_after: set[int] = field(default_factory=set)
    _offsets_ms: dict[int, set[int]] = field(default_factory=dict)

    @property
    def _ring(self) -> Path:
        return self.folders.ring(self.camera)

    def run(self, clock: Clock | None, retention_days: float | None) -> CameraCheck:
        folder = RingFolder(self.disk, self._ring)
        # What leaves open/ is found in the ring, what leaves the ring is found in erasing/: in this order nothing is missed.
        opened = folder.opened()
        names = list(folder.all())
        erasing = {name.seq for name in folder.erasing()}
        self._read_journal({name.seq for name in names})
        self._numbers(names, opened, erasing)
        pieces = [piece for name in names if (piece := self._sealed(name))]
        pieces += [piece for seq in opened if (piece := self._open(seq))]
        self._seconds(sorted(pieces, key=lambda piece: piece.seq))
        if clock is not None and retention_days is not None:
            self._age(names, clock, retention_days)
        self.counts["open"] = len(opened)
        return self

    def _find(self, invariant: int, text: str) -> None:
        self.findings.append(Finding(invariant, self.camera, text))

    def _read_journal(self, in_ring: set[int]) -> None:
        for line in JournalReader(self.disk, self.folders.journal(recorder_journal(self.camera))).read(durable=False):
            record = line.record
            if record.type == "segment":
                segment = facts_of(record, Segment)
                self._known.add(segment.seq)
                if segment.seq in in_ring:
                    self._recorded[segment.seq] = _slim(segment)
            else:
                self._note(record)

    def _note(self, record: Record) -> None:
        if record.type == "erase":
            self._removed.add(facts_of(record, Erase).seq)
        elif record.type == "recover":
            recovered = facts_of(record, Recover)
            if recovered.fragments == 0:
                self._removed.add(recovered.seq)
        elif record.type == "gap":
            gap = facts_of(record, Gap)
            if gap.after_seq is not None and not gap.open:
                self._gaps_after.add(gap.after_seq)
        elif record.type == "dated":
            dated = facts_of(record, Dated)
            for seq in dated.segments:
                self._offsets_ms.setdefault(seq, set()).add(dated.offset_ms)

    def _numbers(self, names: list[SegmentName], opened: list[int], erasing: set[int]) -> None:
        present = Counter(name.seq for name in names)
        present.update(opened)
        for seq in sorted(seq for seq, times in present.items() if times > 1):
            self._find(3, f"number {seq} is used {present[seq]} times")
        used = set(present) | erasing
        vanished = sorted(self._known - used - self._removed)
        if vanished:
            self._find(4, f"segments {ranges(vanished)} were recorded and are gone, and no record says that they were erased")
        every = used | self._known | self._removed
        if every:
            unused = sorted(set(range(min(every), max(every) + 1)) - every)
            if unused:
                self._find(3, f"numbers {ranges(unused)} are missing: neither in the ring nor in the journal")

    def _sealed(self, name: SegmentName) -> _Piece | None:
        path = self._ring / name.path
        record = self._recorded.get(name.seq)
        try:
            size = self.disk.stat(path).size
            self.counts["segments"] += 1
            self.counts["bytes"] += size
            self.counts["undated"] += name.start_utc_ms is None
            if record is not None and record.size != size:
                self._find(1, f"{name.path} has {size} bytes, {record.size} were sealed")
            elif self.deep or record is None:
                self._read(name, path, size, record)
            if record is None:
                return self._piece_of(path, size, name.seq)
        except NotFound:
            return None
        self._name(name, record)
        return record.piece

    def _name(self, name: SegmentName, record: _Sealed) -> None:
        if name.path == record.name:
            return
        recorded = parse(record.name)
        dates = self._offsets_ms.get(name.seq, set())
        if recorded is None or recorded.start_utc_ms is not None or name.path not in {with_date(recorded, each).path for each in dates}:
            self._find(10, f"{name.path} was recorded as {record.name}, and nothing says that it was dated so")

    def _read(self, name: SegmentName, path: Path, size: int, record: _Sealed | None) -> None:
        unhashed = record is None or not record.sha256
        if record is not None and not unhashed and file_sha256(self.disk, path, size) == record.sha256:
            return
        found = walk(partial(self.disk.read, path), size, camera=self.camera)
        if not unhashed:
            self._find(1, f"{name.path} is not the file that was sealed: its SHA-256 differs")
        for offset, length in found.damaged:
            self._find(2, f"{name.path} is damaged: {length} bytes at {offset} do not check")
        if not found.sealed:
            self._find(1, f"{name.path} has no index box at its end")

    def _open(self, seq: int) -> _Piece | None:
        path = self._ring / open_name(seq)
        try:
            size = self.disk.stat(path).size
            found = walk(partial(self.disk.read, path), size, camera=self.camera, check_payload=self.deep)
        except NotFound:
            return None
        for offset, length in found.damaged:
            self._find(2, f"{open_name(seq)} is damaged: {length} bytes at {offset} do not check")
        return _piece(seq, found.index)

    def _piece_of(self, path: Path, size: int, seq: int) -> _Piece | None:
        return _piece(seq, walk(partial(self.disk.read, path), size, camera=self.camera, check_payload=False).index)

    def _seconds(self, pieces: list[_Piece]) -> None:
        for before, after in pairwise(pieces):
            if any(seq in self._removed and seq in self._known for seq in range(before.seq + 1, after.seq)):
                continue  # erased footage lies between
            same_boot = before.boot == after.boot
            if same_boot and after.start_ms - before.end_ms < EXPLAINED_MS:
                continue
            if not any(seq in self._gaps_after for seq in range(before.seq, after.seq)):
                length = f"{(after.start_ms - before.end_ms) / 1000:.1f} s" if same_boot else "the time between two boots"
                self._find(3, f"{length} between segments {before.seq} and {after.seq} has no record that explains it")

    def _age(self, names: list[SegmentName], clock: Clock, retention_days: float) -> None:
        reading = clock.read()
        if not reading.dated:
            return
        oldest_ms = reading.utc_ns // NS_PER_MS - round(retention_days * 86_400_000) - _AGE_SLACK_MS
        for name in names:
            end_ms = name.end_utc_ms
            if end_ms is None or end_ms >= oldest_ms:
                continue
            try:
                held = self.disk.stat(self._ring / name.path).nlink > 1
            except NotFound:
                continue
            if not held:
                self._find(5, f"{name.path} is older than {retention_days:g} days and not held")


def _slim(record: Segment) -> _Sealed:
    end_ms = record.start_mono_ms + record.duration_ms
    return _Sealed(record.name, record.bytes, record.sha256, _Piece(record.seq, intern(boot_of(record)), record.start_mono_ms, end_ms))


def _piece(seq: int, index: SegmentIndex) -> _Piece | None:
    if not index.fragments:
        return None
    start_ms = index.start_boot_ns // NS_PER_MS
    return _Piece(seq, index.boot, start_ms, start_ms + name_of(index).duration_ms)
