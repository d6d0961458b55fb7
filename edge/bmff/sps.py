"""What sequence parameter sets say: size and sample format (ITU-T H.264, 7.3.2.1.1; ITU-T H.265, 7.3.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from edge.bmff.bits import Bits, BitsError
from edge.bmff.nal import unescape
from edge.messages.stream import Codec

LARGEST_SIDE = 16_384
"""No level of either standard allows a longer side."""

_H264_WITH_CHROMA_FORMAT = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_H265_PROFILE_BYTES = 12


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """width, height: of the cropped picture, in luma samples. profile: the general profile_tier_level bytes of H.265 (12 bytes), empty
    for H.264. temporal_layers, temporal_nested: H.265 only."""

    width: int
    height: int
    chroma_format: int
    luma_bits: int
    chroma_bits: int
    profile: bytes = b""
    temporal_layers: int = 1
    temporal_nested: bool = True


def read_sps(codec: Codec, sps: bytes) -> SequenceFacts | None:
    """None where the bytes make no sense. Bounded in time and memory on any input; never raises."""
    # Emulation prevention makes at most half as many bytes again of what the reader looks at.
    raw = unescape(sps[:2048])
    try:
        facts = _h264(raw) if codec == "h264" else _h265(raw)
    except BitsError:
        return None
    plausible = 0 < facts.width <= LARGEST_SIDE and 0 < facts.height <= LARGEST_SIDE
    return facts if plausible and facts.chroma_format <= 3 and facts.luma_bits <= 15 and facts.chroma_bits <= 15 else None


def _h264(raw: bytes) -> SequenceFacts:
    bits = Bits(raw[1:])
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma_format, luma_bits, chroma_bits, separate_planes = 1, 8, 8, False
    if profile in _H264_WITH_CHROMA_FORMAT:
        chroma_format = bits.ue()
        separate_planes = chroma_format == 3 and bits.flag()
        luma_bits, chroma_bits = 8 + bits.ue(), 8 + bits.ue()
        bits.flag()
        if bits.flag():
            _skip_h264_scaling_lists(bits, 12 if chroma_format == 3 else 8)
    bits.ue()
    _skip_h264_picture_order(bits)
    bits.ue()
    bits.flag()
    width = (bits.ue() + 1) * 16
    map_units = bits.ue() + 1
    frames_only = bits.flag()
    height = map_units * 16 * (1 if frames_only else 2)
    if not frames_only:
        bits.flag()
    bits.flag()
    if bits.flag():
        step_x, step_y = _crop_steps(0 if separate_planes else chroma_format)
        step_y *= 1 if frames_only else 2
        width -= step_x * (bits.ue() + bits.ue())
        height -= step_y * (bits.ue() + bits.ue())
    return SequenceFacts(width, height, chroma_format, luma_bits, chroma_bits)


def _skip_h264_scaling_lists(bits: Bits, lists: int) -> None:
    for position in range(lists):
        if not bits.flag():
            continue
        last, following = 8, 8
        for _ in range(16 if position < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last


def _skip_h264_picture_order(bits: Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.flag()
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise BitsError("a picture order cycle is too long")
        for _ in range(cycle):
            bits.se()


def _h265(raw: bytes) -> SequenceFacts:
    bits = Bits(raw[2:])
    bits.u(4)
    sub_layers = bits.u(3)
    nested = bits.flag()
    profile = bits.u(8 * _H265_PROFILE_BYTES).to_bytes(_H265_PROFILE_BYTES, "big")
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)
    bits.ue()
    chroma_format = bits.ue()
    separate_planes = chroma_format == 3 and bits.flag()
    width, height = bits.ue(), bits.ue()
    if bits.flag():
        step_x, step_y = _crop_steps(0 if separate_planes else chroma_format)
        width -= step_x * (bits.ue() + bits.ue())
        height -= step_y * (bits.ue() + bits.ue())
    luma_bits, chroma_bits = 8 + bits.ue(), 8 + bits.ue()
    return SequenceFacts(width, height, chroma_format, luma_bits, chroma_bits, profile, sub_layers + 1, nested)


def _crop_steps(chroma_format: int) -> tuple[int, int]:
    """Luma samples per cropping unit, across and down (SubWidthC, SubHeightC)."""
    return {1: (2, 2), 2: (2, 1)}.get(chroma_format, (1, 1))
