"""The bytes of a file that nobody vouches for, and the form in which every container's reader hands its pictures on.

Readers stream: one access unit at a time in the order of the file's own decoding, tables capped, every offset checked, no recursion, and
no more bytes read than about twice the file has.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from edge.bmff.nal import START_CODE
from edge.bmff.params import ParameterSets
from edge.errors import IntegrityError, StorageError, UsageError
from edge.messages.stream import Codec
from edge.seal.findings import Findings

LARGEST_UNIT_BYTES = 64 << 20
NS_PER_S = 1_000_000_000
_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20
_HIDDEN_START_CODE = START_CODE[1:]

ContainerKind = Literal["mp4", "fragmented mp4", "matroska", "annex b"]


class FileBytes:
    """A regular file, open for reading. `read` is bounded in all: twice the file and 64 MiB."""

    def __init__(self, descriptor: int, name: str, size: int) -> None:
        self._descriptor = descriptor
        self.name = name
        self.size = size
        self._left = 2 * size + _SPARE_BYTES

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end of the file. Raises StorageError; IntegrityError where the file makes its reader go round in circles."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        self._left -= length
        if self._left < 0:
            raise IntegrityError(f"{self.name}: its tables name more bytes than the file has")
        try:
            data = os.pread(self._descriptor, length, offset)
            while len(data) < length and (more := os.pread(self._descriptor, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise StorageError(f"{self.name}: cannot be read: {error.strerror}", number=error.errno or 0) from error
        return data

    def sha256(self) -> str:
        """Hex, of the whole file."""
        digest = sha256()
        for offset in range(0, self.size, _CHUNK_BYTES):
            try:
                digest.update(os.pread(self._descriptor, _CHUNK_BYTES, offset))
            except OSError as error:
                raise StorageError(f"{self.name}: cannot be read: {error.strerror}", number=error.errno or 0) from error
        return digest.hexdigest()


@contextmanager
def open_bytes(path: Path) -> Iterator[FileBytes]:
    """Raises UsageError where there is no such file or it is none; StorageError where it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be opened: {error}", number=getattr(error, "errno", 0) or 0) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is no file")
        yield FileBytes(descriptor, path.name, status.st_size)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit, or what stands for one. nals: without start codes, lengths and trailing zero bytes. pts_ns: composition time on
    the track's own timeline, before any edit; None where the container has none. broken: its NAL lengths do not add up."""

    nals: list[memoryview]
    pts_ns: int | None
    duration_ns: int
    broken: bool = False


@dataclass(slots=True)
class Film:
    """A file's video. entry: the complete parameter sets in its header, None where there are none. findings grows while `units` runs.
    shown: composition times (ns) from and up to which the container tells players to show; None: all of it, or up to the end."""

    container: ContainerKind
    codec: Codec
    entry: ParameterSets | None
    units: Iterator[Unit]
    findings: Findings
    shown: tuple[int, int | None] | None = None


def cut_nals(data: bytes, length_bytes: int) -> tuple[list[memoryview], bool]:
    """(NAL units behind their big-endian lengths, whether these add up). Trailing zero bytes and empty units are left out."""
    view = memoryview(data)
    found: list[memoryview] = []
    at, end = 0, len(data)
    while at + length_bytes <= end:
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start], "big")
        if at > end:
            return found, False
        stop = at
        if at > start and data[at - 1] == 0:
            stop = start + len(data[start:at].rstrip(b"\0"))
        if stop > start:
            found.append(view[start:stop])
    return found, at == end


def hides_start_code(nal: memoryview) -> bool:
    """Whether there is a start code inside: a player that turns lengths into start codes would find another NAL unit there."""
    return _HIDDEN_START_CODE in bytes(nal)
