"""The centre's copy of the nodes' journals: verbatim lines, in order, proven to be whole.

    <folder>/nodes/<node>/journal/<journal>.<epoch>.jsonl         the records, byte for byte as the node wrote them
    <folder>/nodes/<node>/journal/<journal>.<epoch>.notes.jsonl   what the centre has to say about them: gaps, breaks of the chain

A record is stored only when its number follows the last one's; a duplicate is dropped, a later one too (the node sends again). So the
file is contiguous by construction, and `prev` of each record is compared with the hash of the line before it.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from edge.centre.files import decoded, exists, line_of, mend, opened
from edge.host.disk import Disk, File
from edge.messages.records import Record
from edge.messages.wire import JournalGap

log = logging.getLogger(__name__)

FIRST_PREV = "0" * 64
Verdict = Literal["stored", "broken", "duplicate", "ahead", "conflict"]
"""broken: stored, although it does not continue the record before it. conflict: another record with its number is stored."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """kind: gap (records from_seq..to_seq will never come; `text` says why), chain (from_seq's `prev` is not the hash of the line
    before it), conflict (a second, different record with a number that is stored already)."""

    kind: Literal["gap", "chain", "conflict"]
    from_seq: int
    to_seq: int
    text: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """stored: records in the file. missing: records a gap notice stands for. duplicates and ahead: messages dropped (harmless).
    breaks, conflicts: evidence does not add up."""

    stored: int = 0
    missing: int = 0
    duplicates: int = 0
    ahead: int = 0
    breaks: int = 0
    conflicts: int = 0


class StoredJournal:
    """One life (epoch) of one journal. `upto`: everything up to it is accounted for. One thread. Raises StorageError; IntegrityError for
    files that are damaged."""

    def __init__(self, disk: Disk, folder: Path, name: str, epoch: str) -> None:
        self.name, self.epoch = name, epoch
        self._disk = disk
        self._path = folder / f"{name}.{epoch}.jsonl"
        self._notes_path = folder / f"{name}.{epoch}.notes.jsonl"
        disk.mkdir(folder)
        last = mend(disk, self._path)
        mend(disk, self._notes_path)
        self.upto, self._last_sha256 = 0, FIRST_PREV
        if last is not None:
            self.upto, self._last_sha256 = decoded(last, Record, self._path).seq, hashlib.sha256(last).hexdigest()
        notes = read_notes(disk, self._notes_path)
        for note in notes:
            if note.kind == "gap" and note.to_seq > self.upto:
                self.upto, self._last_sha256 = note.to_seq, note.sha256
        missing = sum(note.to_seq - note.from_seq + 1 for note in notes if note.kind == "gap")
        breaks = sum(note.kind == "chain" for note in notes)
        self._counts = {"missing": missing, "breaks": breaks, "conflicts": sum(note.kind == "conflict" for note in notes)}
        self._counts |= {"stored": self.upto - missing, "duplicates": 0, "ahead": 0}
        self._recent: dict[int, str] = {}
        self._hole = False
        self._file: File | None = None
        self._notes_file: File | None = None

    @property
    def counters(self) -> Counters:
        return Counters(**self._counts)

    def offer(self, raw: bytes, record: Record) -> Verdict:
        """Durable only after `sync`. Raises StorageError."""
        sha256 = hashlib.sha256(raw).hexdigest()
        if record.seq <= self.upto:
            return self._again(record.seq, sha256)
        if record.seq > self.upto + 1:
            return self._ahead()
        continues = not self._last_sha256 or record.prev == self._last_sha256
        if not continues:
            self._note(Note(kind="chain", from_seq=record.seq, to_seq=record.seq, text="prev is not the hash of the record before it"))
            self._counts["breaks"] += 1
        if self._file is None:
            self._file = opened(self._disk, self._path)
        self._file.write(raw, b"\n")
        self._counts["stored"] += 1
        self._moved(record.seq, sha256)
        return "stored" if continues else "broken"

    def line(self, seq: int) -> bytes | None:
        """The stored record of that number; None where there is none (not yet, or a gap stands for it). Raises StorageError,
        IntegrityError."""
        return line_of(self._disk, self._path, seq) if exists(self._disk, self._path) else None

    def offer_gap(self, gap: JournalGap) -> Verdict:
        """Takes the place of the missing records in the order."""
        if gap.to_seq <= self.upto:
            self._counts["duplicates"] += 1
            return "duplicate"
        if gap.from_seq > self.upto + 1:
            return self._ahead()
        first = self.upto + 1
        self._note(Note(kind="gap", from_seq=first, to_seq=gap.to_seq, text=gap.why, sha256=gap.sha256))
        self._counts["missing"] += gap.to_seq - first + 1
        self._moved(gap.to_seq, gap.sha256)
        return "stored"

    def sync(self) -> None:
        """After it returns, `upto` may be told to the node."""
        for file in (self._file, self._notes_file):
            if file is not None:
                file.fdatasync()

    def close(self) -> None:
        for file in (self._file, self._notes_file):
            if file is not None:
                file.close()
        self._file = self._notes_file = None

    def take_hole(self) -> bool:
        """Whether a record came that could not be taken since an earlier one is missing; asked once, then forgotten."""
        hole, self._hole = self._hole, False
        return hole

    def _ahead(self) -> Verdict:
        self._counts["ahead"] += 1
        self._hole = True
        return "ahead"

    def _again(self, seq: int, sha256: str) -> Verdict:
        self._counts["duplicates"] += 1
        if seq not in self._recent:
            raw = self.line(seq)
            if raw is None:
                return "duplicate"
            self._remember(seq, hashlib.sha256(raw).hexdigest())
        if self._recent[seq] == sha256:
            return "duplicate"
        self._counts["conflicts"] += 1
        self._note(Note(kind="conflict", from_seq=seq, to_seq=seq, text="another record with this number", sha256=sha256))
        return "conflict"

    def _moved(self, seq: int, sha256: str) -> None:
        self.upto, self._last_sha256 = seq, sha256
        if sha256:
            self._remember(seq, sha256)

    def _remember(self, seq: int, sha256: str) -> None:
        self._recent[seq] = sha256
        if len(self._recent) > 1024:
            del self._recent[next(iter(self._recent))]

    def _note(self, note: Note) -> None:
        log.warning("journal %s (%s): %s at %d-%d: %s", self.name, self.epoch, note.kind, note.from_seq, note.to_seq, note.text)
        if self._notes_file is None:
            self._notes_file = opened(self._disk, self._notes_path)
        self._notes_file.write(msgspec.json.encode(note), b"\n")


def read_notes(disk: Disk, path: Path) -> list[Note]:
    if not exists(disk, path):
        return []
    return [decoded(line, Note, path) for line in disk.read(path).split(b"\n")[:-1]]
