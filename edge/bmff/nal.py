"""NAL units of H.264 (ITU-T H.264, 7.3.1 and annex B) and H.265 (ITU-T H.265, 7.3.1 and annex B)."""

from __future__ import annotations

from collections.abc import Sequence

from edge.bmff.boxes import Buffer
from edge.messages.stream import Codec

START_CODE = b"\0\0\0\1"
_PREFIX = b"\0\0\1"

H264_SLICE, H264_IDR, H264_SEI, H264_SPS, H264_PPS = 1, 5, 6, 7, 8
H265_VPS, H265_SPS, H265_PPS, H265_PREFIX_SEI = 32, 33, 34, 39
H265_FIRST_IRAP, H265_LAST_IRAP = 16, 21


def split(data: Buffer) -> list[memoryview]:
    """The NAL units of an access unit in Annex-B form, in order, without start codes and without trailing zero bytes.

    Views of `data`, nothing is copied (of a memoryview, one copy: it cannot be searched). Bytes before the first start code are no
    NAL unit and are left out; empty NAL units too. Never raises.
    """
    searched = bytes(data) if isinstance(data, memoryview) else data
    view = memoryview(searched)
    find = searched.find
    found: list[memoryview] = []
    start = find(_PREFIX)
    while start >= 0:
        start += 3
        following = find(_PREFIX, start)
        end = following if following >= 0 else len(searched)
        if end > start and searched[end - 1] == 0:
            end = start + len(bytes(view[start:end]).rstrip(b"\0"))
        if end > start:
            found.append(view[start:end])
        start = following
    return found


def nal_type(codec: Codec, nal: Buffer) -> int:
    """nal_unit_type (H.264 table 7-1, H.265 table 7-1); -1 of an empty NAL unit."""
    if len(nal) == 0:
        return -1
    return nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F


def is_parameter_set(codec: Codec, nal: Buffer) -> bool:
    """SPS, PPS or (H.265) VPS."""
    kind = nal_type(codec, nal)
    return H264_SPS <= kind <= H264_PPS if codec == "h264" else H265_VPS <= kind <= H265_PPS


def is_idr(codec: Codec, nal: Buffer) -> bool:
    """A slice of a picture that decoding can start at: H.264 IDR, H.265 IRAP (BLA, IDR, CRA)."""
    kind = nal_type(codec, nal)
    return kind == H264_IDR if codec == "h264" else H265_FIRST_IRAP <= kind <= H265_LAST_IRAP


def is_slice(codec: Codec, nal: Buffer) -> bool:
    """Coded picture data (VCL)."""
    kind = nal_type(codec, nal)
    return H264_SLICE <= kind <= H264_IDR if codec == "h264" else 0 <= kind < H265_VPS


def unescape(nal: Buffer) -> bytes:
    """The NAL unit with its emulation prevention bytes removed (H.264 and H.265, 7.3.1.1); never longer than `nal`."""
    return bytes(nal).replace(b"\0\0\3", b"\0\0")


def stored(data: Buffer) -> list[memoryview] | None:
    """The NAL units of a sample in a file, where each stands behind its four-byte length (ISO/IEC 14496-15, 5.3.2).

    None where the lengths do not add up to the data. Nothing is copied.
    """
    view = memoryview(data)
    found: list[memoryview] = []
    position, end = 0, len(view)
    while position + 4 <= end:
        start = position + 4
        position = start + int.from_bytes(view[position:start], "big")
        if position > end:
            return None
        found.append(view[start:position])
    return found if position == end else None


def sample_units(data: memoryview, sizes: Sequence[int]) -> list[list[Buffer]]:
    """The NAL units of samples that follow one another, `sizes` bytes each; none of a sample that does not read. Nothing is copied."""
    found: list[list[Buffer]] = []
    at = 0
    for size in sizes:
        found.append(list(stored(data[at : at + size]) or []))
        at += size
    return found
