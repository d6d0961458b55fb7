"""What a segment holds: the tables of its samples and fragments, and the box at a sealed segment's end that keeps them.

With the box, clips and scans need one read from the tail of a file instead of a walk through all of it. It is a top-level `uuid` box, so
players skip it; its last 20 bytes are INDEX_MAGIC and its whole length.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from struct import Struct

from edge.bmff.boxes import Buffer, pack_i32, pack_u32, pack_u64, unpack_i32, unpack_u32
from edge.bmff.fragment import CLOCK_STATES, LARGEST_FRAGMENT_BYTES, STAMP_BYTES, BuiltFragment, FragmentEntry, ns_of
from edge.bmff.params import ParameterSets
from edge.errors import IntegrityError

INDEX_UUID = bytes.fromhex("c93d6a1e47f04b0b8d25b4e9a07f1c62")
INDEX_MAGIC = b"edge-index-1"
INDEX_VERSION = 1
TRAILER_BYTES = 20
LARGEST_INDEX_BYTES = 64 << 20
LARGEST_TEXT_BYTES = 0xFFFF

# size, "uuid", UUID; version, lengths of camera, boot, codec, sample entry; segment, width, height, init_length, first_cto,
# fragments, samples; SHA-256 of the parameter sets. Then the texts, the sample entry, one _ENTRY a fragment, sizes, durations, ctos
# (32 bits each), the CRC-32 of all before it, and the trailer.
_HEAD = Struct(">I4s16sHHHHHQHHIiII32s")
# offset, length, data_offset within the fragment, samples, dts, boot_ns, utc_ns, number, CRC-32, clock state, key, SHA-256 known, SHA-256
_ENTRY = Struct(">QIIIQQqIIBBB32s")


@dataclass(frozen=True)
class SegmentIndex:
    """A segment's tables. width, height: as its sample entry states. init_length: bytes before the first fragment. first_cto:
    composition offset of the first sample, ticks. sizes, durations: big-endian u32 a sample, ctos: big-endian i32; bytes and ticks."""

    camera: str
    seq: int
    boot: str
    codec: str
    width: int
    height: int
    init_length: int
    sample_entry: bytes
    params_sha256: str
    first_cto: int
    fragments: tuple[FragmentEntry, ...]
    sizes: bytes
    durations: bytes
    ctos: bytes

    @property
    def frames(self) -> int:
        return len(self.sizes) // 4

    @cached_property
    def duration_ticks(self) -> int:
        """From the segment's start to the end of its last whole fragment; holes left by damaged fragments count."""
        if not self.fragments:
            return 0
        last = self.fragments[-1]
        return last.dts + sum(self.fragment_durations(len(self.fragments) - 1))

    @cached_property
    def times_sha256(self) -> str:
        """Hex SHA-256 of: dts and boot_ns of each fragment (big-endian u64 each), then `durations`, then `ctos`."""
        table = pack_u64(value for entry in self.fragments for value in (entry.dts, entry.boot_ns))
        return sha256(table + self.durations + self.ctos).hexdigest()

    @property
    def start_boot_ns(self) -> int:
        """Of the segment's first picture, also where its first fragment is lost: this is the instant a segment's name states in UTC."""
        return self.boot_ns_at(0) - ns_of(self.fragments[0].dts) if self.fragments else 0

    def boot_ns_at(self, fragment: int) -> int:
        return self.fragments[fragment].boot_ns

    def fragment_sizes(self, fragment: int) -> array[int]:
        """Bytes of each sample of the fragment (by its place in `fragments`)."""
        return unpack_u32(self._rows(self.sizes, fragment))

    def fragment_durations(self, fragment: int) -> array[int]:
        """Ticks."""
        return unpack_u32(self._rows(self.durations, fragment))

    def fragment_ctos(self, fragment: int) -> array[int]:
        """Ticks."""
        return unpack_i32(self._rows(self.ctos, fragment))

    def _rows(self, table: bytes, fragment: int) -> bytes:
        entry = self.fragments[fragment]
        return table[4 * entry.first_sample : 4 * (entry.first_sample + entry.samples)]


