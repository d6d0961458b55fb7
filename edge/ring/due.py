"""Footage that retention must have destroyed by now, and that the sweep has not come to yet: nobody is answered with it.

After 90 days without power an agent or a person may ask before the recorder has swept. What is too old by a dated clock and not held is
then treated as gone. While the recorder itself says that erasure by age is suspended (its clock jumped), nothing is hidden either.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from edge.clock import NS_PER_MS, Clock
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, facts_of
from edge.ring.alarms import JUMPED, SUSPENDED
from edge.ring.held_ranges import HeldRanges
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder, SegmentName
from edge.ring.retain import DAY_MS

_LINES_MAX = 4000
"""The alarm is repeated twice a day while it lasts."""


class DueFootage:
    """One thread. days: footage older than this is erased, None: nothing is ever due."""

    def __init__(self, disk: Disk, folders: NodeFolders, clock: Clock, boot: str, days: float | None) -> None:
        self._disk, self._folders, self._clock, self._boot, self._days = disk, folders, clock, boot, days

    def limit_ms(self, camera: str) -> int | None:
        """UTC: what began at this moment or before is due, unless it is held. None: ages are not known now. Raises StorageError."""
        limit_ms = self._limit_ms()
        return None if limit_ms is None or self._is_suspended(camera) else limit_ms

    def among(self, camera: str, names: list[SegmentName]) -> set[int]:
        """Numbers of those that are due. Costs nothing where all are young. Raises StorageError."""
        old = [name for name in names if self._is_old(name)]
        if not old:
            return set()
        suspended = self._is_suspended(camera)
        folder = RingFolder(self._disk, self._folders.ring(camera))
        held = HeldRanges(self._disk, self._folders.hold, folder, self._boot, self._clock)
        held.look_again()
        return {
            name.seq
            for name in old
            if not (suspended and name.start_utc_ms is not None) and not self._is_linked(folder.root / name.path) and not held.covers(name)
        }

    def _limit_ms(self) -> int | None:
        now = self._clock.read()
        return now.utc_ns // NS_PER_MS - round(self._days * DAY_MS) if self._days is not None and now.dated else None

    def _is_old(self, name: SegmentName) -> bool:
        if self._days is None:
            return False
        if name.start_utc_ms is None:
            age_ms = self._clock.boot_ns() // NS_PER_MS - (name.mono_ms or 0)
            return name.boot == self._boot and age_ms >= self._days * DAY_MS
        limit_ms = self._limit_ms()
        return limit_ms is not None and name.start_utc_ms <= limit_ms

    def _is_suspended(self, camera: str) -> bool:
        """Because the clock jumped in this boot, in the recorder's own words. That it was not set when the recorder looked last does not
        matter: it is set now."""
        journal = JournalReader(self._disk, self._folders.journal(recorder_journal(camera)))
        for line in islice(journal.back(), _LINES_MAX):
            if line.record.type == "alarm":
                alarm = facts_of(line.record, AlarmRaised)
                if alarm.code == f"{SUSPENDED.kind}.{camera}":
                    return alarm.active and JUMPED in alarm.text and line.record.boot == self._boot
        return False

    def _is_linked(self, path: Path) -> bool:
        try:
            return self._disk.stat(path).nlink > 1
        except NotFound:
            return False
