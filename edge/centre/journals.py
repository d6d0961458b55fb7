"""The stored journals of one node, to be read from a moment on. Any process may read, also while `edge centre receive` stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.centre.archive import journal_files
from edge.centre.files import stored_lines
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.line import Line, parse_line

_SLACK_BYTES = 2 << 20
"""As a node's own reader: records of a refusing disk are written late, by up to a file of its journal."""
_NEAR_BYTES = 1 << 18


class StoredJournals:
    """Reads what the disk has; a line that does not read is left out (its number is then missing)."""

    def __init__(self, disk: Disk, folder: Path, node: str) -> None:
        self._disk = disk
        self._files: dict[str, list[Path]] = {}
        for owner, journal, _, path in journal_files(folder):
            if owner == node:
                self._files.setdefault(journal, []).append(path)

    def names(self) -> list[str]:
        return sorted(self._files)

    def lines(self, name: str, from_utc: str) -> Iterator[Line]:
        """All lives of the journal one after the other, by the nodes' time."""
        for path in sorted(self._files.get(name, []), key=self._begins):
            start = max(0, self._place(path, from_utc) - _SLACK_BYTES)
            yield from self._lines(path, start)

    def _begins(self, path: Path) -> str:
        return next((line.record.t for line in self._lines(path, 0)), "")

    def _place(self, path: Path, from_utc: str) -> int:
        """An offset before every line written at `from_utc`, near to them, by halving."""
        low, high = 0, self._disk.stat(path).size
        while high - low > _NEAR_BYTES:
            middle = (low + high) // 2
            moment = next((line.record.t for line in self._lines(path, middle) if line.record.clock != "untrusted"), None)
            if moment is None or moment >= from_utc:
                high = middle
            else:
                low = middle
        return low

    def _lines(self, path: Path, start: int) -> Iterator[Line]:
        """From the first whole line behind `start` (at 0: the first)."""
        try:
            lines = stored_lines(self._disk, path, max(0, start - 1))
            if start:
                next(lines, None)
            for _, raw in lines:
                line = parse_line(raw)
                if line is not None:
                    yield line
        except NotFound:
            return


def stored_nodes(folder: Path) -> list[str]:
    """Ids of the nodes with a stored journal, ascending."""
    return sorted({owner for owner, _, _, _ in journal_files(folder)})
