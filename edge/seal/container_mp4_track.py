"""A track of an MP4 file: its codec, parameter sets, clock and edits (ISO/IEC 14496-12, clause 8; ISO/IEC 14496-15)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from edge.bmff.boxes import HEADER_BYTES, Box, boxes, find_box
from edge.bmff.params import ParameterSets, read_sample_entry
from edge.errors import IntegrityError
from edge.messages.stream import Codec
from edge.seal.presentation import cropped

_MOST_CHILDREN = 10_000
_ENTRIES: dict[bytes, tuple[Codec, bytes, bytes]] = {
    b"avc1": ("h264", b"avc1", b"avcC"),
    b"avc3": ("h264", b"avc1", b"avcC"),
    b"hvc1": ("h265", b"hvc1", b"hvcC"),
    b"hev1": ("h265", b"hvc1", b"hvcC"),
}
"""Sample entry -> codec, the form read_sample_entry knows, its configuration box."""
_VISUAL_ENTRY_BYTES = HEADER_BYTES + 78
_LENGTH_FIELD = {b"avcC": 4, b"hvcC": 21}
"""Where lengthSizeMinusOne stands in the configuration record, in its byte's two lowest bits."""
_IDENTITY = (0x10000, 0, 0, 0, 0x10000)
_MOST_EDITS = 1000
_SINGLE = frozenset(b"tkhd edts elst mdia mdhd hdlr minf dinf stbl stsd stts ctts stss stsc stsz stz2 stco co64".split())


@dataclass(frozen=True, slots=True)
class Edit:
    """Play `duration` (movie's ticks; 0: all there is) from `media_time` (track's ticks; -1: show nothing), at `rate` / 65,536."""

    duration: int
    media_time: int
    rate: int


@dataclass(frozen=True, slots=True)
class Track:
    """entry: None where the header has no complete parameter sets. entries: how many sample descriptions there are; the first is read.
    table: the boxes of stbl as bodies. turned, cropped: players are told to turn, mirror or crop the pictures. ambiguous: a box stands
    twice of which there may be one: players choose differently."""

    number: int
    codec: Codec
    entry: ParameterSets | None
    entries: int
    length_bytes: int
    timescale: int
    table: dict[bytes, bytes]
    edits: tuple[Edit, ...]
    turned: bool
    cropped: bool
    ambiguous: bool


def children(data: bytes, parent: Box) -> dict[bytes, list[Box]]:
    """The boxes inside `parent`, by kind. Raises IntegrityError for more than 10,000."""
    found: dict[bytes, list[Box]] = {}
    for number, each in enumerate(boxes(data, parent.body, parent.end)):
        if number >= _MOST_CHILDREN:
            raise IntegrityError(f"a {parent.kind.decode('latin-1')!r} box holds more than {_MOST_CHILDREN} boxes")
        found.setdefault(each.kind, []).append(each)
    return found


def is_video(data: bytes, trak: Box) -> bool:
    """Whether its handler says so, whatever the codec."""
    handler = find_box(data, b"mdia", b"hdlr", start=trak.body, end=trak.end)
    return handler is not None and data[handler.body + 8 : handler.body + 12] == b"vide"


