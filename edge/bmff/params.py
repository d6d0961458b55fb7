"""Parameter sets: collected from access units, told apart, and written into sample entries (ISO/IEC 14496-15, 5.3.3 and 8.3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from edge.bmff import nal as nals_of
from edge.bmff.boxes import HEADER_BYTES, Buffer, box, find_box
from edge.bmff.sps import SequenceFacts, read_sps
from edge.messages.stream import Codec

LARGEST_SETS_BYTES = 16_384
"""All of them together; what real encoders send is below one hundredth of it."""
MOST_SPS, MOST_SETS = 31, 255

# 6 reserved, data_reference_index, 16 of zeros, width, height, resolutions, reserved, frame_count, compressorname, depth, -1
_VISUAL = Struct(">6xH16xHHIIIH32sHh")
_DPI_72 = 0x0048_0000
_H265_ARRAYS = (nals_of.H265_VPS, nals_of.H265_SPS, nals_of.H265_PPS)
_H264_HIGH_PROFILES = frozenset((100, 110, 122, 144))


@dataclass(frozen=True)
class ParameterSets:
    """A complete collection: at least one SPS and one PPS, for H.265 one VPS too; NAL units as they came, without start codes."""

    codec: Codec
    vps: tuple[bytes, ...]
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels after cropping, from the first SPS; None where it cannot be read."""
        facts = read_sps(self.codec, self.sps[0])
        return (facts.width, facts.height) if facts is not None else None

    def annexb(self) -> bytes:
        """All of them, each behind a four-byte start code: VPS, SPS, PPS."""
        return b"".join(nals_of.START_CODE + each for each in (*self.vps, *self.sps, *self.pps))

    def sha256(self) -> str:
        """Hex digest of `annexb()`: the identity of the stream's form."""
        return sha256(self.annexb()).hexdigest()

    def sample_entry(self, width: int, height: int) -> bytes:
        """avc1 with avcC, or hvc1 with hvcC, for pictures of width x height pixels."""
        visual = _VISUAL.pack(1, width & 0xFFFF, height & 0xFFFF, _DPI_72, _DPI_72, 0, 1, b"", 24, -1)
        if self.codec == "h264":
            return box(b"avc1", visual, box(b"avcC", self._avc_configuration()))
        return box(b"hvc1", visual, box(b"hvcC", self._hevc_configuration()))

    def _avc_configuration(self) -> bytes:
        sps = self.sps[0]
        head = bytes((1, sps[1], sps[2], sps[3], 0xFC | 3, 0xE0 | len(self.sps)))
        body = head + _with_lengths(self.sps) + bytes((len(self.pps),)) + _with_lengths(self.pps)
        facts = read_sps("h264", sps)
        if sps[1] in _H264_HIGH_PROFILES and facts is not None:
            body += bytes((0xFC | facts.chroma_format, 0xF8 | facts.luma_bits - 8, 0xF8 | facts.chroma_bits - 8, 0))
        return body

    def _hevc_configuration(self) -> bytes:
        facts = read_sps("h265", self.sps[0]) or SequenceFacts(0, 0, 1, 8, 8, nals_of.unescape(self.sps[0])[3:15].ljust(12, b"\0"))
        head = b"\1" + facts.profile + b"\xf0\x00\xfc"
        head += bytes((0xFC | facts.chroma_format, 0xF8 | facts.luma_bits - 8, 0xF8 | facts.chroma_bits - 8, 0, 0))
        head += bytes((min(facts.temporal_layers, 7) << 3 | facts.temporal_nested << 2 | 3, len(_H265_ARRAYS)))
        arrays = zip(_H265_ARRAYS, (self.vps, self.sps, self.pps), strict=True)
        return head + b"".join(bytes((0x80 | kind,)) + len(sets).to_bytes(2, "big") + _with_lengths(sets) for kind, sets in arrays)


def parameter_sets(codec: Codec, nals: Iterable[Buffer]) -> ParameterSets | None:
    """Those among the NAL units of a key frame, each once, in order; None unless they are complete and fit a sample entry."""
    wanted = (nals_of.H264_SPS, nals_of.H264_PPS) if codec == "h264" else _H265_ARRAYS
    found: dict[int, dict[bytes, None]] = {kind: {} for kind in wanted}
    for each in nals:
        kind = nals_of.nal_type(codec, each)
        if kind in found:
            found[kind][bytes(each)] = None
    lists = [tuple(found[kind]) for kind in wanted]
    vps, sps, pps = ((), *lists) if codec == "h264" else lists
    complete = all(lists) and len(sps) <= MOST_SPS and max(map(len, lists)) <= MOST_SETS
    shortest = 4 if codec == "h264" else 15
    fits = sum(len(each) for sets in lists for each in sets) <= LARGEST_SETS_BYTES and all(len(each) >= shortest for each in sps)
    return ParameterSets(codec, vps, sps, pps) if complete and fits else None


def read_sample_entry(entry: Buffer) -> ParameterSets | None:
    """The parameter sets of an avc1 or hvc1 sample entry; None where it is none of these or damaged. Never raises."""
    entry = bytes(entry)
    kind = entry[4:8]
    if kind not in (b"avc1", b"hvc1"):
        return None
    codec: Codec = "h264" if kind == b"avc1" else "h265"
    found = find_box(entry, b"avcC" if codec == "h264" else b"hvcC", start=HEADER_BYTES + _VISUAL.size)
    if found is None:
        return None
    body = entry[found.body : found.end]
    sets = _read_avc_sets(body) if codec == "h264" else _read_hevc_sets(body)
    return parameter_sets(codec, sets)


def entry_size(entry: Buffer) -> tuple[int, int]:
    """(width, height) as a sample entry states them; (0, 0) of one that is too short."""
    if len(entry) < HEADER_BYTES + _VISUAL.size:
        return 0, 0
    fields = _VISUAL.unpack_from(entry, HEADER_BYTES)
    return fields[1], fields[2]


def _with_lengths(sets: tuple[bytes, ...]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in sets)


def _read_avc_sets(body: bytes) -> list[bytes]:
    if len(body) < 6:
        return []
    sps, position = _read_sets(body, 6, body[5] & 0x1F)
    count = body[position] if position < len(body) else 0
    pps, _ = _read_sets(body, position + 1, count)
    return sps + pps


def _read_hevc_sets(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    position = 23
    for _ in range(body[22] if len(body) > 22 else 0):
        count = int.from_bytes(body[position + 1 : position + 3], "big")
        sets, position = _read_sets(body, position + 3, count)
        found += sets
    return found


def _read_sets(body: bytes, position: int, count: int) -> tuple[list[bytes], int]:
    found: list[bytes] = []
    for _ in range(count):
        start = position + 2
        end = start + int.from_bytes(body[position:start], "big")
        if end > len(body):
            return found, len(body)
        found.append(body[start:end])
        position = end
    return found, position
