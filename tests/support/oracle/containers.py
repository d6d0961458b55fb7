"""Access units out of MP4 (flat or fragmented), Annex B and whatever FFmpeg opens: written from ISO/IEC 14496-12, for the oracle alone.

Only well-formed files are expected: the oracle judges pictures, not parsers. Anything else raises.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from typing import Any

import av

from tests.support.oracle.nal_units import from_annexb, from_lengths, is_picture_data, kind

INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex", b"edts"}


@dataclass
class Stream:
    """One video track: NAL units of each access unit in decoding order, its duration in seconds where the container tells, and the
    parameter sets of the sample entry."""

    codec: str
    units: list[list[bytes]] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    entry_sets: list[bytes] = field(default_factory=list)

    @property
    def band_sets(self) -> list[bytes]:
        wanted = (7, 8) if self.codec == "h264" else (32, 33, 34)
        return [nal for unit in self.units for nal in unit if kind(self.codec, nal) in wanted]


def open_bytes(data: bytes, codec: str | None = None) -> Stream:
    """codec: needed of Annex B alone."""
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return _through_ffmpeg(data)
    if data[:3] != b"\0\0\1" and data[:4] != b"\0\0\0\1":
        return _mp4(data)
    assert codec is not None
    return Stream(codec, _units(codec, from_annexb(data)))


def tree(data: bytes, start: int, end: int) -> list[tuple[bytes, int, int, list[Any]]]:
    """(kind, body, end, boxes inside) of every box."""
    found = []
    while start + 8 <= end:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        body = start + 8
        if size == 1:
            size = struct.unpack(">Q", data[body : body + 8])[0]
            body += 8
        if size == 0:
            size = end - start
        assert body <= start + size <= end, f"{name!r} does not fit"
        found.append((name, body, start + size, tree(data, body, start + size) if name in INSIDE else []))
        start += size
    return found


def _all(boxes: list[tuple[bytes, int, int, list[Any]]], name: bytes) -> list[tuple[bytes, int, int, list[Any]]]:
    found = []
    for box in boxes:
        if box[0] == name:
            found.append(box)
        found += _all(box[3], name)
    return found


def _count(data: bytes, at: int) -> int:
    """How many of something a table says there are: not more than the file has bytes."""
    found = _u32(data, at)
    assert found <= len(data), f"{found} of them"
    return found


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def sample_places(data: bytes) -> tuple[str, list[tuple[int, int]]]:
    """(codec, (offset, size) of each sample) of a flat MP4."""
    track = _video_track(data, tree(data, 0, len(data)))
    return _entry(_description(data, track))[0].codec, [(offset, size) for offset, size, _ in _flat_samples(data, track)]


def _video_track(data: bytes, top: list[tuple[bytes, int, int, list[Any]]]) -> Any:
    [moov] = [box for box in top if box[0] == b"moov"]
    return next(trak for trak in _all([moov], b"trak") if data[_all([trak], b"hdlr")[0][1] + 8 :][:4] == b"vide")


def _description(data: bytes, track: Any) -> bytes:
    stsd = _all([track], b"stsd")[0]
    return data[stsd[1] + 8 : stsd[2]]


def _mp4(data: bytes) -> Stream:
    top = tree(data, 0, len(data))
    track = _video_track(data, top)
    stream, length_bytes = _entry(_description(data, track))
    mdhd = _all([track], b"mdhd")[0]
    scale = _u32(data, mdhd[1] + (20 if data[mdhd[1]] == 1 else 12))
    samples = _flat_samples(data, track)
    for moof in (box for box in top if box[0] == b"moof"):
        samples += _fragment_samples(data, moof)
    for offset, size, ticks in samples:
        nals = from_lengths(data[offset : offset + size], length_bytes)
        assert nals is not None, "lengths do not add up"
        stream.units.append(nals)
        stream.durations.append(ticks / scale)
    return stream


def _entry(entry: bytes) -> tuple[Stream, int]:
    name = entry[4:8]
    codec = "h264" if name in (b"avc1", b"avc3") else "h265"
    assert codec == "h264" or name in (b"hvc1", b"hev1"), name
    inside = tree(entry, 86, _u32(entry, 0))
    body = next(entry[box[1] : box[2]] for box in inside if box[0] in (b"avcC", b"hvcC"))
    sets: list[bytes] = []
    if codec == "h264":
        at = 6
        for count in (body[5] & 31, None):
            if count is None:
                count, at = body[at], at + 1
            at = _sets(body, at, count, sets)
        return Stream(codec, entry_sets=sets), (body[4] & 3) + 1
    at = 23
    for _ in range(body[22]):
        at = _sets(body, at + 3, body[at + 1] * 256 + body[at + 2], sets)
    return Stream(codec, entry_sets=sets), (body[21] & 3) + 1


def _sets(body: bytes, at: int, count: int, sets: list[bytes]) -> int:
    for _ in range(count):
        size = body[at] * 256 + body[at + 1]
        sets.append(body[at + 2 : at + 2 + size])
        at += 2 + size
    return at


def _flat_samples(data: bytes, track: Any) -> list[tuple[int, int, int]]:
    """(offset, size, ticks)."""
    stsz = _all([track], b"stsz")[0][1]
    count = _count(data, stsz + 8)
    sizes = [_u32(data, stsz + 4) or _u32(data, stsz + 12 + 4 * number) for number in range(count)]
    ticks: list[int] = []
    stts = _all([track], b"stts")[0][1]
    for row in range(_count(data, stts + 4)):
        ticks += [_u32(data, stts + 12 + 8 * row)] * _count(data, stts + 8 + 8 * row)
    large = _all([track], b"co64")
    box = large[0][1] if large else _all([track], b"stco")[0][1]
    width = 8 if large else 4
    chunks = [int.from_bytes(data[box + 8 + width * n : box + 8 + width * (n + 1)], "big") for n in range(_count(data, box + 4))]
    stsc = _all([track], b"stsc")[0][1]
    rows = [(_u32(data, stsc + 8 + 12 * n), _count(data, stsc + 12 + 12 * n)) for n in range(_count(data, stsc + 4))]
    found: list[tuple[int, int, int]] = []
    for number, offset in enumerate(chunks, 1):
        for _ in range([many for first, many in rows if first <= number][-1]):
            if len(found) < count:
                found.append((offset, sizes[len(found)], ticks[len(found)]))
                offset += found[-1][1]
    return found


def _fragment_samples(data: bytes, moof: Any) -> list[tuple[int, int, int]]:
    found = []
    start = moof[1] - 8
    for trun in _all([moof], b"trun"):
        at = trun[1]
        flags, count = _u32(data, at) & 0xFFFFFF, _count(data, at + 4)
        at += 8
        assert flags & 0x301 == 0x301, "sizes, durations and the offset are in the run"
        offset = start + _u32(data, at)
        at += 4 + (4 if flags & 4 else 0)
        for _ in range(count):
            ticks, size = _u32(data, at), _u32(data, at + 4)
            at += 8 + (4 if flags & 0x400 else 0) + (4 if flags & 0x800 else 0)
            found.append((offset, size, ticks))
            offset += size
    return found


def _through_ffmpeg(data: bytes) -> Stream:
    with av.open(io.BytesIO(data), "r") as file:
        video = file.streams.video[0]
        extra = video.codec_context.extradata or b""
        codec = "h264" if video.codec_context.name == "h264" else "h265"
        length_bytes = (extra[4 if codec == "h264" else 21] & 3) + 1
        packets = [bytes(packet) for packet in file.demux(video)]
    stream = Stream(codec)
    for packet in packets:
        if packet:
            nals = from_lengths(packet, length_bytes)
            assert nals is not None
            stream.units.append(nals)
    return stream


def _units(codec: str, nals: list[bytes]) -> list[list[bytes]]:
    """Annex B into access units: a new one begins where a picture's first slice stands, or what may only stand in front of one."""
    units: list[list[bytes]] = []
    front: list[bytes] = []
    for nal in nals:
        if not is_picture_data(codec, nal):
            if kind(codec, nal) == 40 and codec == "h265" and units:
                units[-1].append(nal)
            else:
                front.append(nal)
            continue
        first = nal[1] >= 128 if codec == "h264" else nal[2] >= 128
        if first or front or not units:
            units.append([*front, nal])
        else:
            units[-1].append(nal)
        front = []
    if front:
        units.append(front)
    return units
