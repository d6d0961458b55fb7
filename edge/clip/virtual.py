"""The clip itself: a file that exists as a plan and the segments it names. Size, hash and every byte range, without writing anything."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from edge.bmff.boxes import Buffer
from edge.bmff.flat import Closing, Piece, flat_header
from edge.bmff.fragment import FragmentEntry
from edge.clip.shape import PlanPart
from edge.clip.source import Opener, Segment, Segments
from edge.clock import NS_PER_S
from edge.errors import IntegrityError

CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class Chunk:
    """`length` bytes of the clip's payload: the beginning of a fragment's samples."""

    segment: Segment
    entry: FragmentEntry
    length: int


def open_part(part: PlanPart, opener: Opener) -> VirtualClip:
    """The clip of one part: the same bytes at every call, as long as the segments are there.

    Raises StorageError where a segment is missing or cannot be read, IntegrityError where it is not what the plan was made from.
    """
    segments = Segments(opener)
    pieces: list[Piece] = []
    chunks: list[Chunk] = []
    for each in part.fragments:
        segment = segments.find(each.seq)
        piece = Piece(each.seq, segment.index, *segment.places(each))
        pieces.append(piece)
        chunks += [Chunk(segment, entry, entry.data_length) for entry in piece.fragments]
    closing = None
    if part.closing is not None:
        segment = segments.find(part.closing.seq)
        closing = Closing(segment.seq, segment.index, segment.places(part.closing)[0])
        chunks.append(Chunk(segment, closing.entry, closing.size))
    if any(chunk.segment.index.params_sha256 != part.params_sha256 for chunk in chunks):
        raise IntegrityError("the segments' parameter sets are not those the clip was planned from")
    created_s = part.delivered_start_utc_ns // NS_PER_S
    first_utc_ns = part.delivered_start_utc_ns if part.clock != "untrusted" else None
    header = flat_header(pieces, part.edit_start_ticks, part.edit_duration_ticks, closing, created_s=created_s, first_utc_ns=first_utc_ns)
    return VirtualClip(header, chunks)


class VirtualClip:
    """A flat MP4 that is made while it is read. Every byte of video is checked against its fragment's CRC the first time it is read; once
    `etag` has read it all, the hash is there to compare with. The methods raise StorageError where a segment cannot be read,
    DamagedFragment where its bytes are not those that were written - there is never a silent hole. Used by one thread."""

    def __init__(self, header: bytes, chunks: Sequence[Chunk]) -> None:
        self._header = header
        self._chunks = chunks
        self._starts = list(accumulate((chunk.length for chunk in chunks), initial=len(header)))
        self._etag = ""
        self._checked = bytearray(len(chunks))
        self._held: tuple[int, memoryview] = (-1, memoryview(b""))

    def anew(self) -> VirtualClip:
        """The same clip for another thread; it checks every byte again."""
        return VirtualClip(self._header, self._chunks)

    def segments(self) -> list[Segment]:
        """All whose bytes are in it, in order."""
        return list({chunk.segment.seq: chunk.segment for chunk in self._chunks}.values())

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._starts[-1]

    @property
    def header_bytes(self) -> int:
        """Bytes in front of the video."""
        return self._starts[0]

    def etag(self) -> str:
        """SHA-256 of the whole file, hex. Reads all of it once, at the first call."""
        if not self._etag:
            digest = sha256()
            for part in self._parts(0, self.size):
                digest.update(part)
            self._etag = digest.hexdigest()
        return self._etag

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end. Raises ValueError for a negative offset or length."""
        if offset < 0 or length < 0:
            raise ValueError(f"{length} bytes at {offset}")
        return b"".join(self._parts(offset, min(offset + length, self.size)))

    def stream(self, offset: int = 0, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Buffer]:
        """The bytes from `offset` to the end, in views of at most `chunk_bytes`. Raises ValueError for a negative offset."""
        if offset < 0:
            raise ValueError(f"offset {offset}")
        for part in self._parts(offset, self.size):
            for start in range(0, len(part), chunk_bytes):
                yield part[start : start + chunk_bytes]

    def _parts(self, offset: int, end: int) -> Iterator[memoryview]:
        if offset < min(end, self.header_bytes):
            yield memoryview(self._header)[offset:end]
            offset = self.header_bytes
        place = bisect_right(self._starts, offset) - 1
        while offset < end:
            start = self._starts[place]
            yield self._payload(place)[offset - start : end - start]
            place += 1
            offset = self._starts[place]

    def _payload(self, place: int) -> memoryview:
        """The fragment used last stays at hand: ranges smaller than it come one behind another."""
        if self._held[0] != place:
            chunk = self._chunks[place]
            self._held = (-1, memoryview(b""))
            self._held = place, chunk.segment.payload(chunk.entry, check=not self._checked[place])[: chunk.length]
            self._checked[place] = 1
        return self._held[1]