class IndexBuilder:
    """Collects fragments in file order. Used by one thread."""

    def __init__(
        self, camera: str, seq: int, boot: str, params: ParameterSets, width: int, height: int, init_length: int, first_cto: int = 0
    ) -> None:
        entry, digest = params.sample_entry(width, height), params.sha256()
        nothing = ((), b"", b"", b"")
        self._empty = SegmentIndex(camera, seq, boot, params.codec, width, height, init_length, entry, digest, first_cto, *nothing)
        self._fragments: list[FragmentEntry] = []
        self._sizes: list[int] = []
        self._durations: list[int] = []
        self._ctos: list[int] = []

    @property
    def fragments(self) -> int:
        return len(self._fragments)

    @property
    def frames(self) -> int:
        return len(self._sizes)

    def add(self, fragment: BuiltFragment, file_offset: int, sha256_to_end: bytes = b"") -> FragmentEntry:
        """`fragment` stands at `file_offset`. sha256_to_end: of the file up to its end, where known."""
        stamp = fragment.stamp
        entry = FragmentEntry(
            offset=file_offset,
            length=fragment.length,
            data_offset=file_offset + fragment.data_offset,
            data_length=fragment.data_length,
            first_sample=len(self._sizes),
            samples=len(fragment.sizes),
            dts=fragment.dts,
            boot_ns=stamp.boot_ns,
            utc_ns=stamp.utc_ns,
            clock=stamp.clock,
            crc32=fragment.crc32,
            number=stamp.number,
            key=fragment.key,
            sha256_to_end=sha256_to_end,
        )
        self._fragments.append(entry)
        self._sizes += fragment.sizes
        self._durations += fragment.durations
        self._ctos += fragment.ctos
        return entry

    def build(self) -> SegmentIndex:
        sizes, durations, ctos = pack_u32(self._sizes), pack_u32(self._durations), pack_i32(self._ctos)
        return replace(self._empty, fragments=tuple(self._fragments), sizes=sizes, durations=durations, ctos=ctos)


def encode_index(index: SegmentIndex) -> bytes:
    """The index box. Raises ValueError where a text or the sample entry is longer than 65,535 bytes or a number does not fit."""
    camera, boot, codec = index.camera.encode(), index.boot.encode(), index.codec.encode()
    texts = (camera, boot, codec, index.sample_entry)
    if max(map(len, texts)) > LARGEST_TEXT_BYTES:
        raise ValueError(f"segment {index.seq}: a text or sample entry of more than {LARGEST_TEXT_BYTES} bytes does not fit its index")
    entries = b"".join(_encode_entry(entry) for entry in index.fragments)
    size = _HEAD.size + sum(map(len, texts)) + len(entries) + 12 * index.frames + 4 + TRAILER_BYTES
    lengths = tuple(map(len, texts))
    numbers = (index.seq, index.width, index.height, index.init_length, index.first_cto, len(index.fragments), index.frames)
    head = _HEAD.pack(size, b"uuid", INDEX_UUID, INDEX_VERSION, *lengths, *numbers, bytes.fromhex(index.params_sha256))
    body = b"".join((head, *texts, entries, index.sizes, index.durations, index.ctos))
    return b"".join((body, zlib.crc32(body).to_bytes(4, "big"), INDEX_MAGIC, size.to_bytes(8, "big")))


@dataclass(frozen=True)
class TailNeeds:
    """The file ends with an index box of `length` bytes: read that many from its end and ask again."""

    length: int


