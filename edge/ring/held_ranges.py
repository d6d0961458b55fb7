"""What holds in force claim of one camera's ring, whether it is linked yet or not.

A hold is decided when its hold.json is on disk. Its links follow, and for a range that reaches into the future they follow for days, made
by the agent or by the local tool. The recorder waits for neither: its sweep reads the descriptions itself and passes over everything in
their ranges. It only reads, a few kilobytes where a description changed, one stat where it did not.

Footage without a date is held by a range it may belong to: it was recorded after the dated footage with the next lower number and before
that with the next higher one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, Clock, parse_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.hold import HeldRange
from edge.ring.hold_request import told
from edge.ring.names import RingFolder, SegmentName

_log = logging.getLogger(__name__)

MARGIN_NS = 2 * NS_PER_S
"""Held beyond both ends: the clock's error, and the next GOP, whose first picture carries the last signature."""
_MARGIN_MS = MARGIN_NS // NS_PER_MS
_LARGEST_BYTES = 4 << 20
"""Of a description: a hold of 400,000 segments."""
_MOST_HOLDS = 4096
_EVER_MS = 1 << 53
_Key = tuple[int, int, int]


class _Time(NamedTuple):
    """When a segment was recorded, or may have been. latest_ms: the latest that it can have begun."""

    start_ms: int
    end_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class _Range:
    """[start, end) in UTC milliseconds, margins included, begun after `since`; numbers below `beyond` only. boot: by that boot's unset
    clock, whose utc - monotonic is `offset_ms`."""

    start_ms: int
    end_ms: int
    since_ms: int
    beyond: int | None
    boot: str
    offset_ms: int

    def takes(self, seq: int, when: _Time) -> bool:
        in_range = when.start_ms < self.end_ms and when.end_ms > self.start_ms and when.latest_ms > self.since_ms
        return in_range and (self.beyond is None or seq < self.beyond)


class HeldRanges:
    """One thread, the one that sweeps. root: <data>/hold. boot: this boot's id."""

    def __init__(self, disk: Disk, root: Path, folder: RingFolder, boot: str, clock: Clock) -> None:
        self._disk, self._root, self._folder, self._boot, self._clock = disk, root, folder, boot, clock
        self._camera = folder.root.name
        self._known: dict[str, tuple[_Key, _Range | None]] = {}
        self._brackets: dict[str, tuple[int, int]] = {}
        self._ranges: list[_Range] = []
        self._now = clock.read()
        self.unreadable: list[str] = []
        """Holds whose description does not read. What they link to stays; what an earlier look found of their range stays in force."""

    def look_again(self) -> None:
        """Bring everything up to date. Raises StorageError where hold/ itself cannot be listed."""
        try:
            names = sorted(entry.name for entry in self._disk.scan(self._root) if entry.is_dir)
        except NotFound:
            names = []
        self._known = {name: self._known[name] for name in names if name in self._known}
        self.unreadable = [told(name) for name in names[_MOST_HOLDS:]]
        for name in names[:_MOST_HOLDS]:
            self._look_at(name)
        self._ranges = [known for _, known in self._known.values() if known is not None]
        self._now = self._clock.read()

    def covers(self, name: SegmentName) -> bool:
        """Whether a hold in force claims this segment, as of the last look. May list the ring, once for each boot with undated footage."""
        return any(when is not None and each.takes(name.seq, when) for each in self._ranges for when in [self._time(name, each)])

    def _time(self, name: SegmentName, held: _Range) -> _Time | None:
        """On the clock that the range is told by; None where the two cannot be compared."""
        if name.start_utc_ms is not None:
            shift_ms = self._shift_ms(held)
            return None if shift_ms is None else _lasting(name.start_utc_ms - shift_ms, name)
        mono_ms = name.mono_ms or 0
        if held.boot:
            return _lasting(mono_ms + held.offset_ms, name) if held.boot == name.boot else None
        if name.boot == self._boot and self._now.dated:
            return _lasting(self._now.utc_of(mono_ms * NS_PER_MS) // NS_PER_MS, name)
        start_ms, end_ms = self._bracket(name.boot or "")
        return _Time(start_ms, end_ms, end_ms)

    def _shift_ms(self, held: _Range) -> int | None:
        """True UTC minus the clock the range is told by. None: that is not known."""
        if not held.boot:
            return 0
        if held.boot != self._boot or not self._now.dated:
            return None
        return self._now.offset_ns // NS_PER_MS - held.offset_ms

    def _bracket(self, boot: str) -> tuple[int, int]:
        """Between the dated footage recorded before and after a boot's undated footage."""
        if boot not in self._brackets:
            numbers = [name.seq for name in self._folder.undated_of(boot)]
            first, last = min(numbers, default=0), max(numbers, default=0)
            before, after = (0, 0), (_EVER_MS, _EVER_MS)
            for name in self._folder.dated():
                if name.seq < first:
                    before = max(before, (name.seq, name.end_utc_ms or 0))
                elif name.seq > last:
                    after = min(after, (name.seq, name.start_utc_ms or 0))
            # A clock that was set back between the two says nothing.
            self._brackets[boot] = (before[1], after[1]) if before[1] <= after[1] else (0, _EVER_MS)
        return self._brackets[boot]

    def _look_at(self, name: str) -> None:
        path = self._root / name / "hold.json"
        try:
            found = self._disk.stat(path)
            key = (found.inode, found.size, found.mtime_ns)
            if name in self._known and self._known[name][0] == key:
                return
            self._known[name] = key, self._read(path, found.size)
        except NotFound:
            self._known.pop(name, None)  # being made, or on its way out
        except (StorageError, msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
            _log.error("camera %s: %s does not read, its range is not known: %s", self._camera, told(str(path)), error)
            self.unreadable.append(told(name))

    def _read(self, path: Path, size: int) -> _Range | None:
        """None where it claims nothing of this camera. Raises as the disk and msgspec do, ValueError."""
        if size > _LARGEST_BYTES:
            raise ValueError(f"{size} bytes are no description of a hold")
        hold = msgspec.json.decode(self._disk.read(path), type=HeldRange)
        if hold.released_by is not None or hold.camera != self._camera:
            return None
        start_ms = parse_utc(hold.start) // NS_PER_MS - _MARGIN_MS
        end_ms = parse_utc(hold.end) // NS_PER_MS + _MARGIN_MS
        since_ms = -_EVER_MS if hold.since is None else parse_utc(hold.since) // NS_PER_MS
        return _Range(start_ms, end_ms, since_ms, hold.beyond, hold.boot, hold.boot_offset_ms or 0)


def _lasting(start_ms: int, name: SegmentName) -> _Time:
    return _Time(start_ms, start_ms + name.duration_ms, start_ms)
