"""The sample table of a flat MP4 track as rows (ISO/IEC 14496-12, 8.6 and 8.7): walked in step, never expanded."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from struct import unpack_from

from edge.bmff.boxes import unpack_u32
from edge.errors import IntegrityError
from edge.seal.container_mp4_track import Track

_SIGN, _WRAP = 1 << 31, 1 << 32


@dataclass(frozen=True, slots=True)
class Row:
    """offset, size: bytes, in the file. dts, cto, duration: ticks."""

    offset: int
    size: int
    dts: int
    cto: int
    duration: int


def flat_rows(name: str, track: Track) -> Iterator[Row]:
    """In decoding order; none where the table is empty (fragments follow). Raises IntegrityError where it contradicts itself."""
    sizes = _sizes(name, track.table.get(b"stsz", b""))
    durations, ctos = _runs(track.table.get(b"stts", b"")), _runs(track.table.get(b"ctts", b""))
    places = _places(name, track, iter(sizes))
    dts = 0
    for (offset, size), duration, cto in zip(places, durations, ctos, strict=False):
        yield Row(offset, size, dts, signed(cto), duration)
        dts += duration


def signed(value: int) -> int:
    """Composition offsets are signed in version 1, and in practice also in version 0."""
    return value - _WRAP if value >= _SIGN else value


def rows_u32(body: bytes, at: int, count: int, columns: int) -> array[int]:
    """Whole rows only, as many as there are."""
    room = max(0, len(body) - at) // (4 * columns)
    return unpack_u32(body[at : at + 4 * columns * min(count, room)])


def _count(body: bytes, at: int = 4) -> int:
    return int.from_bytes(body[at : at + 4], "big") if len(body) >= at + 4 else 0


def _sizes(name: str, body: bytes) -> Iterator[int] | array[int]:
    if not body:
        return iter(())
    same, count = _count(body), _count(body, 8)
    if same:
        return repeat(same, count)
    sizes = rows_u32(body, 12, count, 1)
    if len(sizes) != count:
        raise IntegrityError(f"{name}: its table says {count} pictures and lists {len(sizes)}")
    return sizes


def _runs(body: bytes) -> Iterator[int]:
    """The values of (count, value) runs one by one, then zeros."""
    rows = rows_u32(body, 8, _count(body), 2)
    for at in range(0, len(rows), 2):
        yield from repeat(rows[at + 1], rows[at])
    yield from repeat(0)


def _places(name: str, track: Track, sizes: Iterator[int]) -> Iterator[tuple[int, int]]:
    """(offset, size) of each sample: chunk by chunk."""
    runs = rows_u32(track.table.get(b"stsc", b""), 8, _count(track.table.get(b"stsc", b"")), 3)
    row = 0
    for number, offset in enumerate(_chunk_offsets(track.table), 1):
        while row + 3 < len(runs) and runs[row + 3] <= number:
            row += 3
        if row + 1 >= len(runs):
            raise IntegrityError(f"{name}: its table does not say how many pictures a chunk has")
        for _ in range(runs[row + 1]):
            size = next(sizes, None)
            if size is None:
                return
            yield offset, size
            offset += size
    if next(sizes, None) is not None:
        raise IntegrityError(f"{name}: its table lists more pictures than it has places for")


def _chunk_offsets(table: dict[bytes, bytes]) -> Iterator[int]:
    large = table.get(b"co64")
    if large is None:
        body = table.get(b"stco", b"")
        yield from rows_u32(body, 8, _count(body), 1)
        return
    for number in range(min(_count(large), max(0, len(large) - 8) // 8)):
        yield unpack_from(">Q", large, 8 + 8 * number)[0]
