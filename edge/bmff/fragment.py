"""Segments as they are written: an init segment, then fragments, each of which can prove itself whole.

A fragment on disk is three boxes that follow one another: a stamp (`uuid`, ours), `moof` and `mdat` (ISO/IEC 14496-12, 8.8). The stamp
names the segment, the fragment and its time, and holds a CRC-32 of the other two boxes and one of itself: a torn or damaged fragment is
told from a whole one by its bytes alone, and after damage the next one is found by searching for STAMP_UUID. Players skip the stamp.

NAL units are stored byte for byte behind four-byte lengths; parameter sets stay in-band besides the sample entry.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct, pack
from struct import error as StructError

from edge.bmff.boxes import HEADER_BYTES, Buffer, box, full_box, pack_u32
from edge.bmff.movie import TIMESCALE as TIMESCALE
from edge.bmff.movie import TRACK, edit_list, file_type, media, movie_header, sample_description, track_header
from edge.bmff.movie import ns_of as ns_of
from edge.bmff.movie import ticks as ticks
from edge.bmff.params import ParameterSets
from edge.clock import ClockState

LARGEST_FRAGMENT_BYTES = 256 << 20
LONGEST_BOOT_ID_BYTES = 47

STAMP_UUID = bytes.fromhex("7b1e4f0a5d2c4c8e9a36d1f8e2b07c55")
STAMP_VERSION = 1
CLOCK_STATES: tuple[ClockState, ...] = ("trusted", "holdover", "untrusted")

# size, "uuid", UUID; version, clock state, reserved; segment, fragment, boot_ns, utc_ns; bytes of stamp + moof + mdat, CRC-32 of
# moof + mdat; length of the boot id and the id, zero-padded. A CRC-32 of all this follows.
_STAMP = Struct(">I4s16sBBHQIQqIIB47s")
STAMP_BYTES = _STAMP.size + 4

# trun (8.8.8): data offset and first sample's flags, then duration, size, (flags,) offset of each sample.
TRUN_DATA_OFFSET, TRUN_FIRST_FLAGS, TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, TRUN_OFFSETS = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
_TFHD_DEFAULT_FLAGS, _TFHD_BASE_IS_MOOF = 0x20, 0x2_0000
SAMPLE_KEY, SAMPLE_NOT_KEY = 0x0200_0000, 0x0101_0000


@dataclass(frozen=True)
class Sample:
    """One access unit. nals: without start codes, views are fine (they are written as they are). duration, cto: ticks; cto = pts - dts."""

    nals: Sequence[Buffer]
    duration: int
    cto: int
    key: bool


@dataclass(frozen=True)
class Stamp:
    """Which fragment, when. number: counts up within the segment, from 0. boot_ns, utc_ns: of the first sample's picture. utc_ns is what
    the clock said at writing; the segment's name is what counts. boot: boot id, at most 47 bytes."""

    segment_seq: int
    number: int
    boot_ns: int
    utc_ns: int
    clock: ClockState
    boot: str


@dataclass(frozen=True)
class StampBox:
    """A stamp as read. length: bytes of the fragment with its stamp. crc32: of moof and mdat."""

    stamp: Stamp
    length: int
    crc32: int


@dataclass(frozen=True)
class FragmentEntry:
    """One whole fragment of a file.

    offset, length: stamp, moof and mdat together, in the file. data_offset, data_length: the payload of mdat, in the file.
    first_sample: its number in the segment's tables; samples: how many. dts: of the first sample, ticks since the segment's start.
    boot_ns, utc_ns, clock, number: as stamped. crc32: of moof and mdat. key: its first sample is a key frame. sha256_to_end: SHA-256 of
    the file from its first byte to this fragment's end; b"" where not known.
    """

    offset: int
    length: int
    data_offset: int
    data_length: int
    first_sample: int
    samples: int
    dts: int
    boot_ns: int
    utc_ns: int
    clock: ClockState
    crc32: int
    number: int
    key: bool = True
    sha256_to_end: bytes = b""


@dataclass(frozen=True)
class BuiltFragment:
    """A fragment ready for one writev: `buffers`, `length` bytes in all. data_offset: of the mdat payload within the fragment. sizes: bytes
    a sample; durations, ctos: ticks a sample. crc32: of moof and mdat."""

    stamp: Stamp
    dts: int
    buffers: list[Buffer]
    length: int
    data_offset: int
    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    ctos: tuple[int, ...]
    crc32: int
    key: bool

    @property
    def data_length(self) -> int:
        return self.length - self.data_offset

    @property
    def duration(self) -> int:
        """Ticks."""
        return sum(self.durations)


