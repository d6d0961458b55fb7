"""The luma window: one file under the run folder through which a capture worker shows its newest luma picture to the watcher.

One writer, any number of readers, no locks. The writer never waits for anybody: it fills three slots in turn, and a slot's counter is odd
while it is being written (a sequence lock). A reader copies the slot with the highest sequence number and takes the copy only when the
counter was even and unchanged and the CRC-32 over facts and picture is right: the CRC is what makes this hold on CPUs that reorder
stores, and against a file that is damaged. Both sides use pread and pwrite on the memory file system, not a mapping: a file cut short under
a mapping kills the process with SIGBUS, and the capture worker must not die of its window. A picture costs tens of microseconds either way.

A writer never re-uses a file: it makes a new one beside it, reserves its bytes and renames it over the old name. A reader notices by the
inode, also when the picture's size changed. The header is written with every picture, so that a damaged window heals by itself.

Layout, native byte order, 64-bit words: [0] magic [1] width [2] height [3] nonce of this file; from byte 64 three slot headers of 64 bytes:
[0] counter [1] seq [2] boot_ns [3] CRC-32 [4..7] exposure as doubles, NaN: not known; from byte 4096 three pictures, each at a multiple
of 4096.
"""

from __future__ import annotations

import errno
import math
import os
import secrets
import stat
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.errors import StorageError

SLOTS = 3
MAX_PIXELS = 1280 * 720
_MAGIC = int.from_bytes(b"EDGELUM2", "little")
_WORD = 8
_SLOT_BYTES = 64
_HEAD_BYTES = _SLOT_BYTES * (1 + SLOTS)
_PAGE = 4096
_TRIES = 8
_COUNTER = struct.Struct("=Q")
_HEAD = struct.Struct("=4Q")
_SLOT = struct.Struct("=4Q32s")
"""counter, seq, boot_ns, CRC-32, exposure"""
_EXPOSURE = struct.Struct("=4d")
_NAN = math.nan

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the camera took a picture; None: it does not say. gain: analogue times digital. lux: estimated. colour_k: of the light."""

    time_us: float | None = None
    gain: float | None = None
    lux: float | None = None
    colour_k: float | None = None

    def packed(self) -> bytes:
        return _EXPOSURE.pack(*(_NAN if value is None else value for value in (self.time_us, self.gain, self.lux, self.colour_k)))

    @staticmethod
    def unpacked(data: bytes) -> Exposure:
        return Exposure(*(None if math.isnan(value) else value for value in _EXPOSURE.unpack(data)))


UNKNOWN = Exposure()


@dataclass(frozen=True, slots=True)
class Luma:
    """luma: width x height bytes, row by row from the top left. boot_ns: CLOCK_BOOTTIME of the picture. seq: the writer's count."""

    width: int
    height: int
    boot_ns: int
    seq: int
    luma: bytes
    exposure: Exposure = UNKNOWN


