"""Movie fragments by anybody (ISO/IEC 14496-12, 8.8): moof after moof, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

from edge.bmff.boxes import HEADER_BYTES, Box, find_box
from edge.bmff.fragment import TRUN_DATA_OFFSET, TRUN_DURATION, TRUN_FIRST_FLAGS, TRUN_FLAGS, TRUN_OFFSETS, TRUN_SIZE
from edge.errors import IntegrityError
from edge.seal.container_mp4_samples import Row, rows_u32, signed
from edge.seal.container_mp4_track import Track, children

_BASE, _DESCRIPTION, _DURATION, _SIZE, _FLAGS, _BASE_IS_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20, 0x2_0000
_MOST_SAMPLES = 1_000_000
"""In one fragment."""


@dataclass(frozen=True, slots=True)
class _Defaults:
    base: int
    duration: int
    size: int


class Fragments:
    """The state that goes from one fragment to the next: where decoding time stands."""

    def __init__(self, track: Track, extends: dict[int, bytes]) -> None:
        self._track = track.number
        body = extends.get(track.number, b"").ljust(24, b"\0")
        self._duration, self._size = unpack_from(">II", body, 12)
        self._dts = 0

    def rows(self, name: str, start: int, moof: bytes) -> Iterator[Row]:
        """moof: the whole box, which stands at `start` in the file. Raises IntegrityError where it does not read."""
        head = int.from_bytes(moof[:4], "big") == 1
        data_end = start
        for traf in children(moof, Box(b"moof", 0, 16 if head else HEADER_BYTES, len(moof))).get(b"traf", []):
            parts = children(moof, traf)
            if any(len(parts.get(kind, [])) > 1 for kind in (b"tfhd", b"tfdt")):
                raise IntegrityError(f"{name}: a fragment with two headers for one track")
            tfhd = find_box(moof, b"tfhd", start=traf.body, end=traf.end)
            if tfhd is None or tfhd.end - tfhd.body < 8:
                raise IntegrityError(f"{name}: a fragment without its track header")
            number, defaults = self._header(moof[tfhd.body : tfhd.end], start, data_end)
            data_end = defaults.base
            if number == self._track:
                self._set_time(moof, traf)
                for row in self._runs(name, moof, traf, defaults):
                    data_end = row.offset + row.size
                    yield row

    def _header(self, body: bytes, start: int, data_end: int) -> tuple[int, _Defaults]:
        flags, number = unpack_from(">II", body)
        at, base = 8, start if flags & _BASE_IS_MOOF else data_end
        if flags & _BASE:
            base, at = int.from_bytes(body[at : at + 8], "big"), at + 8
        at += 4 if flags & _DESCRIPTION else 0
        duration, size = self._duration, self._size
        if flags & _DURATION:
            duration, at = int.from_bytes(body[at : at + 4], "big"), at + 4
        if flags & _SIZE:
            size = int.from_bytes(body[at : at + 4], "big")
        return number, _Defaults(base, duration, size)

    def _set_time(self, moof: bytes, traf: Box) -> None:
        time = find_box(moof, b"tfdt", start=traf.body, end=traf.end)
        if time is not None and time.end - time.body >= 8:
            self._dts = int.from_bytes(moof[time.body + 4 : time.body + (12 if moof[time.body] else 8)], "big")

    def _runs(self, name: str, moof: bytes, traf: Box, defaults: _Defaults) -> Iterator[Row]:
        at = defaults.base
        for trun in children(moof, traf).get(b"trun", []):
            body = moof[trun.body : trun.end]
            if len(body) < 8:
                raise IntegrityError(f"{name}: a fragment's table does not read")
            flags, count = unpack_from(">II", body)
            flags &= 0xFF_FFFF
            if flags & TRUN_DATA_OFFSET:
                at = defaults.base + signed(int.from_bytes(body[8:12], "big"))
            for row in self._rows(name, body, flags, count, defaults):
                duration, size, cto = row
                yield Row(at, size, self._dts, cto, duration)
                at += size
                self._dts += duration

    def _rows(self, name: str, body: bytes, flags: int, count: int, defaults: _Defaults) -> Iterator[tuple[int, int, int]]:
        """(duration, size, composition offset) of each sample."""
        begin = 8 + (4 if flags & TRUN_DATA_OFFSET else 0) + (4 if flags & TRUN_FIRST_FLAGS else 0)
        present = [flag for flag in (TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, TRUN_OFFSETS) if flags & flag]
        columns = len(present)
        table = rows_u32(body, begin, count, columns) if columns else None
        if count > _MOST_SAMPLES or (table is not None and len(table) != count * columns):
            raise IntegrityError(f"{name}: a fragment's table says {count} pictures and does not list them")
        place = {flag: number for number, flag in enumerate(present)}
        for row in range(count):
            at = row * columns
            duration = table[at + place[TRUN_DURATION]] if table is not None and TRUN_DURATION in place else defaults.duration
            size = table[at + place[TRUN_SIZE]] if table is not None and TRUN_SIZE in place else defaults.size
            cto = signed(table[at + place[TRUN_OFFSETS]]) if table is not None and TRUN_OFFSETS in place else 0
            yield duration, size, cto
