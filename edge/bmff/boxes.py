"""Boxes of ISO base media files (ISO/IEC 14496-12, 4.2): writing them, and finding them in bytes nobody vouches for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from sys import byteorder

Buffer = bytes | bytearray | memoryview

_HEADER = Struct(">I4s")
_LARGE_SIZE = Struct(">Q")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class Box:
    """Offsets into the bytes it was found in: header at `start`, payload from `body` to `end`."""

    kind: bytes
    start: int
    body: int
    end: int


def box(kind: bytes, *parts: Buffer) -> bytes:
    """A whole box. Raises ValueError where it does not fit a 32-bit size."""
    body = b"".join(parts)
    size = HEADER_BYTES + len(body)
    if size > 0xFFFF_FFFF:
        raise ValueError(f"a {kind!r} box of {size} bytes does not fit a 32-bit size")
    return _HEADER.pack(size, kind) + body


def full_box(kind: bytes, version: int, flags: int, *parts: Buffer) -> bytes:
    """A box that begins with version and flags (4.2)."""
    return box(kind, (version << 24 | flags).to_bytes(4, "big"), *parts)


def boxes(data: Buffer, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that follow one another from `start`, as long as each is whole and lies before `end`; never raises on garbage."""
    end = len(data) if end is None else min(end, len(data))
    while start + HEADER_BYTES <= end:
        size, kind = _HEADER.unpack_from(data, start)
        body = start + HEADER_BYTES
        if size == 1:
            if body + _LARGE_SIZE.size > end:
                return
            (size,) = _LARGE_SIZE.unpack_from(data, body)
            body += _LARGE_SIZE.size
        if start + size > end or start + size < body:
            return
        yield Box(kind, start, body, start + size)
        start += size


def find_box(data: Buffer, *path: bytes, start: int = 0, end: int | None = None) -> Box | None:
    """The first box at `path`, e.g. find_box(data, b"moov", b"trak"); each step looks into the payload of the one before."""
    found: Box | None = None
    for kind in path:
        found = next((each for each in boxes(data, start, end) if each.kind == kind), None)
        if found is None:
            return None
        start, end = found.body, found.end
    return found


def pack_u32(values: Iterable[int]) -> bytes:
    """Big-endian unsigned 32-bit integers. Raises OverflowError outside their range."""
    return _big_endian(array("I", values))


def pack_i32(values: Iterable[int]) -> bytes:
    """Big-endian signed 32-bit integers. Raises OverflowError outside their range."""
    return _big_endian(array("i", values))


def pack_u64(values: Iterable[int]) -> bytes:
    """Big-endian unsigned 64-bit integers. Raises OverflowError outside their range."""
    return _big_endian(array("Q", values))


def unpack_u32(data: Buffer) -> array[int]:
    """The inverse of `pack_u32`; `data` is a multiple of four bytes long."""
    return _from_big_endian("I", data)


def unpack_i32(data: Buffer) -> array[int]:
    """The inverse of `pack_i32`; `data` is a multiple of four bytes long."""
    return _from_big_endian("i", data)


def _big_endian(values: array[int]) -> bytes:
    if byteorder == "little":
        values.byteswap()
    return values.tobytes()


def _from_big_endian(code: str, data: Buffer) -> array[int]:
    values: array[int] = array(code)
    values.frombytes(data)
    if byteorder == "little":
        values.byteswap()
    return values
