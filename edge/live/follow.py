"""Following the ring's head: each fragment as soon as it is whole in the segment that is being written, across segments, restarts of the
recorder and changes of the stream. Only reads; the recorder does not notice.

A segment is read through its open file: renamed when it is sealed, it stays readable to its last fragment. Names and clocks do not matter,
so undated footage is followed like any other. A fragment counts when its CRC-32 fits: what is half written does not.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from typing import TypeVar

from edge.bmff.fragment import STAMP_BYTES, Stamp, decode_stamp, ns_of
from edge.bmff.index import SegmentIndex
from edge.bmff.run import Run, read_run
from edge.bmff.walk import walk
from edge.clock import NS_PER_S
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.live.wire import Picture
from edge.ring.names import RingFolder, open_name

FRESH_NS = 10 * NS_PER_S
"""Older footage is not live: an interrupted recording's last second is not shown as now."""
_JOIN_NS = NS_PER_S // 2
"""Segments whose times meet within this much go on without a step."""


@dataclass(frozen=True, slots=True)
class Group:
    """One fragment, as a rule a GOP. init: ftyp and moov of its segment. boot_ns: of its first picture. pictures: in decoding order, their
    media time goes on from group to group."""

    init: bytes
    boot_ns: int
    duration_ns: int
    pictures: list[Picture]


class Head:
    """One thread. All methods raise StorageError."""

    def __init__(self, disk: Disk, ring: Path, boot: str, now_ns: Callable[[], int]) -> None:
        """ring: the camera's folder; boot: this boot's id; now_ns: CLOCK_BOOTTIME."""
        self._folder = RingFolder(disk, ring)
        self._ring, self._boot, self._now_ns = ring, boot, now_ns
        self._file: _SegmentFile | None = None
        self._media = _MediaTime()

    def next(self) -> Group | None:
        """The fragment behind the last one, None while it is not there yet. The first call begins at the newest key frame."""
        if self._file is None:
            return self._read() if self._begin() else None
        group = self._read()
        if group is not None:
            return group
        following = self._following()
        if following is None:
            return None
        group = self._read()  # what was written between the look and the listing
        if group is not None:
            return group
        return self._read() if self._enter(following) else None

    def skip(self) -> int:
        """On to the newest key frame; how many pictures were passed over."""
        passed = 0
        while self._file is not None:
            index = self._file.index()
            waiting = [entry for entry in index.fragments if entry.offset >= self._file.position]
            following = self._following()
            if following is not None and self._enter(following):
                passed += sum(entry.samples for entry in waiting)
                continue
            newest = next((entry for entry in reversed(waiting) if entry.key), None)
            if newest is not None:
                passed += sum(entry.samples for entry in waiting if entry.offset < newest.offset)
                self._file.position = newest.offset
            break
        return passed

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> bool:
        opened = self._folder.opened()
        if not opened or not self._enter(max(opened)):
            return False
        assert self._file is not None
        index = self._file.index()
        newest = next((entry for entry in reversed(index.fragments) if entry.key), None)
        if newest is not None and index.boot == self._boot and self._now_ns() - newest.boot_ns <= FRESH_NS:
            self._file.position = newest.offset
        elif index.fragments:
            last = index.fragments[-1]
            self._file.position = last.offset + last.length
        return True

    def _following(self) -> int | None:
        """The newest segment that is being written after this one."""
        assert self._file is not None
        newest = max(self._folder.opened(), default=0)
        return newest if newest > self._file.seq else None

    def _enter(self, seq: int) -> bool:
        """False where it was sealed meanwhile: another one is there soon."""
        try:
            file = _SegmentFile(self._ring / open_name(seq), seq)
        except FileNotFoundError:
            return False
        self.close()
        self._file = file
        return True

    def _read(self) -> Group | None:
        assert self._file is not None
        found = self._file.fragment()
        if found is None:
            return None
        stamp, run, data = found
        if stamp.boot != self._boot:
            return None
        start_ns = self._media.place(self._file.seq, stamp.boot_ns, run)
        return _group(self._file.init, stamp, run, data, start_ns)


def _group(init: bytes, stamp: Stamp, run: Run, data: bytes, start_ns: int) -> Group:
    pictures: list[Picture] = []
    ticks, at = 0, 0
    for number, size in enumerate(run.sizes):
        dts_ns, taken_ns = start_ns + ns_of(ticks), stamp.boot_ns + ns_of(ticks)
        pts_ns = dts_ns + ns_of(max(0, run.ctos[number]))
        key = number == 0 and run.key
        pictures.append(Picture(dts_ns=dts_ns, pts_ns=pts_ns, boot_ns=taken_ns, key=key, data=data[at : at + size]))
        ticks += run.durations[number]
        at += size
    return Group(init, stamp.boot_ns, ns_of(ticks), pictures)


class _MediaTime:
    """Segments' own times, each beginning with 0, as one that goes on and never back: the boot clock where they do not meet."""

    def __init__(self) -> None:
        self._seq: int | None = None
        self._offset_ns = 0
        self._end_ns: int | None = None

    def place(self, seq: int, boot_ns: int, run: Run) -> int:
        """Media time of the run's first picture."""
        if seq != self._seq:
            start_ns = boot_ns
            if self._end_ns is not None and start_ns < self._end_ns + _JOIN_NS:
                start_ns = self._end_ns
            self._seq, self._offset_ns = seq, start_ns - ns_of(run.dts)
        start_ns = self._offset_ns + ns_of(run.dts)
        self._end_ns = start_ns + ns_of(sum(run.durations))
        return start_ns


class _SegmentFile:
    """One segment, open for reading. Raises StorageError; FileNotFoundError when it is opened."""

    def __init__(self, path: Path, seq: int) -> None:
        self.seq = seq
        self._path = path
        self._fd = _translated(path, lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        self.position = 0
        """Where the next fragment begins; 0: the init segment was not there yet."""
        self.init = b""

    def close(self) -> None:
        os.close(self._fd)

    def index(self) -> SegmentIndex:
        """Of the fragments that are there."""
        return walk(self._bytes, self._size(), check_payload=False).index

    def fragment(self) -> tuple[Stamp, Run, bytes] | None:
        """The one at `position`, which moves behind it; None where none is whole. bytes: of its samples."""
        if not self.init and not self._begin():
            return None
        found = decode_stamp(self._bytes(self.position, STAMP_BYTES))
        if found is None or self.position + found.length > self._size():
            return None
        whole = self._bytes(self.position, found.length)
        if zlib.crc32(memoryview(whole)[STAMP_BYTES:]) != found.crc32:
            return None
        try:
            run = read_run(memoryview(whole)[STAMP_BYTES:], found.length - STAMP_BYTES)
        except StructError:
            return None
        if run is None:
            return None
        self.position += found.length
        return found.stamp, run, whole[found.length - run.data_length :]

    def _begin(self) -> bool:
        index = self.index()
        if not index.fragments:
            return False
        self.init = self._bytes(0, index.init_length)
        self.position = max(self.position, index.init_length)
        return True

    def _size(self) -> int:
        return _translated(self._path, lambda: os.fstat(self._fd).st_size)

    def _bytes(self, offset: int, length: int) -> bytes:
        return _translated(self._path, lambda: os.pread(self._fd, length, offset))


_T = TypeVar("_T")


def _translated(path: Path, call: Callable[[], _T]) -> _T:
    try:
        return call()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", number=error.errno or 0) from error
