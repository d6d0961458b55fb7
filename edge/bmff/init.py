"""Reading back the init segment that `fragment.init_segment` wrote, or making up for a lost one from the pictures themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import unpack_from

from edge.bmff.boxes import Buffer, boxes, find_box
from edge.bmff.params import ParameterSets, entry_size, parameter_sets, read_sample_entry
from edge.messages.stream import Codec

CODECS: tuple[Codec, ...] = ("h265", "h264")
_ELST_V1_BYTES = 28


@dataclass(frozen=True)
class Init:
    """length: bytes before the first fragment. first_cto: ticks. codec "" and an empty sample entry where nothing told."""

    length: int
    codec: str = ""
    width: int = 0
    height: int = 0
    sample_entry: bytes = b""
    params_sha256: str = ""
    first_cto: int = 0


def read_init(data: Buffer) -> Init | None:
    """The init segment that begins `data`; None where it is damaged, cut off or none of ours. Never raises."""
    head = list(boxes(data))[:2]
    if [each.kind for each in head] != [b"ftyp", b"moov"]:
        return None
    moov = head[1]
    stsd = find_box(data, b"trak", b"mdia", b"minf", b"stbl", b"stsd", start=moov.body, end=moov.end)
    if stsd is None:
        return None
    entry = next(boxes(data, stsd.body + 8, stsd.end), None)
    if entry is None:
        return None
    sample_entry = bytes(data[entry.start : entry.end])
    params = read_sample_entry(sample_entry)
    if params is None:
        return None
    edit = find_box(data, b"trak", b"edts", b"elst", start=moov.body, end=moov.end)
    first_cto = 0
    if edit is not None and edit.end - edit.body == _ELST_V1_BYTES:
        first_cto = max(0, unpack_from(">q", data, edit.body + 16)[0])
    return _init(params, moov.end, sample_entry, first_cto)


def init_from_stream(nals: Sequence[Buffer]) -> Init:
    """What the NAL units of a key frame tell without an init segment: the codec is that whose parameter sets are complete among them."""
    for codec in CODECS:
        params = parameter_sets(codec, nals)
        if params is not None:
            return _init(params, 0, params.sample_entry(*(params.size() or (0, 0))), 0)
    return Init(0)


def _init(params: ParameterSets, length: int, sample_entry: bytes, first_cto: int) -> Init:
    width, height = entry_size(sample_entry)
    return Init(length, params.codec, width, height, sample_entry, params.sha256(), first_cto)
