"""Fragments in time, and the runs of them that may stand in one file. Pure.

A run goes on from one fragment to the next as long as the boot, the parameter sets and the numbering are the same and the next one's first
picture comes no more than TOLERANCE_NS (or 1.5 pictures of a slow stream) from where the one before ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge.bmff.flat import Piece
from edge.bmff.fragment import FragmentEntry, ns_of
from edge.bmff.index import SegmentIndex
from edge.clock import NS_PER_MS

TOLERANCE_NS = 500 * NS_PER_MS
SLOW_PICTURES = 1.5

Lost = tuple[int, int]
"""(segment, fragment number) of a fragment that cannot be read."""


@dataclass(frozen=True)
class Footage:
    """A segment that may be used. start_utc_ns: of its first picture. dated: its name states that time."""

    seq: int
    path: str
    start_utc_ns: int
    dated: bool
    index: SegmentIndex


@dataclass(frozen=True)
class Cut:
    """One fragment in time: `place` in its index. start_utc_ns: of its first picture. picture_ns: length of its last picture."""

    footage: Footage
    place: int
    start_utc_ns: int
    length_ns: int
    picture_ns: int

    @property
    def entry(self) -> FragmentEntry:
        return self.footage.index.fragments[self.place]

    @property
    def end_utc_ns(self) -> int:
        return self.start_utc_ns + self.length_ns

    @property
    def name(self) -> Lost:
        return self.footage.seq, self.entry.number


@dataclass(frozen=True)
class Run:
    """Whole GOPs without a hole. closing: the fragment behind them, whose first sample is their closing access unit."""

    cuts: list[Cut]
    closing: Cut | None

    @property
    def pieces(self) -> list[Piece]:
        """The same, segment by segment."""
        by_segment = [list(cuts) for _, cuts in groupby(self.cuts, key=lambda cut: cut.footage.seq)]
        return [Piece(cuts[0].footage.seq, cuts[0].footage.index, cuts[0].place, cuts[-1].place) for cuts in by_segment]


def cuts_of(footage: Footage) -> Iterator[Cut]:
    """The segment's fragments. The boot clock tells their distance from the segment's start."""
    index = footage.index
    origin_ns = index.start_boot_ns
    for place, entry in enumerate(index.fragments):
        durations = index.fragment_durations(place)
        start_ns = footage.start_utc_ns + entry.boot_ns - origin_ns
        yield Cut(footage, place, start_ns, ns_of(sum(durations)), ns_of(durations[-1]))


def runs(cuts: Sequence[Cut], start_utc_ns: int, end_utc_ns: int) -> list[Run]:
    """What of `cuts` (in time order) answers [start, end): each run from a key frame on and to the end of a GOP."""
    found: list[Run] = []
    for group in _groups(cuts):
        wanted = [place for place, cut in enumerate(group) if cut.end_utc_ns > start_utc_ns and cut.start_utc_ns < end_utc_ns]
        if not wanted:
            continue
        first, last = wanted[0], wanted[-1]
        while first > 0 and not group[first].entry.key:
            first -= 1
        while first <= last and not group[first].entry.key:
            first += 1
        while last + 1 < len(group) and not group[last + 1].entry.key:
            last += 1
        if first <= last:
            found.append(Run(group[first : last + 1], group[last + 1] if last + 1 < len(group) else None))
    return found


def _groups(cuts: Sequence[Cut]) -> Iterator[list[Cut]]:
    group: list[Cut] = []
    for cut in cuts:
        if group and not _follows(group[-1], cut):
            yield group
            group = []
        group.append(cut)
    if group:
        yield group


def _follows(cut: Cut, following: Cut) -> bool:
    before, after = cut.footage.index, following.footage.index
    if (before.boot, before.params_sha256, before.sample_entry) != (after.boot, after.params_sha256, after.sample_entry):
        return False
    if cut.footage.seq == following.footage.seq:
        adjacent = following.entry.number == cut.entry.number + 1
    else:
        adjacent = cut.place == len(before.fragments) - 1 and following.entry.number == 0
    if not adjacent:
        return False
    hole_ns = following.entry.boot_ns - cut.entry.boot_ns - cut.length_ns
    return abs(hole_ns) <= max(TOLERANCE_NS, round(SLOW_PICTURES * cut.picture_ns))
