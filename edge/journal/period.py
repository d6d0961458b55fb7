"""A journal between two moments, with its chain checked on the way: for documents that rest on the journals alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import Line, chain_hash, file_name, first_seqs, parse_line
from edge.journal.verify import checked_lines
from edge.messages.records import RECORD_MAX_BYTES

_HEAD_BYTES = 2 * RECORD_MAX_BYTES


@dataclass(slots=True)
class Period:
    """What was read. first/last: numbers of the records within, 0 where there is none. head: SHA-256 of the last one's line. faults: what
    is broken in the chain, from the file in which the period begins to the one in which it ends. oldest_seq, oldest_t: the first record
    that exists at all, and the time it states (older ones were removed after their time); None for an empty journal."""

    journal: str
    records: int = 0
    first: int = 0
    last: int = 0
    head: str = ""
    faults: list[str] = field(default_factory=list)
    oldest_seq: int | None = None
    oldest_t: str | None = None


def read_period(disk: Disk, folder: Path, start_t: str, end_t: str, take: Callable[[Line, str], None]) -> Period:
    """Records written in [start_t, end_t) (RFC 3339, ms, Z), in order, each given to `take` with the time it counts by: its own, or where
    its clock was not trusted that of the last trusted one before (its own again where there was none). Raises StorageError.

    Reads the files the period touches and one on either side, since records of a refusing disk are written late."""
    files = first_seqs(disk, folder)
    period = Period(folder.name)
    first_times = list(_first_times(disk, folder, files))
    if files:
        period.oldest_seq, period.oldest_t = files[0], first_times[0]
    begin = max((place for place, moment in enumerate(first_times) if moment < start_t), default=0)
    end = next((place for place, moment in enumerate(first_times) if moment >= end_t), len(files))
    known_t = first_times[max(begin - 1, 0)] if files else ""
    for each in checked_lines(disk, folder, files[max(begin - 1, 0) : end + 1], files[-1:]):
        period.faults += each.faults
        if each.line is None:
            continue
        if each.line.record.clock != "untrusted":
            known_t = each.line.record.t
        at = known_t or each.line.record.t
        if start_t <= at < end_t:
            _count(period, each.line)
            take(each.line, at)
    return period


def _count(period: Period, line: Line) -> None:
    period.records += 1
    period.first = period.first or line.seq
    period.last, period.head = line.seq, chain_hash(line.raw)


def _first_times(disk: Disk, folder: Path, files: list[int]) -> Iterator[str]:
    """When each file begins; where its first lines were written without a trusted clock, when the one before did."""
    moment = ""
    for first_seq in files:
        head = disk.read(folder / file_name(first_seq), 0, _HEAD_BYTES)
        lines = (parse_line(raw) for raw in head.split(b"\n")[:-1])
        dated = (line.record.t for line in lines if line is not None and line.record.clock != "untrusted")
        moment = next(dated, moment)
        yield moment
