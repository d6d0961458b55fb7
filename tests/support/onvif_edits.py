"""Edits of ONVIF's samples, and whether they changed the pictures, judged by FFmpeg and the oracle alone."""

from __future__ import annotations

import io
import random
from functools import lru_cache
from struct import pack

import av

from edge.bmff.boxes import box, full_box
from tests.support.mp4_edit import TABLE, TRACK, box_at, with_box
from tests.support.oracle.containers import open_bytes, sample_places
from tests.support.oracle.nal_units import from_lengths, is_picture_data, opens_gop

NAL_HEADER_BYTES = {"h264": 1, "h265": 2}


@lru_cache
def slice_spans(sample: bytes) -> list[tuple[int, int]]:
    """(first byte, behind the last byte) of each slice NAL unit in the file."""
    codec, places = sample_places(sample)
    found = []
    for offset, size in places:
        at = offset
        while at < offset + size:
            length = int.from_bytes(sample[at : at + 4], "big")
            if is_picture_data(codec, sample[at + 4 : at + 4 + length]):
                found.append((at + 4, at + 4 + length))
            at += 4 + length
    return found


def flip_bit(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


def edit_elsewhere(sample: bytes, chance: random.Random) -> bytes:
    """One to three edits of bytes that belong to no slice: boxes, tables, SEIs, lengths."""
    data = bytearray(sample)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place, length = _elsewhere(sample, chance)
        kind = chance.randrange(6)
        if kind <= 1:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            data[place] = chance.randrange(256)
        elif kind == 3:
            data[place : place + min(length, 4)] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x7f\xff\xff\xff"))
        elif kind == 4:
            del data[place : place + chance.randint(1, 16)]
        else:
            data[place:place] = chance.randbytes(chance.randint(1, 16))
    return bytes(data)


@lru_cache
def _holes(sample: bytes) -> list[tuple[int, int]]:
    """(start, end) between slices: four bytes of length, SEIs; the boxes."""
    edges = [0, *(edge for span in slice_spans(sample) for edge in span), len(sample)]
    return [(start, end) for start, end in zip(edges[0::2], edges[1::2], strict=True) if end > start]


def _elsewhere(sample: bytes, chance: random.Random) -> tuple[int, int]:
    """(place, bytes up to the hole's end): half the time within the boxes, else anywhere between slices."""
    holes = _holes(sample)
    boxes = [hole for hole in holes if hole[1] - hole[0] > 16]
    start, end = chance.choice(boxes if chance.random() < 0.7 else holes)
    place = chance.randrange(start, end)
    return place, end - place


def pictures_are_original(edited: bytes, sample: bytes) -> bool:
    """Whether FFmpeg finds nothing but the sample's slices in the edited file, in order and without a hole; also where it finds none."""
    ours, theirs = _slices(sample), _slices(edited)
    starts = [place for place, each in enumerate(ours) if each == theirs[0]] if theirs else [0]
    return any(ours[start : start + len(theirs)] == theirs for start in starts)


@lru_cache(4)
def _slices(data: bytes) -> list[bytes]:
    """Of what FFmpeg demultiplexes; a packet whose lengths do not add up counts as a slice of its own. None where it refuses the file."""
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as file:
            video = file.streams.video[0]
            codec = "h264" if video.codec_context.name == "h264" else "h265"
            samples = [bytes(packet) for packet in file.demux(video) if packet.size]
    except av.error.FFmpegError:
        return []
    cut = ([sample] if (nals := from_lengths(sample, 4)) is None else nals for sample in samples)
    return [nal for nals in cut for nal in nals if is_picture_data(codec, nal)]


def gop_film(sample: bytes, gop: int) -> bytes:
    """A flat MP4 of one GOP of the sample and what follows up to the access unit with its SEI."""
    return _gop_film(sample, gop)[0]


def slices_of_gop(sample: bytes, gop: int) -> list[tuple[int, int]]:
    """(first byte, behind the last byte) of each of the GOP's slices, in `gop_film`."""
    return _gop_film(sample, gop)[1]


@lru_cache
def _gop_film(sample: bytes, gop: int) -> tuple[bytes, list[tuple[int, int]]]:
    codec, places = sample_places(sample)
    units = open_bytes(sample).units
    opens = [number for number, unit in enumerate(units) if any(opens_gop(codec, nal) for nal in unit)]
    first, end = opens[gop], [*opens, len(places)][gop + 1]
    taken = places[first : end + 2]
    head = _head(sample, [size for _, size in taken])
    film = head + box(b"mdat", *(sample[offset : offset + size] for offset, size in taken))
    spans, at = [], len(head) + 8
    for offset, size in places[first:end]:
        spans += [(start - offset + at, stop - offset + at) for start, stop in slice_spans(sample) if offset <= start < offset + size]
        at += size
    return film, spans


def _head(sample: bytes, sizes: list[int]) -> bytes:
    """The sample's ftyp and moov for samples of these sizes that stand behind one another in the mdat that follows."""
    count = len(sizes)
    table = (
        box_at(sample, (*TABLE, b"stsd")),
        full_box(b"stts", 0, 0, pack(">III", 1, count, 100)),
        full_box(b"stsc", 0, 0, pack(">IIII", 1, 1, count, 1)),
        full_box(b"stsz", 0, 0, pack(f">{2 + count}I", 0, count, *sizes)),
        full_box(b"stco", 0, 0, pack(">II", 1, 1 << 30)),
    )
    bare = with_box(box_at(sample, (b"moov",)), (*TRACK, b"edts"), b"")
    head = box_at(sample, (b"ftyp",)) + with_box(bare, TABLE, box(b"stbl", *table))
    at = head.rfind(b"stco") + 12
    return head[:at] + pack(">I", len(head) + 8) + head[at + 4 :]
