"""Which footage there is, and what it holds. Read-only, in any process, beside a recorder that writes. The names are the index: a question
costs one listing for each day it touches, however long the ring is."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from edge.bmff.fragment import ns_of
from edge.bmff.index import SegmentIndex, TailNeeds, decode_tail
from edge.bmff.walk import walk
from edge.clock import NS_PER_MS, NS_PER_S, Clock, Reading, utc_datetime
from edge.errors import IntegrityError, NotFound
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.ring.due import DueFootage
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder, SegmentName, open_name, parse
from edge.ring.reasons import explanations
from edge.ring.sealing import name_of
from edge.ring.timeline import Hole, Timeline, events_of, explain, holes_of, spans_of

log = logging.getLogger(__name__)

LONGEST_SEGMENT_NS = 3600 * NS_PER_S
"""Segments that began so long before midnight may reach into the day."""
_TAIL_BYTES = 64 * 1024
"""Holds the index box of a 60 s segment of 25 frames/s; a longer one costs a second read."""
_INDEXES_KEPT = 64
_LONGEST_LAG_NS = 60 * NS_PER_S
"""Two GOPs are never longer."""


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """One segment in time. name: None while it is open. path: absolute. open: being written; its end is that of its last whole fragment.
    undated: its UTC is this boot's mapping of now, its name does not state it."""

    camera: str
    name: SegmentName | None
    seq: int
    path: Path
    start_utc_ns: int
    end_utc_ns: int
    open: bool = False
    undated: bool = False


