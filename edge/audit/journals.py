"""Where an account's records come from, and whether they are a whole chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.line import NO_PREVIOUS, Line, chain_hash
from edge.journal.reader import JournalReader
from edge.messages.audit import ChainState

_FAULTS_TOLD = 20


class Journals(Protocol):
    """The journals of one node: on it, or the copy at the centre."""

    def names(self) -> list[str]:
        """Ascending. Raises StorageError."""

    def lines(self, name: str, from_utc: str) -> Iterator[Line]:
        """In their order, from a place on that lies before everything written at `from_utc` (RFC 3339, ms, Z). Raises StorageError."""


class NodeJournals:
    """Those of this node. `folder`: <data>/journal."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk, self._folder = disk, folder

    def names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._disk.scan(self._folder) if entry.is_dir)
        except NotFound:
            return []

    def lines(self, name: str, from_utc: str) -> Iterator[Line]:
        return JournalReader(self._disk, self._folder / name).seek(written_at, from_utc)


def written_at(line: Line) -> str | None:
    """A line's place in time, None where its clock was not trusted."""
    return None if line.record.clock == "untrusted" else line.record.t


class Chain:
    """Checks numbers and hashes of the lines that pass through it."""

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._count = 0
        self._first: Line | None = None
        self._last: Line | None = None
        self._lives = 1
        self._faults: list[str] = []

    def through(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self._look(line)
            yield line

    @property
    def state(self) -> ChainState:
        """Of what has passed so far."""
        return ChainState(
            journal=self._journal,
            lines=self._count,
            first_seq=self._first.seq if self._first else 0,
            last_seq=self._last.seq if self._last else 0,
            head_sha256=chain_hash(self._last.raw) if self._last else "",
            whole=not self._faults,
            lives=self._lives,
            faults=self._faults,
        )

    def _look(self, line: Line) -> None:
        last, self._last = self._last, line
        self._first = self._first or line
        self._count += 1
        if last is None:
            if line.seq == 1 and line.record.prev != NO_PREVIOUS:
                self._fault("record 1 continues a line that is not there")
        elif line.seq == 1 and line.record.prev == NO_PREVIOUS:
            self._lives += 1
        elif line.seq > last.seq + 1:
            self._fault(f"records {last.seq + 1} to {line.seq - 1} are missing or cannot be read")
        elif line.seq != last.seq + 1:
            self._fault(f"record {line.seq} stands behind record {last.seq}")
        elif line.record.prev != chain_hash(last.raw):
            self._fault(f"record {line.seq} does not continue the line before it")

    def _fault(self, text: str) -> None:
        if len(self._faults) < _FAULTS_TOLD:
            self._faults.append(text)