def init_segment(params: ParameterSets, width: int, height: int, first_cto: int = 0) -> bytes:
    """ftyp and moov of a segment. first_cto: composition offset of its first sample in ticks; an edit list lets play begin there."""
    empty = b"".join(full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc")) + full_box(b"stsz", 0, 0, bytes(8))
    table = box(b"stbl", sample_description(params.sample_entry(width, height)), empty, full_box(b"stco", 0, 0, bytes(4)))
    edit = edit_list(first_cto, 0) if first_cto > 0 else b""
    track = box(b"trak", track_header(0, width, height), edit, media(0, table))
    extends = box(b"mvex", full_box(b"trex", 0, 0, pack(">IIIII", TRACK, 1, 0, 0, SAMPLE_NOT_KEY)))
    brand = b"avc1" if params.codec == "h264" else b"hvc1"
    return file_type(b"iso5", b"iso6", b"mp41", brand) + box(b"moov", movie_header(0), track, extends)


def build_fragment(stamp: Stamp, dts: int, samples: Sequence[Sample]) -> BuiltFragment:
    """One fragment of all `samples`, decoding from `dts` ticks after the segment's start. The samples' bytes are not copied.

    Raises ValueError without samples, above 256 MiB, or where a number does not fit its field (negative dts or duration, a boot id of
    more than 47 bytes).
    """
    payload: list[Buffer] = []
    sizes: list[int] = []
    for sample in samples:
        size = 0
        for nal in sample.nals:
            length = len(nal)
            payload.append(length.to_bytes(4, "big"))
            payload.append(nal)
            size += 4 + length
        sizes.append(size)
    data_length = sum(sizes)
    if not samples or data_length > LARGEST_FRAGMENT_BYTES:
        raise ValueError(f"a fragment of {len(samples)} samples and {data_length} bytes")
    durations = tuple(sample.duration for sample in samples)
    ctos = tuple(sample.cto for sample in samples)
    try:
        head = _movie_fragment(stamp.number, dts, samples, sizes, durations, ctos)
    except (OverflowError, ArithmeticError) as error:
        raise ValueError(f"fragment {stamp.number} of segment {stamp.segment_seq}: {error}") from error
    head += pack(">I4s", HEADER_BYTES + data_length, b"mdat")
    crc32 = zlib.crc32(head)
    for part in payload:
        crc32 = zlib.crc32(part, crc32)
    length = STAMP_BYTES + len(head) + data_length
    buffers: list[Buffer] = [encode_stamp(stamp, length, crc32) + head, *payload]
    return BuiltFragment(stamp, dts, buffers, length, STAMP_BYTES + len(head), tuple(sizes), durations, ctos, crc32, samples[0].key)


def _movie_fragment(
    number: int, dts: int, samples: Sequence[Sample], sizes: list[int], durations: tuple[int, ...], ctos: tuple[int, ...]
) -> bytes:
    offsets = [cto & 0xFFFF_FFFF for cto in ctos if -0x8000_0000 <= cto <= 0x7FFF_FFFF]
    if len(offsets) != len(samples):
        raise OverflowError("a composition offset does not fit 32 bits")
    flags = TRUN_DATA_OFFSET | TRUN_DURATION | TRUN_SIZE | TRUN_OFFSETS
    first_flags = b""
    if any(sample.key for sample in samples[1:]):
        flags |= TRUN_FLAGS
        each = [SAMPLE_KEY if sample.key else SAMPLE_NOT_KEY for sample in samples]
        rows = pack_u32(value for row in zip(durations, sizes, each, offsets, strict=True) for value in row)
    else:
        flags |= TRUN_FIRST_FLAGS
        first_flags = pack(">I", SAMPLE_KEY if samples[0].key else SAMPLE_NOT_KEY)
        rows = pack_u32(value for row in zip(durations, sizes, offsets, strict=True) for value in row)
    header = full_box(b"mfhd", 0, 0, pack_u32((number + 1,)))
    track = full_box(b"tfhd", 0, _TFHD_BASE_IS_MOOF | _TFHD_DEFAULT_FLAGS, pack(">II", TRACK, SAMPLE_NOT_KEY))
    time = full_box(b"tfdt", 1, 0, dts.to_bytes(8, "big"))
    # moof header, mfhd, traf header, tfhd and tfdt; then trun: header, flags, count, data offset, first flags, rows.
    moof_bytes = HEADER_BYTES + len(header) + HEADER_BYTES + len(track) + len(time) + 20 + len(first_flags) + len(rows)
    run = full_box(b"trun", 1, flags, pack(">II", len(samples), moof_bytes + HEADER_BYTES), first_flags, rows)
    return box(b"moof", header, box(b"traf", track, time, run))


def encode_stamp(stamp: Stamp, length: int, crc32: int) -> bytes:
    """The stamp box. Raises ValueError where a field does not fit."""
    boot = stamp.boot.encode()
    if len(boot) > LONGEST_BOOT_ID_BYTES:
        raise ValueError(f"a boot id of {len(boot)} bytes")
    clock = CLOCK_STATES.index(stamp.clock)
    fields = (STAMP_VERSION, clock, 0, stamp.segment_seq, stamp.number, stamp.boot_ns, stamp.utc_ns, length, crc32, len(boot), boot)
    try:
        body = _STAMP.pack(STAMP_BYTES, b"uuid", STAMP_UUID, *fields)
    except StructError as error:
        raise ValueError(f"a stamp cannot hold {stamp!r}: {error}") from error
    return body + zlib.crc32(body).to_bytes(4, "big")


def decode_stamp(data: Buffer, offset: int = 0) -> StampBox | None:
    """The stamp at `offset`; None where there is none, it is cut off, or its own CRC does not fit. Never raises."""
    if offset < 0 or offset + STAMP_BYTES > len(data):
        return None
    size, kind, name, version, clock, _, seq, number, boot_ns, utc_ns, length, crc32, boot_bytes, boot = _STAMP.unpack_from(data, offset)
    body = memoryview(data)[offset : offset + STAMP_BYTES]
    if (size, kind, name, version) != (STAMP_BYTES, b"uuid", STAMP_UUID, STAMP_VERSION) or clock >= len(CLOCK_STATES):
        return None
    if zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "big") or boot_bytes > LONGEST_BOOT_ID_BYTES:
        return None
    try:
        text = boot[:boot_bytes].decode()
    except UnicodeDecodeError:
        return None
    return StampBox(Stamp(seq, number, boot_ns, utc_ns, CLOCK_STATES[clock], text), length, crc32)
