"""An independent reading of flat MP4 files: the sample table as a plain list (ISO/IEC 14496-12, 8.6 and 8.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from struct import iter_unpack, unpack_from

from edge.bmff.boxes import Box, boxes, find_box

_TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@dataclass(frozen=True)
class FlatSample:
    """offset, size: in the file. dts, pts, duration: ticks, before any edit."""

    offset: int
    size: int
    dts: int
    pts: int
    duration: int
    key: bool


@dataclass(frozen=True)
class FlatFile:
    """edit: (media time, duration) of the only edit. start_utc_ns: of the origin of the media timeline, None where it is not told."""

    samples: list[FlatSample]
    edit: tuple[int, int]
    sample_entry: bytes
    mdat: Box
    start_utc_ns: int | None

    def shown(self) -> list[int]:
        """Places of the samples the edit shows, in presentation order."""
        begin, duration = self.edit
        order = sorted(range(len(self.samples)), key=lambda place: self.samples[place].pts)
        return [place for place in order if begin <= self.samples[place].pts < begin + duration]


def read_flat(data: bytes) -> FlatFile:
    kinds = [each.kind for each in boxes(data)]
    assert kinds in ([b"ftyp", b"moov", b"mdat"], [b"ftyp", b"meta", b"moov", b"mdat"])
    sizes = [size for (size,) in iter_unpack(">I", _body(data, b"stsz")[12:])]
    durations = [value for count, value in iter_unpack(">II", _body(data, b"stts")[8:]) for _ in range(count)]
    offsets = _composition_offsets(data, len(sizes))
    keys = {number for (number,) in iter_unpack(">I", _body(data, b"stss")[8:])}
    places = _offsets(data, sizes)
    assert len(sizes) == len(durations) == len(places)
    samples, dts = [], 0
    for number, (size, duration, cto, place) in enumerate(zip(sizes, durations, offsets, places, strict=True), 1):
        samples.append(FlatSample(place, size, dts, dts + cto, duration, number in keys))
        dts += duration
    entry = find_box(data, *_TABLE, b"stsd")
    edit = find_box(data, b"moov", b"trak", b"edts", b"elst")
    mdat = find_box(data, b"mdat")
    assert entry is not None
    assert edit is not None
    assert mdat is not None
    count, edit_duration, media_time = unpack_from(">IQq", data, edit.body + 4)
    assert count == 1
    return FlatFile(samples, (media_time, edit_duration), data[entry.body + 8 : entry.end], mdat, _start_time(data))


def _start_time(data: bytes) -> int | None:
    """cstb of ONVIF Export File Format, "Timing"."""
    meta = find_box(data, b"meta")
    if meta is None:
        return None
    correction = find_box(data, b"cstb", start=meta.body + 4, end=meta.end)
    assert correction is not None
    count, track, moment = unpack_from(">IIQ", data, correction.body)
    assert (count, track) == (1, 1)
    of_1601 = datetime(1601, 1, 1, tzinfo=timezone.utc)
    return (of_1601 - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000 + int(moment) * 100


def _body(data: bytes, kind: bytes) -> bytes:
    found = find_box(data, *_TABLE, kind)
    assert found is not None, kind
    return data[found.body : found.end]


def _composition_offsets(data: bytes, samples: int) -> list[int]:
    found = find_box(data, *_TABLE, b"ctts")
    if found is None:
        return [0] * samples
    return [value for count, value in iter_unpack(">Ii", data[found.body + 8 : found.end]) for _ in range(count)]


def _offsets(data: bytes, sizes: list[int]) -> list[int]:
    if find_box(data, *_TABLE, b"co64") is not None:
        chunks = [offset for (offset,) in iter_unpack(">Q", _body(data, b"co64")[8:])]
    else:
        chunks = [offset for (offset,) in iter_unpack(">I", _body(data, b"stco")[8:])]
    runs = list(iter_unpack(">III", _body(data, b"stsc")[8:]))
    found: list[int] = []
    for number, offset in enumerate(chunks, 1):
        samples = next(count for first, count, _ in reversed(runs) if first <= number)
        for _ in range(samples):
            found.append(offset)
            offset += sizes[len(found) - 1]
    return found
