"""Checking a journal's chain (invariant 7): numbers without holes, each line holding the hash of the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import NO_PREVIOUS, Line, chain_hash, file_name, first_seqs, parse_line, whole_lines


@dataclass(frozen=True, slots=True)
class Checked:
    """One line, or a rule that is broken between two. raw: the line's bytes, b"" for none. line: None where it cannot be read. faults: one
    sentence per broken rule."""

    raw: bytes = b""
    line: Line | None = None
    faults: list[str] = field(default_factory=list)


def verify(disk: Disk, folder: Path) -> list[str]:
    """One sentence per broken rule, [] for a whole chain. A torn last line is no fault. Raises StorageError."""
    files = first_seqs(disk, folder)
    return [fault for each in checked_lines(disk, folder, files, files[-1:]) for fault in each.faults]


def checked_lines(disk: Disk, folder: Path, files: Sequence[int], newest: Sequence[int]) -> Iterator[Checked]:
    """The lines of neighbouring files, each checked against the one before. newest: the file that is still written, whose last line may be
    torn. Raises StorageError."""
    expected = files[0] if files else 1
    head = NO_PREVIOUS if expected == 1 else None
    for first_seq in files:
        name = file_name(first_seq)
        data = disk.read(folder / name)
        lines = whole_lines(data)
        is_newest = first_seq in newest
        if first_seq != expected:
            yield Checked(faults=[f"{name}: begins at {first_seq}, {expected} was expected"])
            expected = first_seq
        if not is_newest and not data.endswith(b"\n"):
            yield Checked(faults=[f"{name}: ends in a torn line although newer files exist"])
        if is_newest and lines and parse_line(lines[-1]) is None:
            lines.pop()
        for raw in lines:
            yield _checked(name, raw, expected, head)
            expected += 1
            head = chain_hash(raw)


def _checked(name: str, raw: bytes, expected: int, head: str | None) -> Checked:
    line = parse_line(raw)
    if line is None:
        return Checked(raw, None, [f"{name}: record {expected} cannot be read"])
    faults = []
    if line.seq != expected:
        faults.append(f"{name}: record {line.seq} stands where {expected} belongs")
    if head is not None and line.record.prev != head:
        faults.append(f"{name}: record {line.seq} does not continue the line before it: that line was changed, or is missing")
    return Checked(raw, line, faults)
