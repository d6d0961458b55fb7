"""What the sweep must know from earlier runs, read from the recorder's own journal: nothing is kept in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edge.clock import NS_PER_MS, Reading, parse_utc
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, Erase, Segment, facts_of

_LINES = 4000
"""Looked back over at least; further within this boot, as far as a quarantine may reach."""
_ERASED = 256
_JUMP_MS = 3_600_000
_AHEAD = 512


class Jumps:
    """Forward jumps of UTC against the monotonic clock within a boot: for a time after one, ages are not believed."""

    def __init__(self, quarantine_ms: int) -> None:
        self.quarantine_ms = quarantine_ms
        self._offset_ms: int | None = None
        self._until_ms: int | None = None

    def seen(self, mono_ms: int, offset_ms: int) -> None:
        """A dated look at both clocks; in order. offset_ms: utc - monotonic."""
        if self._offset_ms is not None and offset_ms - self._offset_ms > _JUMP_MS:
            self._until_ms = mono_ms + self.quarantine_ms
        self._offset_ms = offset_ms

    def distrusted(self, mono_ms: int) -> bool:
        return self._until_ms is not None and mono_ms < self._until_ms


@dataclass(slots=True)
class Recollection:
    """erased: the newest Erase records, newest first. alarms: the newest record of each code. mappings: (mono_ms, offset_ms) of dated
    records of this boot, oldest first."""

    erased: list[Erase] = field(default_factory=list)
    alarms: dict[str, AlarmRaised] = field(default_factory=dict)
    mappings: list[tuple[int, int]] = field(default_factory=list)


def look_back(reader: JournalReader, boot: str, now: Reading, quarantine_ms: int) -> Recollection:
    """Raises StorageError."""
    found = Recollection()
    horizon_ms = now.boot_ns // NS_PER_MS - quarantine_ms
    for count, line in enumerate(reader.back()):
        record = line.record
        if count >= _LINES and (record.boot != boot or record.mono_ms < horizon_ms):
            break
        if record.type == "erase" and len(found.erased) < _ERASED:
            found.erased.append(facts_of(record, Erase))
        elif record.type == "alarm":
            alarm = facts_of(record, AlarmRaised)
            found.alarms.setdefault(alarm.code, alarm)
        if record.boot == boot and record.clock != "untrusted":
            found.mappings.append((record.mono_ms, parse_utc(record.t) // NS_PER_MS - record.mono_ms))
    found.mappings.reverse()
    return found


class SegmentRecords:
    """Records of sealed segments by number, read forward as the sweep moves through the ring."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._lines: Iterator[Line] = iter(())
        self._reached = 0
        self._ahead: dict[int, Segment] = {}

    def find(self, seq: int) -> Segment | None:
        """None where the journal has none. Raises StorageError."""
        if seq not in self._ahead:
            if not 0 < self._reached < seq <= self._reached + _AHEAD:
                self._lines = self._reader.seek(_segment_seq, seq)
                self._ahead.clear()
                self._reached = 0
            self._read_to(seq)
        return self._ahead.pop(seq, None)

    def _read_to(self, seq: int) -> None:
        for line in self._lines:
            if line.record.type == "segment":
                segment = facts_of(line.record, Segment)
                self._reached = max(self._reached, segment.seq)
                if segment.seq >= seq:
                    self._ahead[segment.seq] = segment
                if segment.seq >= seq:
                    return
        self._reached = 0


def _segment_seq(line: Line) -> int | None:
    return facts_of(line.record, Segment).seq if line.record.type == "segment" else None
