"""What of an asked range no fragment covers, and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from edge.clip.cuts import SLOW_PICTURES, Cut, Lost
from edge.clock import NS_PER_MS, NS_PER_S, format_utc
from edge.messages.clip import GapSpan
from edge.messages.records import GapReason
from edge.ring.timeline import Timeline

NOTICEABLE_NS = 100 * NS_PER_MS
"""A shorter hole is no gap: the arrival times of a network camera tremble that much."""
_SINCE_NS = 10 * NS_PER_S
"""Footage may have come to the disk between the look at it and the look at the timeline."""


@dataclass(frozen=True)
class Missing:
    """Known to be missing, with the reason: it explains a hole in a clip, and says nothing where there is none."""

    start_utc_ns: int
    end_utc_ns: int
    reason: GapReason


def missing_of(timeline: Timeline, end_utc_ns: int) -> list[Missing]:
    """What the ring's timeline knows of a range that was asked up to `end_utc_ns`; what lies behind the timeline's end is not on the disk
    yet."""
    known = [Missing(each.start_utc_ns, each.end_utc_ns, each.reason) for each in timeline.gaps]
    if timeline.end_utc_ns < end_utc_ns:
        newest_ns = timeline.spans[-1].start_utc_ns if timeline.spans else timeline.end_utc_ns
        known.append(Missing(max(newest_ns, timeline.end_utc_ns - _SINCE_NS), end_utc_ns, "not_yet"))
    return known


def gaps(
    used: Sequence[Cut], every: Sequence[Cut], lost: Collection[Lost], missing: Sequence[Missing], start_utc_ns: int, end_utc_ns: int
) -> list[GapSpan]:
    """The gaps of [start, end). used: what the clip delivers; every: all fragments known there, in time order, lost ones too. missing:
    what is known from elsewhere; where that says nothing, the fragments around the hole tell the reason."""
    found: list[GapSpan] = []
    for begin_ns, finish_ns in _holes(used, start_utc_ns, end_utc_ns):
        found += _explained(begin_ns, finish_ns, missing, _seen_reason(begin_ns, finish_ns, every, lost))
    return found


def _holes(used: Sequence[Cut], start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    covered_ns, shortest_ns = start_ns, NOTICEABLE_NS
    for cut in sorted(used, key=lambda cut: cut.start_utc_ns):
        shortest_ns = max(NOTICEABLE_NS, round(SLOW_PICTURES * cut.picture_ns))
        if cut.start_utc_ns - covered_ns > shortest_ns:
            yield covered_ns, min(cut.start_utc_ns, end_ns)
        covered_ns = max(covered_ns, cut.end_utc_ns)
    if end_ns - covered_ns > shortest_ns:
        yield covered_ns, end_ns


def _explained(start_ns: int, end_ns: int, missing: Sequence[Missing], otherwise: GapReason) -> Iterator[GapSpan]:
    """One gap for each known reason within a hole; the rest has the reason `otherwise`. Slivers belong to their neighbour."""
    position_ns = start_ns
    for each in sorted(missing, key=lambda each: each.start_utc_ns):
        begin_ns, finish_ns = max(position_ns, each.start_utc_ns), min(end_ns, each.end_utc_ns)
        if finish_ns - begin_ns <= min(NOTICEABLE_NS, (end_ns - start_ns) // 2):
            continue
        if begin_ns - position_ns > NOTICEABLE_NS:
            yield _gap(position_ns, begin_ns, otherwise)
            position_ns = begin_ns
        if end_ns - finish_ns <= NOTICEABLE_NS:
            finish_ns = end_ns
        yield _gap(position_ns, finish_ns, each.reason)
        position_ns = finish_ns
    if position_ns < end_ns:
        yield _gap(position_ns, end_ns, otherwise)


def _seen_reason(start_ns: int, end_ns: int, every: Sequence[Cut], lost: Collection[Lost]) -> GapReason:
    """As far as the footage itself tells."""
    if any(cut.name in lost and cut.start_utc_ns < end_ns and cut.end_utc_ns > start_ns for cut in every):
        return "damaged"
    before = [cut for cut in every if cut.start_utc_ns < start_ns + NOTICEABLE_NS]
    after = [cut for cut in every if cut.end_utc_ns > end_ns - NOTICEABLE_NS]
    if not before or not after:
        return "unknown"
    last, following = before[-1], after[0]
    if last.footage.index.boot != following.footage.index.boot:
        return "power"
    return "damaged" if last.footage.seq == following.footage.seq else "unknown"


def _gap(start_ns: int, end_ns: int, reason: GapReason) -> GapSpan:
    return GapSpan(start=format_utc(start_ns), end=format_utc(end_ns), reason=reason)
