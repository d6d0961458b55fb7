"""From segments and journals to what a person asks: what is there, what is missing and why, what happened."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from edge.clock import NS_PER_MS, NS_PER_S, format_utc, parse_utc
from edge.journal.reader import JournalReader
from edge.messages.records import Episode, GapReason, facts_of

JOINS_NS = 500 * NS_PER_MS
"""Footage this close together is one span."""
_EVER_NS = 1 << 62
_LATE_NS = 3600 * NS_PER_S
"""No episode lasts so long, so its end is recorded before."""


@dataclass(frozen=True, slots=True)
class Span:
    """Footage without a hole. segments: how many files. undated: its UTC is not final."""

    start_utc_ns: int
    end_utc_ns: int
    segments: int
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """No footage, and why. reason "erased": it was there, and retention destroyed it; "before_first": recording had not begun."""

    start_utc_ns: int
    end_utc_ns: int
    reason: GapReason
    text: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A motion episode. until_utc_ns: None while it lasts."""

    id: str
    since_utc_ns: int
    until_utc_ns: int | None
    score: float
    zones: list[str]
    path: list[float] = field(default_factory=list)
    mark_from_ns: int | None = None
    mark_until_ns: int | None = None
    peak_utc_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All within [start, end) UTC, each list in time order."""

    camera: str
    start_utc_ns: int
    end_utc_ns: int
    spans: list[Span]
    gaps: list[Hole]
    events: list[Event]


def matching(events: Iterable[Event], zones: Sequence[str], min_score: float) -> list[Event]:
    """Those with at least that score that touched one of the zones; no zones: any."""
    return [each for each in events if each.score >= min_score and (not zones or not set(zones).isdisjoint(each.zones))]


def spans_of(footage: Iterable[tuple[int, int, bool]], start_ns: int, end_ns: int) -> list[Span]:
    """footage: (start, end, undated) in order of their starts; overlaps are fine."""
    spans: list[Span] = []
    for begin, finish, undated in footage:
        begin, finish = max(begin, start_ns), min(finish, end_ns)
        last = spans[-1] if spans else None
        if last is not None and begin - last.end_utc_ns < JOINS_NS and last.undated == undated:
            spans[-1] = Span(last.start_utc_ns, max(last.end_utc_ns, finish), last.segments + 1, undated)
        else:
            spans.append(Span(begin, finish, 1, undated))
    return spans


def holes_of(spans: Sequence[Span], start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """What no span covers, where it is long enough to be one."""
    holes: list[tuple[int, int]] = []
    covered = start_ns
    for span in spans:
        if span.start_utc_ns - covered >= JOINS_NS:
            holes.append((covered, span.start_utc_ns))
        covered = max(covered, span.end_utc_ns)
    if end_ns - covered >= JOINS_NS:
        holes.append((covered, end_ns))
    return holes


def explain(holes: Sequence[tuple[int, int]], known: Sequence[Hole]) -> list[Hole]:
    """Cut each hole along what is known; the earlier in `known` wins; what nothing explains is "unknown"."""
    by_start = sorted(range(len(known)), key=lambda rank: known[rank].start_utc_ns)
    starts = [known[rank].start_utc_ns for rank in by_start]
    reach = list(accumulate((known[rank].end_utc_ns for rank in by_start), max))
    found: list[Hole] = []
    for begin, finish in holes:
        ranks: list[int] = []
        place = bisect_left(starts, finish) - 1
        while place >= 0 and reach[place] > begin:
            ranks.append(by_start[place])
            place -= 1
        found += _cut(begin, finish, [known[rank] for rank in sorted(ranks)])
    return found


def _cut(begin: int, finish: int, known: Sequence[Hole]) -> list[Hole]:
    """What is left open is kept in order, so that each reason looks only at the parts it touches."""
    left = [(begin, finish)]
    pieces: list[Hole] = []
    for each in known:
        if not left:
            break
        position = max(bisect_right(left, (each.start_utc_ns, _EVER_NS)) - 1, 0)
        while position < len(left) and left[position][0] < each.end_utc_ns:
            piece = _piece(*left[position], each)
            if piece is None:
                position += 1
                continue
            rest = [(left[position][0], piece.start_utc_ns), (piece.end_utc_ns, left[position][1])]
            rest = [part for part in rest if part[0] < part[1]]
            left[position : position + 1] = rest
            position += len(rest)
            pieces.append(piece)
    pieces += [Hole(first, last, "unknown") for first, last in left]
    return _joined(sorted(pieces, key=lambda piece: piece.start_utc_ns))


def _piece(begin: int, finish: int, each: Hole) -> Hole | None:
    """What `each` explains of [begin, finish); slivers belong to it."""
    first, last = max(begin, each.start_utc_ns), min(finish, each.end_utc_ns)
    if last - first < min(JOINS_NS, (finish - begin + 1) // 2):
        return None
    first = begin if first - begin < JOINS_NS else first
    last = finish if finish - last < JOINS_NS else last
    return Hole(first, last, each.reason, each.text)


def _joined(pieces: list[Hole]) -> list[Hole]:
    """Neighbours with the same words are one."""
    found: list[Hole] = []
    for each in pieces:
        last = found[-1] if found else None
        if last is not None and last.end_utc_ns == each.start_utc_ns and (last.reason, last.text) == (each.reason, each.text):
            found[-1] = Hole(last.start_utc_ns, each.end_utc_ns, each.reason, each.text)
        else:
            found.append(each)
    return found


def events_of(journal: JournalReader, camera: str, start_ns: int, end_ns: int) -> list[Event]:
    """Motion episodes of one camera that touch [start, end)."""
    found: dict[str, Event] = {}
    for line in journal.since(format_utc(start_ns - _LATE_NS)):
        record = line.record
        if parse_utc(record.t) > end_ns + _LATE_NS:
            break
        if record.type != "episode" or record.camera != camera:
            continue
        episode = facts_of(record, Episode)
        since, until = parse_utc(episode.since), None if episode.until is None else parse_utc(episode.until)
        if since < end_ns and (until is None or until > start_ns):
            marks = (None if each is None else parse_utc(each) for each in (episode.mark_from, episode.mark_until, episode.peak))
            found[episode.id] = Event(episode.id, since, until, episode.score, episode.zones, episode.path, *marks)
    return sorted(found.values(), key=lambda event: event.since_utc_ns)