class RingReader:
    """One thread (the cache of indexes is not locked)."""

    def __init__(self, disk: Disk, data: Path, clock: Clock, boot: str, kept_days: float | None = None) -> None:
        """`data`: root of the data partition. `clock` and `boot`: for footage that is not dated yet. kept_days: un-held footage that is
        older is due for destruction, and no answer contains it, also where the sweep has not come to it yet; None: all is told."""
        self._disk = disk
        self._folders = NodeFolders(data, data)
        self._clock = clock
        self._boot = boot
        self._due = DueFootage(disk, self._folders, clock, boot, kept_days)
        self._indexes: OrderedDict[tuple[str, int], SegmentIndex] = OrderedDict()

    def cameras(self) -> list[str]:
        """Ids of all cameras that have a ring."""
        try:
            return sorted(entry.name for entry in self._disk.scan(self._folders.rings) if entry.is_dir)
        except NotFound:
            return []

    def segments(self, camera: str, start_ns: int, end_ns: int) -> list[SegmentRef]:
        """All that overlap [start, end) UTC, in time order: dated, undated of this boot by its mapping, and the open one. A segment
        that is sealed while we look is found, once."""
        return self._kept_and_due(camera, start_ns, end_ns)[0]

    def due_before_ms(self, camera: str) -> int | None:
        """UTC milliseconds: un-held footage that began then or before is due for destruction. None: nothing is. Raises StorageError."""
        return self._due.limit_ms(camera)

    def _kept_and_due(self, camera: str, start_ns: int, end_ns: int) -> tuple[list[SegmentRef], list[SegmentRef]]:
        folder = RingFolder(self._disk, self._folders.ring(camera))
        found = {ref.seq: ref for ref in self._open(camera, folder)}
        reading = self._clock.read()
        names = self._dated(folder, start_ns, end_ns)
        names += [name for name in folder.undated() if name.boot == self._boot]
        found |= {name.seq: _sealed(camera, folder.root, name, reading) for name in names}
        overlapping = [ref for ref in found.values() if ref.start_utc_ns < end_ns and ref.end_utc_ns > start_ns]
        overlapping.sort(key=lambda ref: (ref.start_utc_ns, ref.seq))
        due = self._due.among(camera, [ref.name for ref in overlapping if ref.name is not None])
        return [ref for ref in overlapping if ref.seq not in due], [ref for ref in overlapping if ref.seq in due]

    def index(self, ref: SegmentRef) -> SegmentIndex:
        """The tables of a segment: from its index box, else of what is whole in it. NotFound when it was sealed, dated or erased
        meanwhile."""
        size = self._disk.stat(ref.path).size
        key = (str(ref.path), size)
        if key in self._indexes:
            self._indexes.move_to_end(key)
            return self._indexes[key]
        index = self._read_index(ref, size)
        self._indexes[key] = index
        if len(self._indexes) > _INDEXES_KEPT:
            self._indexes.popitem(last=False)
        return index

    def timeline(self, camera: str, start_ns: int, end_ns: int) -> Timeline:
        """What there is, what is missing and why, and what happened, within [start, end) UTC and not after now. While it records, the
        timeline ends with the newest footage: what the camera sent since is on its way to the disk."""
        reading = self._clock.read()
        if reading.dated:
            end_ns = max(start_ns, min(end_ns, reading.utc_ns))
        refs, due = self._kept_and_due(camera, start_ns, end_ns)
        spans = spans_of(((ref.start_utc_ns, ref.end_utc_ns, ref.undated) for ref in refs), start_ns, end_ns)
        holes = holes_of(spans, start_ns, end_ns)
        journal = JournalReader(self._disk, self._folders.journal(recorder_journal(camera)))
        known = explanations(journal, holes[0][0], holes[-1][1], spans) if holes else []
        known = [Hole(ref.start_utc_ns, ref.end_utc_ns, "erased", "its time is over") for ref in due] + known
        gaps = explain(holes, known)
        if gaps and gaps[-1].reason == "unknown" and end_ns == reading.utc_ns and self._is_under_way(camera, gaps[-1]):
            end_ns = gaps.pop().start_utc_ns
        watcher = JournalReader(self._disk, self._folders.journal("watcher"))
        return Timeline(camera, start_ns, end_ns, spans, gaps, events_of(watcher, camera, start_ns, end_ns))

    def _is_under_way(self, camera: str, gap: Hole) -> bool:
        """Whether `gap`, which reaches up to now and which nothing explains, is no longer than two GOPs behind the newest footage."""
        if gap.end_utc_ns - gap.start_utc_ns > _LONGEST_LAG_NS:
            return False
        newest = self.segments(camera, gap.end_utc_ns - _LONGEST_LAG_NS, gap.end_utc_ns)
        if not newest:
            return False
        try:
            index = self.index(newest[-1])
        except NotFound:  # sealed meanwhile: it records
            return True
        longest = max((sum(index.fragment_durations(place)) for place in range(len(index.fragments))), default=0)
        return gap.end_utc_ns - max(ref.end_utc_ns for ref in newest) <= 2 * ns_of(longest)

    def _dated(self, folder: RingFolder, start_ns: int, end_ns: int) -> list[SegmentName]:
        """Names that begin at most an hour before `start`. Reading a name costs more than listing it, so only those are read whose text
        says that they can overlap."""
        first, last = (f"{utc_datetime(each):%Y-%m-%d/%Y%m%dT%H%M%S}" for each in (max(0, start_ns - LONGEST_SEGMENT_NS), end_ns))
        found: list[SegmentName] = []
        for day in folder.days():
            if not first[:10] <= day <= last[:10]:
                continue
            try:
                paths = [f"{day}/{entry.name}" for entry in self._disk.scan(folder.root / day)]
            except NotFound:
                continue
            names = (parse(path) for path in paths if first <= path[: len(first)] <= last)
            found += [name for name in names if name is not None]
        return found

    def _open(self, camera: str, folder: RingFolder) -> list[SegmentRef]:
        reading = self._clock.read()
        found: list[SegmentRef] = []
        for seq in folder.opened():
            path = self._folders.ring(camera) / open_name(seq)
            try:
                size = self._disk.stat(path).size
                index = walk(partial(self._disk.read, path), size, camera=camera, check_payload=False).index
            except NotFound:
                continue
            if not index.fragments:
                continue
            name = name_of(index)
            if name.start_utc_ms is None and name.boot != self._boot:
                continue
            ref = _sealed(camera, self._folders.ring(camera), name, reading)
            found.append(replace(ref, name=None, path=path, open=True))
        return found

    def _read_index(self, ref: SegmentRef, size: int) -> SegmentIndex:
        if not ref.open:
            length = min(size, _TAIL_BYTES)
            try:
                found = decode_tail(self._disk.read(ref.path, size - length, length), size)
                if isinstance(found, TailNeeds):
                    found = decode_tail(self._disk.read(ref.path, size - found.length, found.length), size)
                if isinstance(found, SegmentIndex):
                    return found
            except IntegrityError as damaged:
                log.warning("%s: %s: reading all of it", ref.path, damaged)
        return walk(partial(self._disk.read, ref.path), size, camera=ref.camera, check_payload=not ref.open).index


def _sealed(camera: str, ring: Path, name: SegmentName, reading: Reading) -> SegmentRef:
    undated = name.start_utc_ms is None
    if name.start_utc_ms is not None:
        start_ns = name.start_utc_ms * NS_PER_MS
    else:
        assert name.mono_ms is not None
        start_ns = reading.utc_of(name.mono_ms * NS_PER_MS)
    return SegmentRef(camera, name, name.seq, ring / name.path, start_ns, start_ns + name.duration_ms * NS_PER_MS, undated=undated)
