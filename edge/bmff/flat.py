"""Clips: the header of a flat MP4 (`ftyp meta moov mdat`) over the stored samples of one or more segments.

The payload that follows the header is the mdat payload of every fragment in order - one chunk a fragment - and then the closing access
unit. Nothing of the header depends on payload bytes, so it is computed from index boxes alone, and equal pieces give equal bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, groupby, pairwise
from struct import pack

from edge.bmff.boxes import box, full_box, pack_u32, pack_u64, unpack_i32, unpack_u32
from edge.bmff.fragment import FragmentEntry
from edge.bmff.index import SegmentIndex
from edge.bmff.movie import edit_list, file_type, media, movie_header, ns_of, sample_description, start_time, ticks, track_header

LONGEST_SAMPLE_TICKS = 0xFFFF_FFFF
LARGEST_32 = 0xFFFF_FFFF
JITTER_SAMPLES = 1.5
"""Where segments meet, arrival times tremble; within this many pictures' length the nominal length is the better truth."""


@dataclass(frozen=True)
class Piece:
    """Fragments `first` to `last` (inclusive, by their place in index.fragments) of one segment. key: the caller's name for its file."""

    key: int
    index: SegmentIndex
    first: int
    last: int

    @property
    def fragments(self) -> tuple[FragmentEntry, ...]:
        return self.index.fragments[self.first : self.last + 1]

    @property
    def first_sample(self) -> int:
        return self.fragments[0].first_sample

    @property
    def samples(self) -> int:
        return sum(entry.samples for entry in self.fragments)

    def rows(self, table: bytes) -> bytes:
        """The pieces' part of one of the index's tables."""
        return table[4 * self.first_sample : 4 * (self.first_sample + self.samples)]


@dataclass(frozen=True)
class Closing:
    """The access unit behind the last whole GOP: the first sample of fragment `place`."""

    key: int
    index: SegmentIndex
    place: int

    @property
    def entry(self) -> FragmentEntry:
        return self.index.fragments[self.place]

    @property
    def size(self) -> int:
        return self.index.fragment_sizes(self.place)[0]


def clip_starts(pieces: Sequence[Piece]) -> list[int]:
    """Decoding time of every fragment's first sample on the clip's own timeline, ticks from 0, and of the end: one more than fragments.

    Within a segment it is the stored media time; from one segment to the next the last fragment's own length, unless the boot clock
    says that more or less than 1.5 pictures' length passed.
    """
    starts = [0]
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        for place in range(piece.first, piece.last + 1):
            if place < piece.last:
                step = piece.index.fragments[place + 1].dts - piece.index.fragments[place].dts
            else:
                step = _step_across(piece, following)
            durations = piece.index.fragment_durations(place)
            rest = sum(durations) - durations[-1]
            starts.append(starts[-1] + min(max(step, rest + 1), rest + LONGEST_SAMPLE_TICKS))
    return starts


def flat_header(
    pieces: Sequence[Piece],
    edit_start_ticks: int,
    edit_duration_ticks: int,
    closing: Closing | None = None,
    *,
    created_s: int = 0,
    first_utc_ns: int | None = None,
) -> bytes:
    """ftyp, the start time, moov and the header of mdat.

    pieces: at least one, each of whole fragments, all of one parameter set; the first sample is a key frame. The edit list plays
    `edit_duration_ticks` from `edit_start_ticks` after the first picture; the composition offset is added here. closing: lies behind the
    last piece, as the last sample. created_s: seconds since 1970, stated as creation time where not 0. first_utc_ns: of the first picture;
    None: no start time is stated.
    """
    starts = clip_starts(pieces)
    table = _sample_table(pieces, starts, closing)
    chunks = [entry.data_length for piece in pieces for entry in piece.fragments] + ([closing.size] if closing else [])
    payload_bytes = sum(chunks)
    places = list(accumulate(chunks, initial=0))[:-1]
    form = pieces[0].index
    media_ticks = starts[-1] + (closing.index.fragment_durations(closing.place)[0] if closing else 0)
    edit = edit_list(first_offset(pieces) + edit_start_ticks, edit_duration_ticks)
    movie = movie_header(edit_duration_ticks, created_s)
    track = track_header(edit_duration_ticks, form.width, form.height, created_s) + edit
    kind = file_type(b"isom", b"iso2", b"mp41", b"avc1" if form.codec == "h264" else b"hvc1")
    if first_utc_ns is not None:
        kind += start_time(first_utc_ns - ns_of(first_offset(pieces)))

    def whole(base: int, large: bool) -> bytes:
        offsets = _chunk_offsets([base + place for place in places], large)
        moov = box(b"moov", movie, box(b"trak", track, media(media_ticks, box(b"stbl", *table, offsets))))
        return kind + moov + _mdat_header(payload_bytes, large)

    large = len(whole(0, True)) + payload_bytes > LARGEST_32
    return whole(len(whole(0, large)), large)