def _stride(width: int, height: int) -> int:
    return -(-width * height // _PAGE) * _PAGE


def _checksum(width: int, height: int, seq: int, boot_ns: int, exposure: bytes, luma: Buffer) -> int:
    return zlib.crc32(luma, zlib.crc32(_SLOT.pack(width, height, seq, boot_ns, exposure)))


class LumaWriter:
    """Owned by one thread of the capture worker. Raises StorageError when the file cannot be made (folder missing, tmpfs full)."""

    def __init__(self, path: Path | str, width: int, height: int) -> None:
        if not (0 < width * height <= MAX_PIXELS and width > 0):
            raise ValueError(f"a luma window of {width}x{height} is outside 1..{MAX_PIXELS} pixels")
        self.width = width
        self.height = height
        self._count = 0
        self._stride = _stride(width, height)
        self._counters = [0] * SLOTS
        self._head = _HEAD.pack(_MAGIC, width, height, secrets.randbits(63))
        try:
            self._file: int | None = _new_file(Path(path), _PAGE + SLOTS * self._stride, self._head)
        except OSError as error:
            raise StorageError(f"{path}: cannot make the luma window: {error.strerror}", number=error.errno or 0) from error

    def put(self, boot_ns: int, luma: Buffer, seq: int, exposure: Exposure = UNKNOWN) -> None:
        """Show a picture of exactly width x height bytes (any contiguous buffer; ValueError otherwise). seq must grow. Never blocks.

        Raises StorageError when the file system takes nothing (the window was cut short and the memory file system is full)."""
        view = memoryview(luma).cast("B")
        if len(view) != self.width * self.height:
            raise ValueError(f"{len(view)} bytes for a luma window of {self.width}x{self.height}")
        slot = self._count % SLOTS
        self._count += 1
        self._counters[slot] += 2
        counter, head = self._counters[slot], _SLOT_BYTES * (1 + slot)
        words = exposure.packed()
        facts = _SLOT.pack(counter, seq, boot_ns, _checksum(self.width, self.height, seq, boot_ns, words, view), words)
        try:
            self._write(_COUNTER.pack(counter - 1), head)
            self._write(view, _PAGE + slot * self._stride)
            self._write(facts, head)
            self._write(self._head, 0)
        except OSError as error:
            raise StorageError(f"the luma window takes no picture: {error.strerror}", number=error.errno or 0) from error

    def close(self) -> None:
        """The file stays, so that the last picture can still be seen; twice is fine."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: Buffer, offset: int) -> None:
        if self._file is None:
            raise ValueError("the luma window is closed")
        if os.pwrite(self._file, data, offset) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _new_file(path: Path, size: int, head: bytes) -> int:
    """A reserved, zeroed file of `size` bytes with its header, renamed over `path`; its descriptor."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.pwrite(descriptor, head, 0)
        fresh.rename(path)
    except OSError:
        os.close(descriptor)
        fresh.unlink(missing_ok=True)
        raise
    return descriptor


@dataclass(frozen=True, slots=True)
class _Opened:
    descriptor: int
    inode: tuple[int, int]


class LumaReader:
    """Owned by one thread. Survives a missing, replaced, cut or damaged file; `trouble` says in words why there was no picture."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._file: _Opened | None = None
        self._shown_of: int | None = None
        self.trouble = ""

    def newest(self, after_seq: int = -1) -> Luma | None:
        """The newest whole picture, None when it is not newer than `after_seq` or there is none.

        `after_seq` counts within one life of the writer: the first picture of a new file is always returned."""
        self.trouble = ""
        opened = self._current()
        if opened is None:
            return None
        for _ in range(_TRIES):
            head = os.pread(opened.descriptor, _HEAD_BYTES, 0)
            if len(head) != _HEAD_BYTES:
                self.trouble = "the window file is cut short"
                return None
            words = memoryview(head).cast("Q")
            width, height, nonce = words[1], words[2], words[3]
            if words[0] != _MAGIC or not 0 < width * height <= MAX_PIXELS:
                self.trouble = "the window file is damaged"
                return None
            slot = _newest_slot(words, after_seq if nonce == self._shown_of else -1)
            if slot is None:
                return None
            luma = self._copy(opened, words, slot)
            if luma is not None:
                self._shown_of = nonce
                return luma
        self.trouble = "the window's pictures do not check"
        return None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file.descriptor)
            self._file = None

    def _copy(self, opened: _Opened, words: memoryview, slot: int) -> Luma | None:
        """The slot's picture, None when it changed under the copy or does not check."""
        width, height, at = words[1], words[2], _SLOT_BYTES * (1 + slot) // _WORD
        luma = os.pread(opened.descriptor, width * height, _PAGE + slot * _stride(width, height))
        after = os.pread(opened.descriptor, _WORD, at * _WORD)
        seq, boot_ns, crc = words[at + 1], words[at + 2], words[at + 3]
        exposure = words[at + 4 : at + 8].tobytes()
        if after != words[at : at + 1].tobytes() or _checksum(width, height, seq, boot_ns, exposure, luma) != crc:
            return None
        return Luma(width, height, boot_ns, seq, luma, Exposure.unpacked(exposure))

    def _current(self) -> _Opened | None:
        """The file now under the name, opened; the old one is closed when it was replaced."""
        try:
            found = os.stat(self._path)
        except OSError:
            self.close()
            self.trouble = "there is no window file"
            return None
        if self._file is not None and self._file.inode == (found.st_dev, found.st_ino):
            return self._file
        self.close()
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self.trouble = f"the window file cannot be opened: {error.strerror}"
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            self.trouble = "the window is no file"
            return None
        self._file = _Opened(descriptor, (found.st_dev, found.st_ino))
        return self._file


def _newest_slot(words: memoryview, after_seq: int) -> int | None:
    """Of the slots not being written the one with the highest sequence number above `after_seq`."""
    best, best_seq = None, after_seq
    for slot in range(SLOTS):
        at = _SLOT_BYTES * (1 + slot) // _WORD
        counter, seq = words[at], words[at + 1]
        if counter and counter % 2 == 0 and seq > best_seq:
            best, best_seq = slot, seq
    return best
