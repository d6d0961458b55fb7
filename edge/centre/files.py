"""Append-only files of lines: how the centre keeps what it was told, and finds a line again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import IntegrityError, NotFound
from edge.host.disk import Disk, File

log = logging.getLogger(__name__)

TAIL_BYTES = 64 * 1024
WAITING_MAX = 1000
_WINDOW_BYTES = 8 * 1024

_T = TypeVar("_T")


class AppendOnly:
    """Lines wait until `sync`, which opens the file and closes it again: there may be one of these for each of ten thousand nodes. What a
    disk refuses waits for the next time. One thread."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk, self._path = disk, path
        self._waiting: list[bytes] = []
        self._whole = False
        """The file ends with a whole line, as far as this process knows."""

    def append(self, line: bytes) -> None:
        self._waiting.append(line)
        if len(self._waiting) > WAITING_MAX:
            log.error("%s: %d lines wait for the disk: the oldest is lost", self._path, WAITING_MAX)
            del self._waiting[0]

    def sync(self) -> None:
        """What was appended is durable when it returns. Raises StorageError."""
        if not self._waiting:
            return
        if not self._whole:
            self._disk.mkdir(self._path.parent)
            mend(self._disk, self._path)
        self._whole = False
        file = opened(self._disk, self._path)
        try:
            file.write(b"".join(line + b"\n" for line in self._waiting))
            file.fdatasync()
        finally:
            file.close()
        self._whole = True
        self._waiting.clear()


def tail_of(disk: Disk, path: Path, length: int) -> list[bytes]:
    """Whole lines within the last `length` bytes; [] for a file that is not there. Raises StorageError."""
    try:
        start = max(0, disk.stat(path).size - length)
        data = disk.read(path, start, length)
    except NotFound:
        return []
    lines = data.split(b"\n")[:-1]
    return lines[1:] if start else lines


class _Numbered(msgspec.Struct):
    seq: int


def line_of(disk: Disk, path: Path, seq: int) -> bytes | None:
    """The line with that number in a file whose lines are in the order of their numbers; None where there is none. Reads a few KiB some
    twenty times, however long the file. Raises StorageError, IntegrityError."""
    found = find_line(disk, path, seq)
    return found[1] if found is not None else None


def find_line(disk: Disk, path: Path, seq: int) -> tuple[int, bytes] | None:
    """As `line_of`, with the offset of the line."""
    low, high = 0, disk.stat(path).size
    while low < high:
        middle = (low + high) // 2
        start, raw = _line_from(disk, path, middle, low)
        if raw is None or start >= high:
            high = middle
            continue
        number = decoded(raw, _Numbered, path).seq
        if number == seq:
            return start, raw
        low, high = (start + len(raw) + 1, high) if number < seq else (low, middle)
    return None


def _line_from(disk: Disk, path: Path, offset: int, first: int) -> tuple[int, bytes | None]:
    """The first whole line that starts at `offset` or behind it; one starts at `first`."""
    begin = offset if offset == first else offset - 1
    data = b""
    while True:
        more = disk.read(path, begin + len(data), _WINDOW_BYTES)
        data += more
        start = 0 if offset == first else data.find(b"\n") + 1
        end = data.find(b"\n", start) if start or offset == first else -1
        if end >= 0:
            return begin + start, data[start:end]
        if not more:
            return begin + len(data), None


def decoded(line: bytes, shape: type[_T], path: Path) -> _T:
    """Raises IntegrityError: a line of ours that does not read is damage."""
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{path}: a damaged line: {error}", remedy="restore the file from a copy, or move it away") from error


def stored_lines(disk: Disk, path: Path, from_offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """(offset after the line, line without newline) of each whole line; reads in chunks."""
    offset, rest = from_offset, b""
    while True:
        chunk = disk.read(path, offset + len(rest), 1 << 18)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            offset += len(line) + 1
            yield offset, line


def opened(disk: Disk, path: Path) -> File:
    if exists(disk, path):
        return disk.append(path)
    file = disk.create(path)
    disk.sync_dir(path.parent)
    return file


def exists(disk: Disk, path: Path) -> bool:
    return any(entry.name == path.name for entry in disk.scan(path.parent))


def mend(disk: Disk, path: Path) -> bytes | None:
    """Cuts a torn last line (the power failed before it was told to the node); returns the last whole line."""
    if not exists(disk, path):
        return None
    size = disk.stat(path).size
    tail = disk.read(path, max(0, size - TAIL_BYTES), TAIL_BYTES)
    end = tail.rfind(b"\n") + 1
    if end < len(tail):
        file = disk.append(path)
        file.truncate(size - (len(tail) - end))
        file.fsync()
        file.close()
        log.warning("%s: a torn last line of %d bytes was cut", path.name, len(tail) - end)
    lines = tail[:end].split(b"\n")
    return lines[-2] if len(lines) > 1 else None
