"""What the recorder's own journal says about the run before this one. Reads the newest records only, further back as needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from edge.clock import NS_PER_MS, parse_utc
from edge.journal.reader import JournalReader
from edge.messages.evidence import KeyNews
from edge.messages.records import Boot, Dated, Erase, Gap, Record, Recover, Segment, facts_of
from edge.ring.gaps import FootageEnd

Ended = Literal["first", "orderly", "crash", "power"]

_WINDOW = 1000
"""Records read at least; more, back to the newest segment."""


@dataclass(slots=True)
class History:
    """ended: how the run before this one ended. config_sha256: of the configuration in force then, "" where not known.
    segments: the newest segment records, by number.
    recovered, erased: numbers of such records seen.
    spans: boot id -> its last span. offsets_ms: number of a segment dated later -> its utc - monotonic.
    gaps: number of a segment -> the newest Gap record behind it. explained: number of a segment -> where the newest gap behind it that is
    over ends. signed: whether the newest record about the signing key says that it is in force."""

    ended: Ended = "first"
    config_sha256: str = ""
    last_seq: int = 0
    segments: dict[int, Segment] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    spans: dict[str, str] = field(default_factory=dict)
    offsets_ms: dict[int, int] = field(default_factory=dict)
    gaps: dict[int, Gap] = field(default_factory=dict)
    explained: dict[int, FootageEnd] = field(default_factory=dict)
    signed: bool = False
    readable: bool = True

    @property
    def newest(self) -> Segment | None:
        """The record of the segment with the highest number."""
        return self.segments[max(self.segments)] if self.segments else None

    def around(self, seq: int) -> tuple[Segment | None, Segment | None]:
        """The recorded neighbours of a number."""
        before, after = (
            max((each for each in self.segments if each < seq), default=0),
            min((each for each in self.segments if each > seq), default=0),
        )
        return self.segments.get(before), self.segments.get(after)

    @property
    def lasting(self) -> Gap | None:
        """The gap behind the newest segment, where it was not over yet."""
        gap = self.gaps.get(self.newest.seq) if self.newest else None
        return gap if gap is not None and gap.open else None

    def footage_end(self) -> FootageEnd | None:
        """Where the last recorded segment ends, or a gap behind it that was over: what comes next is missing for another reason."""
        facts = self.newest
        if facts is None:
            return None
        boot, end_mono_ms = boot_of(facts), facts.start_mono_ms + facts.duration_ms
        utc_ns = None if facts.end is None else parse_utc(facts.end)
        if utc_ns is None and facts.seq in self.offsets_ms:
            utc_ns = (end_mono_ms + self.offsets_ms[facts.seq]) * NS_PER_MS
        end = FootageEnd(boot, end_mono_ms * NS_PER_MS, utc_ns, facts.seq)
        explained = self.explained.get(facts.seq, end)
        return end if explained.boot == boot and explained.boot_ns < end.boot_ns else explained


def boot_of(segment: Segment) -> str:
    """The boot a segment was recorded in."""
    return segment.span.partition("/")[0]


def read_history(reader: JournalReader, boot: str) -> History:
    """`boot`: this boot's id."""
    newest_first: list[Record] = []
    has_segment = False
    for line in reader.back():
        newest_first.append(line.record)
        has_segment = has_segment or line.record.type == "segment"
        if has_segment and len(newest_first) >= _WINDOW:
            break
    return _digest(reversed(newest_first), boot)


def span_of(record: Record) -> str:
    """Name of the run that began with this Boot record."""
    return f"{record.boot}/{record.mono_ms * NS_PER_MS}"


def _digest(records: Iterable[Record], boot: str) -> History:
    history = History()
    stopped = False
    last: Record | None = None
    for record in records:
        last = record
        if record.type == "boot":
            history.spans[record.boot] = span_of(record)
            history.config_sha256 = facts_of(record, Boot).config_sha256 or history.config_sha256
            stopped = False
        elif record.type == "stop":
            stopped = True
        else:
            _note(history, record)
    if last is not None:
        history.ended = "orderly" if stopped else "crash" if last.boot == boot else "power"
    return history


def _note(history: History, record: Record) -> None:
    if record.type == "segment":
        segment = facts_of(record, Segment)
        history.segments[segment.seq] = segment
        history.spans[boot_of(segment)] = segment.span
        history.config_sha256 = segment.config_sha256 or history.config_sha256
        history.last_seq = max(history.last_seq, segment.seq)
    elif record.type == "recover":
        recovered = facts_of(record, Recover)
        history.recovered.add(recovered.seq)
        history.last_seq = max(history.last_seq, recovered.seq)
    elif record.type == "erase":
        erased = facts_of(record, Erase)
        history.erased.add(erased.seq)
        history.last_seq = max(history.last_seq, erased.seq)
    elif record.type == "dated":
        dated = facts_of(record, Dated)
        history.offsets_ms.update(dict.fromkeys(dated.segments, dated.offset_ms))
    elif record.type == "key":
        history.signed = facts_of(record, KeyNews).state == "in_force"
    elif record.type == "gap":
        gap = facts_of(record, Gap)
        if gap.after_seq is not None:
            history.gaps[gap.after_seq] = gap
            if not gap.open and gap.end_mono_ms is not None:
                end_utc_ns = None if gap.end is None else parse_utc(gap.end)
                history.explained[gap.after_seq] = FootageEnd(record.boot, gap.end_mono_ms * NS_PER_MS, end_utc_ns, gap.after_seq)
