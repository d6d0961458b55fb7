"""Reading a journal, also while its writer appends in another process. Nothing here writes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from edge.errors import NotFound
from edge.host.disk import Disk
from edge.journal.line import Line, file_name, first_seqs, parse_line, read_epoch, whole_lines
from edge.journal.verify import verify
from edge.messages.records import RECORD_MAX_BYTES

_Key = TypeVar("_Key", str, int)
_HEAD_BYTES = 2 * RECORD_MAX_BYTES


class JournalReader:
    """One thread. A missing folder is an empty journal; a torn last line and lines that are no records are left out."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self.folder = folder
        self._disk = disk
        self._place = (0, 0, 0)
        """File, record, offset behind that record: where the last `read` ended, so that polling does not read the file again."""

    def read(self, after_seq: int = 0, limit: int | None = None, *, durable: bool = True) -> Iterator[Line]:
        """Lines with a number above `after_seq`, in order, at most `limit`.

        durable: hand out only what is on disk for good, so that nothing that left the node can be unmade by a power cut (one fdatasync of
        the newest file, when it has new lines, and of its name at first). Raises StorageError.
        """
        left = limit
        files = first_seqs(self._disk, self.folder)
        start = max(bisect_right(files, after_seq + 1) - 1, 0)
        for first_seq in files[start:]:
            for line in self._fresh_lines(first_seq, after_seq, sync=durable and first_seq == files[-1]):
                if left is not None:
                    if left == 0:
                        return
                    left -= 1
                yield line

    def since(self, utc_text: str) -> Iterator[Line]:
        """Lines from the first one on that was written at `utc_text` (RFC 3339, ms, Z) or later, with the undated ones just before it.

        Finds its file by binary search over the files' first lines, so a day out of months costs a day. Records are written after what
        they tell of: for footage from a moment on, ask for that moment. Raises StorageError.
        """
        undated: list[Line] = []
        lines = self.seek(lambda line: None if line.record.clock == "untrusted" else line.record.t, utc_text)
        for line in lines:
            if line.record.clock != "untrusted" and line.record.t >= utc_text:
                yield from undated
                yield line
                break
            if line.record.clock == "untrusted":
                undated.append(line)
            else:
                undated.clear()
        else:
            yield from undated
        yield from lines

    def seek(self, key: Callable[[Line], _Key | None], target: _Key) -> Iterator[Line]:
        """Lines from a file on that lies before `target` in an order the journal is (almost) written in: `key` gives a line's place, None
        where it has none. One file of slack, since records of a refusing disk are written late."""
        files = first_seqs(self._disk, self.folder)
        low, high = 0, len(files)
        while low < high:
            middle = (low + high) // 2
            first = self._first_key(files[middle:high], key)
            if first is None or first > target:
                high = middle
            else:
                low = middle + 1
        for first_seq in files[max(low - 2, 0) :]:
            yield from self._lines(first_seq)

    def back(self) -> Iterator[Line]:
        """Lines from the newest to the oldest; one file in memory at a time. Raises StorageError."""
        for first_seq in reversed(first_seqs(self._disk, self.folder)):
            yield from reversed(list(self._lines(first_seq)))

    def last(self, *, durable: bool = False) -> Line | None:
        """The newest record; reads the end of one file. durable: it is on disk for good when this returns, as in `read`. Raises
        StorageError."""
        for first_seq in reversed(first_seqs(self._disk, self.folder)):
            path = self.folder / file_name(first_seq)
            start = max(self._disk.stat(path).size - _HEAD_BYTES, 0)
            for raw in reversed(whole_lines(self._disk.read(path, start))):
                line = parse_line(raw)
                if line is not None:
                    if durable:
                        self._disk.sync(path)
                        self._disk.sync_dir(self.folder)
                    return line
        return None

    def epoch(self) -> str:
        """16 hex digits that tell this journal from another one of the same name; "" while it is empty."""
        return read_epoch(self._disk, self.folder, first_seqs(self._disk, self.folder))

    def verify(self) -> list[str]:
        """What breaks invariant 7, in words; [] when numbers and hashes are whole from the first file that exists."""
        return verify(self._disk, self.folder)

    def _lines(self, first_seq: int, length: int | None = None) -> Iterator[Line]:
        try:
            data = self._disk.read(self.folder / file_name(first_seq), 0, length)
        except NotFound:  # retired meanwhile
            return
        for raw in whole_lines(data):
            line = parse_line(raw)
            if line is not None:
                yield line

    def _fresh_lines(self, first_seq: int, after_seq: int, *, sync: bool) -> Iterator[Line]:
        """Lines above `after_seq` in one file; the place reached is remembered."""
        path = self.folder / file_name(first_seq)
        try:
            offset, data = self._from_place(path, first_seq, after_seq)
            if sync and b"\n" in data:
                self._disk.sync(path)
                if self._place[0] != first_seq:
                    self._disk.sync_dir(self.folder)
        except NotFound:  # retired meanwhile
            return
        for raw in whole_lines(data):
            offset += len(raw) + 1
            line = parse_line(raw)
            if line is not None and line.seq > after_seq:
                self._place = (first_seq, line.seq, offset)
                yield line

    def _from_place(self, path: Path, first_seq: int, after_seq: int) -> tuple[int, bytes]:
        """What follows record `after_seq`; the whole file where it is not known to end at the remembered place."""
        if self._place[:2] == (first_seq, after_seq):
            offset = self._place[2]
            data = self._disk.read(path, offset - 1)
            if data[:1] == b"\n":
                return offset, data[1:]
        return 0, self._disk.read(path)

    def _first_key(self, files: list[int], key: Callable[[Line], _Key | None]) -> _Key | None:
        """The first key at or behind the start of the first of `files`."""
        for first_seq in files:
            for length in (_HEAD_BYTES, None):
                for line in self._lines(first_seq, length):
                    found = key(line)
                    if found is not None:
                        return found
        return None
