"""Footage recorded before the clock could be trusted gets its true UTC names, once the mapping of its boot is known.

The Dated record comes before the renames: whatever interrupts them, the mapping is known and `finish_dating` ends the work, in this boot or
a later one. Nothing can be overwritten: the sequence number is in the name and the rename refuses an existing one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge.clock import NS_PER_MS, NS_PER_S, Reading
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.messages.records import Dated
from edge.ring.ledger import Ledger
from edge.ring.names import RingFolder, SegmentName

log = logging.getLogger(__name__)

_RETRY_NS = 10 * NS_PER_S
_PER_RECORD = 1000
"""Sequence numbers in one record of at most 32 KiB."""


class Dater:
    """Dates this boot's footage as soon as that can be done, and not more often than needed. One thread."""

    def __init__(self, disk: Disk, ring: Path, boot: str, ledger: Ledger) -> None:
        self._disk, self._ring, self._boot, self._ledger = disk, ring, boot, ledger
        self._waiting = True
        self._try_at_ns = 0

    def sealed(self, name: SegmentName) -> None:
        self._waiting = self._waiting or name.start_utc_ms is None

    def look_again(self) -> None:
        """Segments came to the ring that were not told by `sealed`."""
        self._waiting = True

    def date(self, reading: Reading) -> None:
        """Never raises: what is refused is tried again."""
        if not self._waiting or not reading.dated or reading.boot_ns < self._try_at_ns:
            return
        self._try_at_ns = reading.boot_ns + _RETRY_NS
        try:
            date_undated(self._disk, self._ring, reading, self._boot, self._ledger)
        except StorageError as refused:
            log.error("camera %s: footage cannot be dated yet: %s", self._ring.name, refused)
        else:
            self._waiting = False


def date_undated(disk: Disk, ring: Path, reading: Reading, boot: str, ledger: Ledger) -> list[SegmentName]:
    """Name all sealed undated segments of this boot by `reading`, which must be dated; the new names. Raises StorageError when the disk
    or the journal refuses: call again, nothing is half done."""
    names = RingFolder(disk, ring).undated_of(boot)
    offset_ms = reading.offset_ns // NS_PER_MS
    dated: list[SegmentName] = []
    for first in range(0, len(names), _PER_RECORD):
        group = names[first : first + _PER_RECORD]
        ledger.put(Dated(of_boot=boot, offset_ms=offset_ms, segments=[name.seq for name in group]))
        if not ledger.flush(now=True):
            raise StorageError("the journal refuses: footage is dated later")
        dated += _rename_all(disk, ring, [(name, offset_ms) for name in group])
    if dated:
        log.info("%s: %d segments of this boot are dated now (utc - monotonic = %d ms)", ring.name, len(dated), offset_ms)
    return dated


def finish_dating(disk: Disk, ring: Path, offsets_ms: Mapping[int, int]) -> list[SegmentName]:
    """End renames that were interrupted. offsets_ms: sequence number -> utc - monotonic by its Dated record."""
    work = [(name, offsets_ms[name.seq]) for name in RingFolder(disk, ring).undated() if name.seq in offsets_ms]
    return _rename_all(disk, ring, work)


def with_date(name: SegmentName, offset_ms: int) -> SegmentName:
    assert name.mono_ms is not None
    return SegmentName(name.seq, name.duration_ms, start_utc_ms=name.mono_ms + offset_ms, boot=None, mono_ms=None)


def _rename_all(disk: Disk, ring: Path, work: Iterable[tuple[SegmentName, int]]) -> list[SegmentName]:
    dated: list[SegmentName] = []
    folders: set[Path] = set()
    for old, offset_ms in work:
        new = with_date(old, offset_ms)
        source, target = ring / old.path, ring / new.path
        disk.mkdir(target.parent)
        disk.rename(source, target)
        folders |= {target.parent, source.parent}
        dated.append(new)
    for folder in sorted(folders):
        disk.sync_dir(folder)
    return dated
