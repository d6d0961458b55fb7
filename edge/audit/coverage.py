"""When a camera's footage was recorded, by its recorder's journal, whether it still exists or not. Pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from edge.clock import NS_PER_MS, NS_PER_S, parse_utc
from edge.journal.line import Line
from edge.messages.records import Dated, Record, Segment, facts_of
from edge.ring.reasons import Story
from edge.ring.timeline import JOINS_NS, Hole, Span, explain, holes_of

LATE_NS = 3600 * NS_PER_S
"""Records of a refusing disk, and of footage that recovery found, are written late."""


class Intervals:
    """A union of intervals, ascending; those closer together than JOINS_NS are one."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Costs little at the end, where nearly all come."""
        first = bisect_left(self._ends, start - JOINS_NS + 1)
        last = bisect_left(self._starts, end + JOINS_NS)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def within(self, start: int, end: int) -> list[Span]:
        pairs = zip(self._starts, self._ends, strict=True)
        return [Span(max(first, start), min(last, end), 1) for first, last in pairs if first < end and last > start]


@dataclass(frozen=True, slots=True)
class Missing:
    """A hole; reported: False where the journal ends before it and nobody knows yet."""

    hole: Hole
    reported: bool = True


class Coverage:
    """Takes the lines of recorder.<camera> in order. `done`: nothing that follows belongs to [start, end)."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self._start_ns, self._end_ns = start_ns, end_ns
        self._story = Story(end_ns)
        self._telling = True
        self._footage = Intervals()
        self._undated: dict[int, Segment] = {}
        self._from_the_first: bool | None = None
        self.first_ns: int | None = None
        """The first moment the journal knows of by a clock that was trusted."""
        self.last_ns: int | None = None
        """The last one, up to now."""
        self.newest_footage_ns: int | None = None
        self.ended_in_order = False
        self.undated_ns = 0
        self.done = False

    @property
    def from_the_first(self) -> bool:
        """Whether the journal's own first record was among the lines."""
        return bool(self._from_the_first)

    @property
    def undated_left(self) -> int:
        """Segments that nobody has dated."""
        return len(self._undated)

    def take(self, line: Line) -> None:
        record = line.record
        if self._from_the_first is None:
            self._from_the_first = line.seq == 1
        if record.clock != "untrusted":
            self._moment(parse_utc(record.t))
        self.ended_in_order = record.type == "stop" or (self.ended_in_order and record.type not in ("boot", "segment", "gap"))
        if record.type == "segment":
            self._segment(facts_of(record, Segment))
        elif record.type == "dated":
            self._dated(record)
        if self._telling:
            self._telling = self._story.goes_on(line)
        self.done = not self._telling and self.last_ns is not None and self.last_ns >= self._end_ns + LATE_NS

    def missing(self, start_ns: int, end_ns: int) -> list[Missing]:
        """The holes within [start, end), in order, cut along their reasons."""
        spans = self._footage.within(start_ns, end_ns)
        first = spans[0].start_utc_ns if spans else end_ns
        known = [each for each in self._story.told(first) if each.reason != "before_first" or self.from_the_first]
        found = explain(holes_of(spans, start_ns, end_ns), known)
        ends_ns = max(self.newest_footage_ns or start_ns, self.last_ns or start_ns)
        return [part for hole in found for part in self._reported(hole, ends_ns)]

    def _reported(self, hole: Hole, ends_ns: int) -> list[Missing]:
        """What no record explains and lies behind the last of them is not unknown for ever."""
        begin = max(hole.start_utc_ns, self.newest_footage_ns or hole.start_utc_ns)
        if hole.reason != "unknown" or not self._telling or hole.end_utc_ns <= ends_ns or begin >= hole.end_utc_ns:
            return [Missing(hole)]
        before = [Missing(Hole(hole.start_utc_ns, begin, hole.reason, hole.text))] if begin > hole.start_utc_ns else []
        return [*before, Missing(Hole(begin, hole.end_utc_ns, hole.reason, hole.text), reported=False)]

    def _moment(self, at_ns: int) -> None:
        self.first_ns = at_ns if self.first_ns is None else min(self.first_ns, at_ns)
        self.last_ns = at_ns if self.last_ns is None else max(self.last_ns, at_ns)

    def _segment(self, segment: Segment) -> None:
        if segment.start is None or segment.end is None:
            self._undated[segment.seq] = segment
            return
        start_ns = parse_utc(segment.start)
        self._recorded(start_ns, max(start_ns, parse_utc(segment.end)))

    def _dated(self, record: Record) -> None:
        dated = facts_of(record, Dated)
        for segment in filter(None, (self._undated.pop(seq, None) for seq in dated.segments)):
            start_ns = (segment.start_mono_ms + dated.offset_ms) * NS_PER_MS
            end_ns = start_ns + segment.duration_ms * NS_PER_MS
            self._recorded(start_ns, end_ns)
            self.undated_ns += max(0, min(end_ns, self._end_ns) - max(start_ns, self._start_ns))

    def _recorded(self, start_ns: int, end_ns: int) -> None:
        self.first_ns = start_ns if self.first_ns is None else min(self.first_ns, start_ns)
        self.newest_footage_ns = max(end_ns, self.newest_footage_ns or end_ns)
        self._footage.add(start_ns, end_ns)
