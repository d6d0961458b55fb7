"""From segments and journals to what a person asks: what is there, what is missing and why, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.clock import NS_PER_MS, NS_PER_S, format_utc, parse_utc
from edge.journal.reader import JournalReader
from edge.messages.records import Episode, Gap, GapReason, Record, Segment, facts_of

JOINS_NS = 500 * NS_PER_MS
"""Footage this close together is one span."""
_LINES_AT_MOST = 50_000
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
    """No footage, and why. reason "erased": it was there, and retention destroyed it."""

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


@dataclass(frozen=True, slots=True)
class Timeline:
    """All within [start, end) UTC, each list in time order."""

    camera: str
    start_utc_ns: int
    end_utc_ns: int
    spans: list[Span]
    gaps: list[Hole]
    events: list[Event]


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


def explanations(journal: JournalReader, start_ns: int, end_ns: int) -> list[Hole]:
    """What the recorder's journal knows of [start, end): gaps, and segments (given as "erased": they explain a hole only where the file
    is gone).

    Reads from the first record behind `start` to the first segment behind `end`: a gap is recorded before the segment that ends it."""
    known: list[Hole] = []
    lasting: Hole | None = None
    for number, line in enumerate(journal.since(format_utc(start_ns))):
        if number > _LINES_AT_MOST:
            break
        record = line.record
        if record.type == "gap":
            lasting = _gap(record, known)
        elif record.type == "segment":
            segment = facts_of(record, Segment)
            if segment.start is None or segment.end is None:
                continue
            begin = parse_utc(segment.start)
            if begin >= end_ns:
                break
            known.append(Hole(begin, parse_utc(segment.end), "erased"))
    return [*known, lasting] if lasting else known


def _gap(record: Record, known: list[Hole]) -> Hole | None:
    """Adds a gap that is over to `known`; returns one that lasts."""
    gap = facts_of(record, Gap)
    if gap.start is None:
        return None
    begin = parse_utc(gap.start)
    if gap.open or gap.end is None:
        return Hole(begin, 1 << 62, gap.reason, gap.text)
    known.insert(0, Hole(begin, parse_utc(gap.end), gap.reason, gap.text))
    return None


def explain(holes: Sequence[tuple[int, int]], known: Sequence[Hole]) -> list[Hole]:
    """Cut each hole along what is known; the earlier in `known` wins; what nothing explains is "unknown"."""
    return [piece for begin, finish in holes for piece in _cut(begin, finish, known)]


def _cut(begin: int, finish: int, known: Sequence[Hole]) -> list[Hole]:
    if finish <= begin:
        return []
    for position, each in enumerate(known):
        first, last = max(begin, each.start_utc_ns), min(finish, each.end_utc_ns)
        if last - first < min(JOINS_NS, (finish - begin + 1) // 2):
            continue
        first = begin if first - begin < JOINS_NS else first
        last = finish if finish - last < JOINS_NS else last
        rest = known[position + 1 :]
        return _joined([*_cut(begin, first, rest), Hole(first, last, each.reason, each.text), *_cut(last, finish, rest)])
    return [Hole(begin, finish, "unknown")]


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
            found[episode.id] = Event(episode.id, since, until, episode.score, episode.zones)
    return sorted(found.values(), key=lambda event: event.since_utc_ns)
