"""The segments behind a clip: opened by number, identified, read fragment by fragment and checked."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from errno import EIO
from pathlib import Path
from typing import Protocol

from edge.bmff.fragment import STAMP_BYTES, FragmentEntry
from edge.bmff.index import TRAILER_BYTES, SegmentIndex, decode_tail
from edge.bmff.walk import walk
from edge.clip.shape import FragmentRange
from edge.errors import IntegrityError, StorageError
from edge.host.disk import Disk


class FileReader(Protocol):
    """A segment's file, wherever it lies by now."""

    @property
    def size(self) -> int:
        """Bytes. Raises StorageError."""

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end of the file. Raises StorageError."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A segment's file where it lies now."""

    disk: Disk
    path: Path

    @property
    def size(self) -> int:
        return self.disk.stat(self.path).size

    def read(self, offset: int, length: int) -> bytes:
        return self.disk.read(self.path, offset, length)


Opener = Callable[[int], FileReader]
"""From a segment's sequence number to its file. May raise StorageError."""


class DamagedFragment(IntegrityError):
    """The stored bytes of fragment `number` of segment `seq` do not fit their CRC, or the medium does not give them back."""

    def __init__(self, seq: int, number: int) -> None:
        super().__init__(f"segment {seq}: the bytes of fragment {number} are damaged")
        self.seq = seq
        self.number = number


@dataclass(frozen=True)
class Segment:
    """An opened segment."""

    seq: int
    file: FileReader
    index: SegmentIndex

    def places(self, wanted: FragmentRange) -> tuple[int, int]:
        """First and last place in the index of the wanted fragments. Raises IntegrityError where one is not there."""
        found = [place for place, entry in enumerate(self.index.fragments) if wanted.first <= entry.number <= wanted.last]
        if not found or len(found) != wanted.last - wanted.first + 1:
            count = wanted.last - wanted.first + 1
            raise IntegrityError(f"segment {self.seq} holds {len(found)} of the {count} fragments the clip was planned from")
        return found[0], found[-1]

    def payload(self, entry: FragmentEntry, *, check: bool = True) -> memoryview:
        """The samples of a fragment. check: read all its bytes and compare their CRC. Raises DamagedFragment, StorageError."""
        skipped = STAMP_BYTES if check else entry.data_offset - entry.offset
        try:
            data = self.file.read(entry.offset + skipped, entry.length - skipped)
        except StorageError as error:
            if error.number != EIO:
                raise
            raise DamagedFragment(self.seq, entry.number) from error
        if len(data) != entry.length - skipped or (check and zlib.crc32(data) != entry.crc32):
            raise DamagedFragment(self.seq, entry.number)
        return memoryview(data)[entry.data_offset - entry.offset - skipped :]


class Segments:
    """Opens each segment once."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._known: dict[int, Segment] = {}

    def find(self, seq: int) -> Segment:
        """Raises StorageError where it cannot be read, IntegrityError where it is another one."""
        if seq not in self._known:
            file = self._opener(seq)
            index = read_index(file)
            if index.fragments and index.seq != seq:
                raise IntegrityError(f"the file of segment {seq} is that of segment {index.seq}")
            self._known[seq] = Segment(seq, file, index)
        return self._known[seq]


def read_index(file: FileReader) -> SegmentIndex:
    """From the index box at the end; a segment without one - still open when it was pinned, or damaged - is walked. Raises StorageError."""
    size = file.size
    needed = TRAILER_BYTES
    try:
        for _ in range(2):
            found = decode_tail(file.read(max(0, size - needed), needed), size)
            if isinstance(found, SegmentIndex):
                return found
            needed = found.length
    except IntegrityError:
        pass
    except StorageError as error:
        if error.number != EIO:
            raise
    return walk(file.read, size, check_payload=False).index