def decode_tail(tail: Buffer, file_size: int) -> SegmentIndex | TailNeeds:
    """The index from the last bytes of a file of `file_size` bytes; at least the last 20.

    Raises IntegrityError where the file ends with no index box or with a damaged one - nothing else, whatever the bytes are; time and
    memory are in proportion to `tail`.
    """
    tail = memoryview(tail)
    if len(tail) < TRAILER_BYTES or bytes(tail[-TRAILER_BYTES:-8]) != INDEX_MAGIC:
        raise IntegrityError("the file does not end with an index box")
    length = int.from_bytes(tail[-8:], "big")
    if not _HEAD.size + 4 + TRAILER_BYTES <= length <= min(file_size, LARGEST_INDEX_BYTES):
        raise IntegrityError(f"the index box claims {length} of the file's {file_size} bytes")
    if length > len(tail):
        return TailNeeds(length)
    data = tail[len(tail) - length :]
    body = data[: length - TRAILER_BYTES - 4]
    if zlib.crc32(body) != int.from_bytes(data[len(body) : len(body) + 4], "big"):
        raise IntegrityError("the index box is damaged: its CRC does not fit")
    index = _decode_body(body, length, file_size - length)
    if index is None:
        raise IntegrityError("the index box contradicts itself or its file")
    return index


def _decode_body(body: memoryview, length: int, box_offset: int) -> SegmentIndex | None:
    size, kind, name, version, *rest = _HEAD.unpack_from(body)
    lengths, (seq, width, height, init_length, first_cto, count, frames, digest) = rest[:4], rest[4:]
    if (size, kind, name, version) != (length, b"uuid", INDEX_UUID, INDEX_VERSION):
        return None
    if _HEAD.size + sum(lengths) + count * _ENTRY.size + 12 * frames != len(body):
        return None
    position, pieces = _HEAD.size, []
    for part in (*lengths, count * _ENTRY.size, 4 * frames, 4 * frames, 4 * frames):
        pieces.append(bytes(body[position : position + part]))
        position += part
    camera, boot, codec, sample_entry, entries, sizes, durations, ctos = pieces
    try:
        texts = camera.decode(), seq, boot.decode(), codec.decode()
    except UnicodeDecodeError:
        return None
    fragments = _decode_entries(entries, init_length, box_offset)
    if fragments is None or sum(entry.samples for entry in fragments) != frames:
        return None
    index = SegmentIndex(*texts, width, height, init_length, sample_entry, digest.hex(), first_cto, fragments, sizes, durations, ctos)
    fits = all(sum(index.fragment_sizes(place)) == entry.data_length for place, entry in enumerate(fragments))
    return index if fits else None


def _encode_entry(entry: FragmentEntry) -> bytes:
    inside = entry.data_offset - entry.offset
    place = (entry.offset, entry.length, inside, entry.samples, entry.dts, entry.boot_ns, entry.utc_ns, entry.number, entry.crc32)
    return _ENTRY.pack(*place, CLOCK_STATES.index(entry.clock), entry.key, bool(entry.sha256_to_end), entry.sha256_to_end)


def _decode_entries(data: bytes, start: int, end: int) -> tuple[FragmentEntry, ...] | None:
    """None unless the fragments follow one another between `start` and `end`, each with room for its boxes and at least a sample."""
    found: list[FragmentEntry] = []
    first_sample = 0
    for fields in _ENTRY.iter_unpack(data):
        offset, length, inside, samples, dts, boot_ns, utc_ns, number, crc32, clock, key, known, digest = fields
        fits = start <= offset <= end - length and STAMP_BYTES < inside <= length <= LARGEST_FRAGMENT_BYTES * 2
        if not fits or samples == 0 or clock >= len(CLOCK_STATES):
            return None
        place = (offset, length, offset + inside, length - inside, first_sample, samples)
        stamped = (dts, boot_ns, utc_ns, CLOCK_STATES[clock], crc32, number, bool(key))
        found.append(FragmentEntry(*place, *stamped, sha256_to_end=digest if known else b""))
        start, first_sample = offset + length, first_sample + samples
    return tuple(found)