def first_offset(pieces: Sequence[Piece]) -> int:
    """Composition offset of the clip's first sample, ticks: its first picture is shown that long after its decoding time."""
    return pieces[0].index.fragment_ctos(pieces[0].first)[0]


def _step_across(piece: Piece, following: Piece | None) -> int:
    """Ticks from the first sample of the piece's last fragment to the following piece's first sample, in decoding time."""
    entry, durations = piece.index.fragments[piece.last], piece.index.fragment_durations(piece.last)
    nominal = sum(durations)
    if following is None:
        return nominal
    after = following.fragments[0]
    shift = piece.index.fragment_ctos(piece.last)[0] - following.index.fragment_ctos(following.first)[0]
    seen = ticks(after.boot_ns) - ticks(entry.boot_ns) + shift
    return nominal if abs(seen - nominal) <= JITTER_SAMPLES * durations[-1] else seen


def _sample_table(pieces: Sequence[Piece], starts: list[int], closing: Closing | None) -> list[bytes]:
    """All boxes of stbl but the chunk offsets."""
    sizes = b"".join(piece.rows(piece.index.sizes) for piece in pieces)
    ctos = unpack_i32(b"".join(piece.rows(piece.index.ctos) for piece in pieces))
    durations = _durations(pieces, starts)
    entries = [entry for piece in pieces for entry in piece.fragments]
    counts = [entry.samples for entry in entries]
    firsts = list(accumulate(counts, initial=1))
    keys = [sample for sample, entry in zip(firsts, entries, strict=False) if entry.key]
    if closing is not None:
        sizes += pack_u32((closing.size,))
        durations.append(closing.index.fragment_durations(closing.place)[0])
        ctos.append(closing.index.fragment_ctos(closing.place)[0])
        counts.append(1)
        keys.append(firsts[-1])
    return [
        sample_description(pieces[0].index.sample_entry),
        _runs(b"stts", 0, durations),
        *_offsets(ctos),
        full_box(b"stss", 0, 0, pack_u32((len(keys), *keys))),
        _chunks(counts),
        full_box(b"stsz", 0, 0, pack_u32((0, len(sizes) // 4)), sizes),
    ]


def _durations(pieces: Sequence[Piece], starts: list[int]) -> array[int]:
    """As stored, but the last sample of each fragment lasts to the next one's start."""
    found = unpack_u32(b"".join(piece.rows(piece.index.durations) for piece in pieces))
    sample = 0
    counts = (entry.samples for piece in pieces for entry in piece.fragments)
    for count, (start, end) in zip(counts, pairwise(starts), strict=True):
        last = sample + count - 1
        found[last] = end - start - sum(found[sample:last])
        sample += count
    return found


def _runs(kind: bytes, version: int, values: array[int]) -> bytes:
    """stts or ctts: (how many, value) for each run of equal values."""
    runs = [(sum(1 for _ in run), value & 0xFFFF_FFFF) for value, run in groupby(values)]
    return full_box(kind, version, 0, pack_u32(chain((len(runs),), *runs)))


def _offsets(ctos: array[int]) -> list[bytes]:
    return [_runs(b"ctts", 1 if min(ctos) < 0 else 0, ctos)] if any(ctos) else []


def _chunks(counts: list[int]) -> bytes:
    """stsc: (first chunk, samples a chunk, description) for each run of equally long chunks."""
    rows = [(at + 1, count, 1) for at, count in enumerate(counts) if at == 0 or counts[at - 1] != count]
    return full_box(b"stsc", 0, 0, pack_u32(chain((len(rows),), *rows)))


def _chunk_offsets(offsets: list[int], large: bool) -> bytes:
    rows = pack_u64(offsets) if large else pack_u32(offsets)
    return full_box(b"co64" if large else b"stco", 0, 0, pack_u32((len(offsets),)), rows)


def _mdat_header(payload_bytes: int, large: bool) -> bytes:
    return pack(">I4sQ", 1, b"mdat", payload_bytes + 16) if large else pack(">I4s", payload_bytes + 8, b"mdat")
