"""Where a journal ends on disk: read when its writer starts, and again after every refusal of the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import NO_PREVIOUS, Line, chain_hash, file_name, first_seqs, parse_line, whole_lines


@dataclass(frozen=True, slots=True)
class Tail:
    """last_seq, head: number and hash of the last line (0, zeros: none). first_seq: name of the file to append to, None: begin a new one.
    good_bytes: length of that file up to its last good line. torn_bytes: what follows it and is to be cut."""

    last_seq: int = 0
    head: str = NO_PREVIOUS
    first_seq: int | None = None
    good_bytes: int = 0
    torn_bytes: int = 0
    last: Line | None = None


def read_tail(disk: Disk, folder: Path) -> Tail:
    """Reads one file, two where the newest has no line yet. Raises StorageError."""
    files = first_seqs(disk, folder)
    for first_seq in reversed(files):
        data = disk.read(folder / file_name(first_seq))
        tail = _tail_of(first_seq, data)
        if tail is not None:
            newest = files[-1]
            if newest == first_seq:
                return tail
            size = disk.stat(folder / file_name(newest)).size
            if newest <= tail.last_seq:
                return Tail(tail.last_seq, tail.head, None, 0, 0, tail.last)
            return Tail(newest - 1, tail.head, newest, 0, size, tail.last)
    if not files:
        return Tail()
    size = disk.stat(folder / file_name(files[-1])).size
    return Tail(files[-1] - 1, NO_PREVIOUS, files[-1], 0, size)


def _tail_of(first_seq: int, data: bytes) -> Tail | None:
    """None: no good line in this file.

    One bad line at the end is a torn append and is cut. More than one cannot come from tearing: nothing is cut then, the lines count as
    records that cannot be read, the last of them is chained to as it is, and a new file goes on.
    """
    lines = whole_lines(data)
    bad = 0
    while bad < len(lines) and parse_line(lines[-1 - bad]) is None:
        bad += 1
    if bad == len(lines) and bad <= 1:
        return None
    if bad > 1:
        good = parse_line(lines[-1 - bad]) if bad < len(lines) else None
        last_seq = (good.seq if good else first_seq - 1) + bad
        return Tail(last_seq, chain_hash(lines[-1]), None, 0, 0, good)
    good = parse_line(lines[-1 - bad])
    assert good is not None
    good_bytes = sum(len(line) + 1 for line in lines[: len(lines) - bad])
    return Tail(good.seq, chain_hash(good.raw), first_seq, good_bytes, len(data) - good_bytes, good)