def read_track(name: str, data: bytes, trak: Box) -> Track | None:
    """None of a track that is no H.264 or H.265 video. Raises IntegrityError where it is one and cannot be read."""
    twice: set[bytes] = set()
    parts = _firsts(data, trak, twice)
    media = _firsts(data, parts[b"mdia"], twice) if b"mdia" in parts else {}
    inner = _firsts(data, media[b"minf"], twice) if b"minf" in media else {}
    if b"stbl" not in inner or b"mdhd" not in media or b"tkhd" not in parts:
        return None
    table = {kind: data[each.body : each.end] for kind, each in _firsts(data, inner[b"stbl"], twice).items()}
    if b"edts" in parts:
        _firsts(data, parts[b"edts"], twice)
    entries = [table[b"stsd"][each.start : each.end] for each in boxes(table.get(b"stsd", b""), 8)][:_MOST_CHILDREN]
    if not entries or entries[0][4:8] not in _ENTRIES:
        return None
    _refuse_other_files(name, data, inner.get(b"dinf"), entries[0])
    codec, form, box_kind = _ENTRIES[entries[0][4:8]]
    number, turned = _header(data, parts[b"tkhd"])
    return Track(
        number=number,
        codec=codec,
        entry=read_sample_entry(entries[0][:4] + form + entries[0][8:]),
        entries=len(entries),
        length_bytes=_length_bytes(name, entries[0], box_kind),
        timescale=timescale(name, data[media[b"mdhd"].body : media[b"mdhd"].end]),
        table=table,
        edits=_edits(name, data, parts.get(b"edts")),
        turned=turned,
        cropped=cropped(entries[0], _VISUAL_ENTRY_BYTES),
        ambiguous=not twice.isdisjoint(_SINGLE) or {b"stco", b"co64"} <= set(table) or {b"stsz", b"stz2"} <= set(table),
    )


def timescale(name: str, header: bytes) -> int:
    """Ticks per second of an mvhd or mdhd. Raises IntegrityError where it has none."""
    place = 20 if header[:1] == b"\1" else 12
    found = int.from_bytes(header[place : place + 4], "big")
    if len(header) < place + 4 or found == 0:
        raise IntegrityError(f"{name}: a time scale does not read")
    return found


def _firsts(data: bytes, parent: Box, twice: set[bytes]) -> dict[bytes, Box]:
    """The first box of each kind. twice: is told of kinds that stand there twice."""
    found = children(data, parent)
    twice.update(kind for kind, each in found.items() if len(each) > 1)
    return {kind: each[0] for kind, each in found.items()}


def _refuse_other_files(name: str, data: bytes, dinf: Box | None, entry: bytes) -> None:
    found = find_box(data, b"dref", start=dinf.body, end=dinf.end) if dinf is not None else None
    if found is None:
        return
    wanted = int.from_bytes(entry[HEADER_BYTES + 6 : HEADER_BYTES + 8], "big")
    for number, each in enumerate(boxes(data, found.body + 8, found.end), 1):
        if number == wanted and not data[each.body + 3] & 1:
            raise IntegrityError(f"{name}: its pictures are in another file")
        if number >= min(wanted, _MOST_CHILDREN):
            return


def _header(data: bytes, tkhd: Box) -> tuple[int, bool]:
    """(track number, whether its matrix turns or mirrors)."""
    body = data[tkhd.body : tkhd.end]
    number_at, matrix_at = (20, 52) if body[:1] == b"\1" else (12, 40)
    number = int.from_bytes(body[number_at : number_at + 4], "big")
    if len(body) < matrix_at + 20:
        return number, False
    return number, unpack_from(">5i", body, matrix_at) != _IDENTITY


def _length_bytes(name: str, entry: bytes, box_kind: bytes) -> int:
    found = find_box(entry, box_kind, start=_VISUAL_ENTRY_BYTES)
    place = _LENGTH_FIELD[box_kind]
    if found is None or found.end - found.body <= place:
        raise IntegrityError(f"{name}: its sample description has no {box_kind.decode()} that reads")
    size = (entry[found.body + place] & 3) + 1
    if size == 3:
        raise IntegrityError(f"{name}: NAL units behind lengths of three bytes, which no standard has")
    return size


def _edits(name: str, data: bytes, edts: Box | None) -> tuple[Edit, ...]:
    found = find_box(data, b"elst", start=edts.body, end=edts.end) if edts is not None else None
    if found is None or found.end - found.body < 8:
        return ()
    large = data[found.body] == 1
    (count,) = unpack_from(">I", data, found.body + 4)
    step, form = (20, ">QqI") if large else (12, ">IiI")
    if count > min(_MOST_EDITS, (found.end - found.body - 8) // step):
        raise IntegrityError(f"{name}: an edit list of {count} entries")
    return tuple(Edit(*unpack_from(form, data, found.body + 8 + step * row)) for row in range(count))
