"""Raw streams: NAL units between start codes (H.264 and H.265, annex B), grouped into access units."""

from __future__ import annotations

from collections.abc import Iterator

from edge.bmff.init import init_from_stream
from edge.bmff.nal import is_slice, nal_type, split
from edge.errors import IntegrityError
from edge.messages.stream import Codec
from edge.seal.container import LARGEST_UNIT_BYTES, FileBytes, Film, Unit
from edge.seal.findings import Findings

_CHUNK_BYTES = 4 << 20
_PREFIX = b"\0\0\1"
_MOST_NALS_IN_UNIT = 100_000


def open_annexb(source: FileBytes) -> Film:
    """Raises IntegrityError where the first 4 MiB do not show which codec it is."""
    found = init_from_stream(split(source.read(0, _CHUNK_BYTES))).codec
    if found not in ("h264", "h265"):
        raise IntegrityError(f"{source.name}: no parameter sets in its first {_CHUNK_BYTES >> 20} MiB show which codec it is")
    codec: Codec = "h264" if found == "h264" else "h265"
    return Film("annex b", codec, None, _units(source, codec), Findings())


def _units(source: FileBytes, codec: Codec) -> Iterator[Unit]:
    held: list[memoryview] = []
    coded = False
    for nal in _nals(source):
        slice_here = is_slice(codec, nal)
        if (coded and (_begins_picture(codec, nal) if slice_here else _stands_before(codec, nal))) or len(held) > _MOST_NALS_IN_UNIT:
            yield Unit(held, None, 0)
            held, coded = [], False
        held.append(nal)
        coded = coded or slice_here
    if held:
        yield Unit(held, None, 0)


def _begins_picture(codec: Codec, slice_nal: memoryview) -> bool:
    """first_mb_in_slice is 0; first_slice_segment_in_pic_flag is 1."""
    place = 1 if codec == "h264" else 2
    return len(slice_nal) > place and slice_nal[place] & 0x80 != 0


def _stands_before(codec: Codec, nal: memoryview) -> bool:
    """Kinds that open a new access unit behind coded slices (H.264 7.4.1.2.3, H.265 7.4.2.4.4)."""
    kind = nal_type(codec, nal)
    return 6 <= kind <= 9 or 14 <= kind <= 18 if codec == "h264" else 32 <= kind <= 35 or kind == 39 or 41 <= kind <= 44 or 48 <= kind <= 55


def _nals(source: FileBytes) -> Iterator[memoryview]:
    """In order. What reaches over a chunk's end waits for the next chunk."""
    kept, offset = b"", 0
    while offset < source.size:
        chunk = source.read(offset, _CHUNK_BYTES)
        offset += len(chunk)
        searched_bytes = max(0, len(kept) - len(_PREFIX) + 1)
        data = kept + chunk
        last = data.rfind(_PREFIX, searched_bytes)
        if not chunk or offset >= source.size:
            yield from split(data)
            return
        if last >= 0 and last > 0:
            yield from split(data[:last])
            data = data[last:]
        if len(data) > LARGEST_UNIT_BYTES:
            raise IntegrityError(f"{source.name}: a NAL unit of more than {LARGEST_UNIT_BYTES >> 20} MiB")
        kept = data
