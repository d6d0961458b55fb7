"""What a recorder's journal says of the times without footage."""

from __future__ import annotations

from collections.abc import Sequence

from edge.clock import NS_PER_MS, format_utc, parse_utc
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.messages.records import Dated, Gap, Record, Segment, facts_of
from edge.ring.timeline import JOINS_NS, Hole, Span

_EVER_NS = 1 << 62
_LINES_AT_MOST = 500_000


def explanations(journal: JournalReader, start_ns: int, end_ns: int, spans: Sequence[Span] = ()) -> list[Hole]:
    """Why there may be no footage within [start, end), the better reason first. spans: footage in that range.

    Gaps as they were recorded; footage that was recorded (as "erased": it explains a hole only where the file is gone); the gap that lasts;
    the times between an orderly end and the next start; the time before the camera's first footage. Read from the file of the journal that
    was written at `start`, so that what began before is known, to the first segment behind `end`: a gap is recorded before the segment
    that ends it."""
    story = Story(end_ns)
    lines = journal.seek(lambda line: None if line.record.clock == "untrusted" else line.record.t, format_utc(start_ns))
    for number, line in enumerate(lines):
        if number > _LINES_AT_MOST or not story.goes_on(line):
            break
    return story.told(spans[0].start_utc_ns if spans else _EVER_NS)


class Story:
    """Takes a recorder's lines in order; `told` then says why there may be no footage before `end_ns`."""

    def __init__(self, end_ns: int) -> None:
        self._end_ns = end_ns
        self._gaps: list[Hole] = []
        self._footage: list[Hole] = []
        self._stops: list[Hole] = []
        self._lasting: Hole | None = None
        self._stopped_ns: int | None = None
        self._footage_end_ns: int | None = None
        self._undated: dict[int, Segment] = {}
        self._from_the_first = False
        self._first_footage_ns: int | None = None

    def goes_on(self, line: Line) -> bool:
        """False: nothing that follows belongs to the range."""
        record = line.record
        self._from_the_first |= line.seq == 1
        if record.type == "segment":
            return self._segment(facts_of(record, Segment))
        if record.type == "dated":
            return self._dated(facts_of(record, Dated))
        if record.type == "gap":
            self._gap(facts_of(record, Gap))
        elif record.type == "stop":
            self._stop(record)
        elif record.type == "boot":
            self._boot(record)
        return True

    def told(self, first_footage_ns: int) -> list[Hole]:
        """first_footage_ns: where the journal has no segment's record yet."""
        told = [*reversed(self._gaps), *self._footage, *([self._lasting] if self._lasting else []), *self._stops]
        if self._stopped_ns is not None:
            told.append(Hole(self._stopped_ns, _EVER_NS, "stopped"))
        if self._from_the_first:
            told.append(Hole(0, self._first_footage_ns or first_footage_ns, "before_first"))
        return told

    def _segment(self, segment: Segment) -> bool:
        if segment.start is None or segment.end is None:
            self._undated[segment.seq] = segment
            return True
        return self._recorded(parse_utc(segment.start), parse_utc(segment.end))

    def _dated(self, dated: Dated) -> bool:
        found = (self._undated.pop(seq, None) for seq in dated.segments)
        begins = [((each.start_mono_ms + dated.offset_ms) * NS_PER_MS, each.duration_ms * NS_PER_MS) for each in found if each is not None]
        return all([self._recorded(begin, begin + length) for begin, length in begins])

    def _recorded(self, begin: int, end: int) -> bool:
        if self._first_footage_ns is None:
            self._first_footage_ns = begin
        if self._lasting is not None and begin >= self._lasting.start_utc_ns - JOINS_NS:
            self._end_lasting(begin)
        if begin >= self._end_ns:
            return False
        last = self._footage[-1] if self._footage else None
        if last is not None and 0 <= begin - last.end_utc_ns < JOINS_NS:
            self._footage[-1] = Hole(last.start_utc_ns, end, "erased")
        else:
            self._footage.append(Hole(begin, end, "erased"))
        self._footage_end_ns = end
        return True

    def _gap(self, gap: Gap) -> None:
        """One whose end could not be dated lasts up to the next footage that is."""
        self._lasting = None
        if gap.start is None:
            return
        begin = parse_utc(gap.start)
        if gap.open or gap.end is None:
            self._lasting = Hole(begin, _EVER_NS, gap.reason, gap.text)
        else:
            self._gaps.append(Hole(begin, parse_utc(gap.end), gap.reason, gap.text))

    def _stop(self, record: Record) -> None:
        """The last pictures come some time before the record: the worker is ended and the segment sealed in between."""
        if record.clock == "untrusted" or parse_utc(record.t) >= self._end_ns:
            return
        stopped_ns = parse_utc(record.t)
        if self._lasting is not None:
            self._end_lasting(stopped_ns)
        elif self._footage_end_ns is not None:
            stopped_ns = min(stopped_ns, self._footage_end_ns)
        self._stopped_ns = stopped_ns

    def _boot(self, record: Record) -> None:
        if self._stopped_ns is not None and record.clock != "untrusted":
            self._stops.append(Hole(self._stopped_ns, parse_utc(record.t), "stopped"))
            self._stopped_ns = None

    def _end_lasting(self, at_ns: int) -> None:
        assert self._lasting is not None
        self._gaps.append(Hole(self._lasting.start_utc_ns, at_ns, self._lasting.reason, self._lasting.text))
        self._lasting = None
