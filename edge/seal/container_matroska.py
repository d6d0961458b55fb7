"""Matroska (RFC 9559) as far as it carries one H.264 or H.265 track without lacing, encryption or compression of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.bmff.boxes import box
from edge.bmff.params import ParameterSets, read_sample_entry
from edge.errors import IntegrityError
from edge.messages.stream import Codec
from edge.seal.container import LARGEST_UNIT_BYTES, FileBytes, Film, Unit, cut_nals
from edge.seal.ebml import Element, child_elements, elements, unsigned, variable_number
from edge.seal.findings import Findings

MAGIC = bytes.fromhex("1a45dfa3")
_SEGMENT, _INFO, _TRACKS, _CLUSTER, _GROUP = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0xA0
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK = 0xE7, 0xA3, 0xA1
_SCALE, _ENTRY, _NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS, _DURATION = 0x2AD7B1, 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x6D80, 0x23E383
_VIDEO, _PROJECTION = 0xE0, 0x7670
_CROPS = (0x54AA, 0x54BB, 0x54CC, 0x54DD)
_VIDEO_TRACK = 1
_OPENED = frozenset((_SEGMENT, _CLUSTER, _GROUP))
_LARGEST_TABLE_BYTES = 4 << 20
_MOST_ELEMENTS = 50_000_000
_LACING = 0x06
_CODECS: dict[bytes, tuple[Codec, bytes, bytes, int]] = {
    b"V_MPEG4/ISO/AVC": ("h264", b"avc1", b"avcC", 4),
    b"V_MPEGH/ISO/HEVC": ("h265", b"hvc1", b"hvcC", 21),
}
"""Codec, sample entry and configuration box of the same bytes in MP4, and where the length of NAL lengths stands in them."""


@dataclass(frozen=True, slots=True)
class _Track:
    number: int
    codec: Codec
    entry: ParameterSets | None
    length_bytes: int
    duration_ns: int


def open_matroska(source: FileBytes) -> Film:
    """Raises IntegrityError where it holds no track that can be read."""
    findings = Findings()
    scale, track = 1_000_000, None
    for number, each in enumerate(elements(source, 0, frozenset((_SEGMENT,)))):
        if each.identifier == _INFO:
            scale = unsigned(_table(source, each).get(_SCALE), scale)
        if each.identifier == _TRACKS and track is None:
            track = _track(source.name, _table(source, each).get(_ENTRY, []), findings)
        elif each.identifier == _TRACKS:
            findings.add("unverifiable", "second_video_track", tracks=1)
        if number > _LARGEST_TABLE_BYTES or (each.identifier == _CLUSTER and each.end is None):
            break
    if track is None:
        raise IntegrityError(f"{source.name}: no H.264 or H.265 video track")
    return Film("matroska", track.codec, track.entry, _units(source, track, scale, findings), findings)


def _table(source: FileBytes, each: Element) -> dict[int, list[bytes]]:
    if each.end is None or each.end > source.size or each.end - each.body > _LARGEST_TABLE_BYTES:
        raise IntegrityError(f"{source.name}: a table at its beginning is cut off or too large")
    try:
        return child_elements(source.read(each.body, each.end - each.body))
    except IntegrityError as error:
        raise IntegrityError(f"{source.name}: {error.message}") from error


def _track(name: str, entries: list[bytes], findings: Findings) -> _Track | None:
    try:
        tables = [child_elements(entry) for entry in entries]
    except IntegrityError as error:
        raise IntegrityError(f"{name}: {error.message}") from error
    videos = [table for table in tables if table.get(_CODEC, [b""])[0].rstrip(b"\0") in _CODECS]
    if not videos:
        return None
    shown = sum(table in videos or unsigned(table.get(_KIND), 0) == _VIDEO_TRACK for table in tables)
    if len(tables) > shown:
        findings.add("note", "other_tracks", tracks=len(tables) - shown)
    if shown > 1:
        findings.add("unverifiable", "second_video_track", tracks=shown - 1)
    table = videos[0]
    if _ENCODINGS in table:
        raise IntegrityError(f"{name}: its pictures are packed once more (ContentEncodings)", remedy="remux it without compression")
    _tell_presentation(name, table.get(_VIDEO, []), findings)
    codec, form, kind, place = _CODECS[table[_CODEC][0].rstrip(b"\0")]
    private = table.get(_PRIVATE, [b""])[0]
    length_bytes = (private[place] & 3) + 1 if len(private) > place else 0
    if length_bytes not in (1, 2, 4):
        raise IntegrityError(f"{name}: its CodecPrivate does not read")
    entry = read_sample_entry(box(form, bytes(78), box(kind, private)))
    return _Track(unsigned(table.get(_NUMBER), 0), codec, entry, length_bytes, unsigned(table.get(_DURATION), 0))


def _tell_presentation(name: str, videos: list[bytes], findings: Findings) -> None:
    """PixelCropBottom, -Top, -Left, -Right (RFC 9559, 5.1.4.1.28.9) and Projection, whose pose turns and mirrors."""
    try:
        tables = [child_elements(video) for video in videos]
    except IntegrityError as error:
        raise IntegrityError(f"{name}: {error.message}") from error
    if any(any(body) for table in tables for crop in _CROPS for body in table.get(crop, [])):
        findings.add("unverifiable", "cropped")
    if any(_PROJECTION in table for table in tables):
        findings.add("unverifiable", "turned")


def _units(source: FileBytes, track: _Track, scale: int, findings: Findings) -> Iterator[Unit]:
    cluster_time, segments = 0, 0
    for number, each in enumerate(elements(source, 0, _OPENED)):
        if (each.end is None and each.identifier not in _OPENED) or number > _MOST_ELEMENTS:
            findings.add("unverifiable", "torn_end", offset=each.body, bytes=source.size - each.body)
            return
        if each.identifier == _SEGMENT:
            segments += 1
            if segments > 1:
                findings.add("unverifiable", "second_video_track", tracks=1)
                return
        elif each.identifier == _TIMESTAMP and each.end is not None:
            cluster_time = int.from_bytes(source.read(each.body, min(8, each.end - each.body)), "big")
        elif each.identifier in (_SIMPLE_BLOCK, _BLOCK):
            unit = _block(source, each, track, cluster_time * scale, scale, findings)
            if unit is not None:
                yield unit


def _block(source: FileBytes, each: Element, track: _Track, cluster_ns: int, scale: int, findings: Findings) -> Unit | None:
    """None of another track's, and of one that is cut off."""
    assert each.end is not None
    if each.end > source.size:
        findings.add("unverifiable", "torn_end", offset=each.body, bytes=source.size - each.body)
        return None
    if each.end - each.body > LARGEST_UNIT_BYTES:
        raise IntegrityError(f"{source.name}: a picture of more than {LARGEST_UNIT_BYTES >> 20} MiB")
    data = source.read(each.body, each.end - each.body)
    number = variable_number(data, 0)
    if number is None or len(data) < number[1] + 3:
        return Unit([], None, 0, broken=True)
    at = number[1]
    if number[0] != track.number:
        return None
    if data[at + 2] & _LACING:
        return Unit([], None, 0, broken=True)
    nals, whole = cut_nals(data[at + 3 :], track.length_bytes)
    pts_ns = cluster_ns + int.from_bytes(data[at : at + 2], "big", signed=True) * scale
    return Unit(nals, pts_ns, track.duration_ns, broken=not whole)
