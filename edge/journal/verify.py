"""Checking a journal's chain (invariant 7): numbers without holes, each line holding the hash of the one before."""

from __future__ import annotations

from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import NO_PREVIOUS, chain_hash, file_name, first_seqs, parse_line, whole_lines


def verify(disk: Disk, folder: Path) -> list[str]:
    """One sentence per broken rule, [] for a whole chain. A torn last line is no fault. Raises StorageError."""
    faults: list[str] = []
    files = first_seqs(disk, folder)
    expected = files[0] if files else 1
    head = NO_PREVIOUS if expected == 1 else None
    for first_seq in files:
        name = file_name(first_seq)
        data = disk.read(folder / name)
        lines = whole_lines(data)
        is_newest = first_seq == files[-1]
        if first_seq != expected:
            faults.append(f"{name}: begins at {first_seq}, {expected} was expected")
            expected = first_seq
        if not is_newest and not data.endswith(b"\n"):
            faults.append(f"{name}: ends in a torn line although newer files exist")
        if is_newest and lines and parse_line(lines[-1]) is None:
            lines.pop()
        for raw in lines:
            faults += _faults_of(name, raw, expected, head)
            expected += 1
            head = chain_hash(raw)
    return faults


def _faults_of(name: str, raw: bytes, expected: int, head: str | None) -> list[str]:
    line = parse_line(raw)
    if line is None:
        return [f"{name}: record {expected} cannot be read"]
    faults = []
    if line.seq != expected:
        faults.append(f"{name}: record {line.seq} stands where {expected} belongs")
    if head is not None and line.record.prev != head:
        faults.append(f"{name}: record {line.seq} does not continue the line before it: that line was changed, or is missing")
    return faults
