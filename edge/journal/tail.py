"""Where a journal ends on disk: read when its writer starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import NO_PREVIOUS, Line, chain_hash, file_name, first_seqs, parse_line, whole_lines
from edge.messages.records import RECORD_MAX_BYTES

BATCH_BYTES = RECORD_MAX_BYTES
"""Most bytes of records that are written with one sync, unless one record alone is longer."""
_SUSPECT_BYTES = 2 * (RECORD_MAX_BYTES + 1)
"""A power cut can spoil what one write put down, at the end of the file, and nothing before it."""


@dataclass(frozen=True, slots=True)
class Tail:
    """last_seq, head: number and hash of the last line (0, zeros: none). first_seq: name of the file to append to, None: begin a new one.
    good_bytes: length of that file up to its last good line. torn: what follows it and is to be cut."""

    last_seq: int = 0
    head: str = NO_PREVIOUS
    first_seq: int | None = None
    good_bytes: int = 0
    torn: bytes = b""


def read_tail(disk: Disk, folder: Path) -> Tail:
    """Reads one file, two where the newest has no good line. Raises StorageError."""
    files = first_seqs(disk, folder)
    if not files:
        return Tail()
    newest = files[-1]
    data = disk.read(folder / file_name(newest))
    tail = _end_of(newest, data)
    if tail is not None:
        return tail
    for first_seq in reversed(files[:-1]):
        before = _end_of(first_seq, disk.read(folder / file_name(first_seq)))
        if before is not None:
            return Tail(max(before.last_seq, newest - 1), before.head, newest, 0, data)
    return Tail(newest - 1, NO_PREVIOUS, newest, 0, data)


def _end_of(first_seq: int, data: bytes) -> Tail | None:
    """None: the file has no good line, and all of it may be one spoilt write.

    The chain is checked from a line before the reach of the last write on. Some damage cannot come from tearing: it lies further back, or a
    whole line does not continue the one before it, or records of several moments follow it. That is left for the check to find; its
    lines count as records, the last one is chained to, and a new file goes on.
    """
    lines = whole_lines(data)
    start, count = _before_suspects(lines, len(data))
    good = parse_line(lines[count - 1]) if count else None
    tampered = count > 0 and good is None
    for raw in lines[count:]:
        line = parse_line(raw)
        if line is None:
            break
        tampered = tampered or not _continues(good, line, first_seq)
        good = line
        start += len(raw) + 1
    if tampered or len({_moment(line) for line in map(parse_line, whole_lines(data[start:])) if line}) > 1:
        return Tail(_numbers_used(first_seq, lines), chain_hash(lines[-1]))
    return None if good is None else Tail(good.seq, chain_hash(good.raw), first_seq, start, data[start:])


def _moment(line: Line) -> tuple[str, int, str]:
    """What all records of one write share."""
    return line.record.boot, line.record.mono_ms, line.record.t


def _before_suspects(lines: list[bytes], size: int) -> tuple[int, int]:
    """(offset, count) of the lines that end before the reach of the last write."""
    offset = count = 0
    for raw in lines:
        end = offset + len(raw) + 1
        if end > size - _SUSPECT_BYTES:
            break
        offset = end
        count += 1
    return offset, count


def _continues(good: Line | None, line: Line, first_seq: int) -> bool:
    if good is None:
        return line.seq == first_seq
    return line.seq == good.seq + 1 and line.record.prev == chain_hash(good.raw)


def _numbers_used(first_seq: int, lines: list[bytes]) -> int:
    """The last record that can be read, plus one for each line behind it."""
    for behind, raw in enumerate(reversed(lines)):
        line = parse_line(raw)
        if line is not None:
            return line.seq + behind
    return first_seq - 1 + len(lines)
