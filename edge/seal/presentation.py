"""What tells players to show proven pictures in another way than they were recorded, and stands under no signature."""

from __future__ import annotations

from collections.abc import Iterator

from edge.bmff.boxes import Buffer, find_box
from edge.bmff.nal import H264_SEI, H265_PREFIX_SEI, nal_type, unescape
from edge.messages.stream import Codec

_H265_SUFFIX_SEI = 40
_HEADER_BYTES = {"h264": 1, "h265": 2}
_REDRAWS = frozenset((2, 19, 22, 23, 45, 47, 142, 147, 150, 151, 152, 153, 154, 155, 156))
"""payloadType of SEI messages (H.264 table D.1, H.265 table D.1): pan-scan rectangle, film grain, post-filter, tone mapping, frame packing,
display orientation, colour remapping, alternative transfer, projections of whole spheres and their rotation, regional packing, viewport."""
_MOST_MESSAGES = 10_000
"""Of one unit; a decoder stops nowhere, so this is far above what anybody needs."""


def redraws(codec: Codec, nal: Buffer) -> bool:
    """Whether it is an SEI with a message that turns, crops, rearranges or recolours pictures. Never raises."""
    kinds = (H264_SEI,) if codec == "h264" else (H265_PREFIX_SEI, _H265_SUFFIX_SEI)
    return nal_type(codec, nal) in kinds and not _REDRAWS.isdisjoint(_payload_types(unescape(nal)[_HEADER_BYTES[codec] :]))


def cropped(sample_entry: bytes, boxes_at: int) -> bool:
    """Whether an MP4 sample entry shows a part of the picture only (clean aperture, ISO/IEC 14496-12, 12.1.4)."""
    return find_box(sample_entry, b"clap", start=boxes_at) is not None


def _payload_types(messages: bytes) -> Iterator[int]:
    """H.264 and H.265, 7.3.2.3."""
    at = 0
    for _ in range(_MOST_MESSAGES):
        kind, at = _number(messages, at)
        size, at = _number(messages, at)
        if at > len(messages):
            return
        yield kind
        at += size
        if at + 2 > len(messages):
            return


def _number(data: bytes, at: int) -> tuple[int, int]:
    total = 0
    while at < len(data) and data[at] == 0xFF:
        total, at = total + 255, at + 1
    return (total + data[at], at + 1) if at < len(data) else (total, len(data) + 1)
