"""All stored journals of all nodes, and the watermarks that follow from them. One process writes a folder at a time."""

from __future__ import annotations

import fcntl
import heapq
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.centre.files import decoded, line_of, stored_lines
from edge.centre.store import Counters, StoredJournal, Verdict
from edge.errors import IntegrityError, NotFound, StorageError, UsageError
from edge.host.disk import Disk
from edge.link.topics import is_level
from edge.messages.records import RECORD_MAX_BYTES, Record
from edge.messages.wire import Ack, Event, JournalGap, Watermark

log = logging.getLogger(__name__)

_EPOCH = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(r"(?P<journal>.+)\.(?P<epoch>[0-9a-f]{16})\.jsonl")
OPEN_MAX = 256


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """raw: the line as the node wrote it, without its newline."""

    node: str
    journal: str
    epoch: str
    record: Record
    raw: bytes


class FolderLock:
    """Held until closed or the process ends. Raises UsageError when another process has the folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._number = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._number)
            raise UsageError(f"{folder} is in use by another centre process", remedy="name another folder or stop the other one") from None

    def close(self) -> None:
        os.close(self._number)


class Archive:
    """One thread."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder
        self._lock = FolderLock(folder)
        self._open: dict[tuple[str, str, str], StoredJournal] = {}
        self._marks: dict[str, dict[str, Watermark]] = {}
        self._counters: dict[tuple[str, str, str], Counters] = {}
        self._touched: set[tuple[str, str, str]] = set()
        self._told: set[str] = set()
        for node, journal, epoch, _ in journal_files(folder):
            self._look_at(node, journal, epoch)

    def close(self) -> None:
        for journal in self._open.values():
            journal.close()
        self._open.clear()
        self._lock.close()

    def expect(self, node: str, journals: dict[str, str]) -> None:
        """The node says these journals are in force (name -> epoch): their watermarks are told even where nothing is stored yet."""
        for name, epoch in journals.items():
            if is_level(name) and _EPOCH.fullmatch(epoch):
                self._look_at(node, name, epoch)
        self._told.add(node)

    def offer(self, node: str, event: Event) -> tuple[Verdict, StoredEvent] | None:
        """None for an event that is not taken: names that are no names, a record that is none, a disk that refuses (then the file is mended
        next time, and the record comes again). Raises msgspec.DecodeError for a record that does not read."""
        raw = bytes(event.record)
        if not _fits(node, event) or len(raw) > RECORD_MAX_BYTES or b"\n" in raw:
            log.warning("%s: an event that is none, dropped", node)
            return None
        record = msgspec.json.decode(raw, type=Record)
        try:
            verdict = self._touch(node, event.journal, event.epoch).offer(raw, record)
        except (StorageError, IntegrityError) as error:
            self._failed((node, event.journal, event.epoch), error)
            return None
        return verdict, StoredEvent(node, event.journal, event.epoch, record, raw)

    def offer_gap(self, node: str, gap: JournalGap) -> Verdict | None:
        """None as for `offer`."""
        if not _fits(node, gap) or not 0 < gap.from_seq <= gap.to_seq:
            log.warning("%s: a gap that is none, dropped", node)
            return None
        try:
            return self._touch(node, gap.journal, gap.epoch).offer_gap(gap)
        except (StorageError, IntegrityError) as error:
            self._failed((node, gap.journal, gap.epoch), error)
            return None

    def line(self, node: str, name: str, epoch: str, seq: int) -> bytes | None:
        """The stored record of that number, verbatim; None where there is none, or it cannot be read (then it is logged)."""
        try:
            return line_of(self._disk, journal_path(self._folder, node, name, epoch), seq)
        except NotFound:
            return None
        except (StorageError, IntegrityError) as error:
            log.error("journal %s of %s, record %d: %s", name, node, seq, error)
            return None

    def upto(self, node: str, name: str, epoch: str) -> int:
        """Everything up to it is accounted for; 0 for a life of a journal of which nothing came."""
        journal = self._open.get((node, name, epoch))
        if journal is not None:
            return journal.upto
        known = self._counters.get((node, name, epoch))
        return known.stored + known.missing if known is not None else 0

    def sync(self) -> dict[str, Ack]:
        """Makes what was offered durable; the new watermarks of the nodes concerned. A journal whose disk refuses keeps its watermark."""
        nodes = set(self._told)
        for key in list(self._touched):
            try:
                self._open[key].sync()
            except StorageError as error:
                self._failed(key, error)
            else:
                self._mark(key)
                nodes.add(key[0])
        self._touched.clear()
        self._told.clear()
        return {node: self.ack(node) for node in nodes}

    def _look_at(self, node: str, name: str, epoch: str) -> None:
        """One journal that cannot be opened does not stop the others."""
        try:
            self._journal(node, name, epoch)
        except (StorageError, IntegrityError) as error:
            self._failed((node, name, epoch), error)

    def _failed(self, key: tuple[str, str, str], error: StorageError | IntegrityError) -> None:
        """The file is opened anew (and mended) next time; the watermark stays."""
        log.error("journal %s of %s is not stored: %s", key[1], key[0], error)
        self._touched.discard(key)
        journal = self._open.pop(key, None)
        if journal is not None:
            journal.close()

    def durable(self, event: StoredEvent) -> bool:
        mark = self._marks.get(event.node, {}).get(event.journal)
        return mark is not None and mark.epoch == event.epoch and mark.upto >= event.record.seq

    def ack(self, node: str, *, resend: bool = False) -> Ack:
        """The watermarks as last made durable. resend: asks for everything after them again."""
        marks = self._marks.get(node, {})
        return Ack(watermarks={name: msgspec.structs.replace(mark, resend=resend or mark.resend) for name, mark in marks.items()})

    def nodes(self) -> list[str]:
        return sorted(self._marks)

    def counters(self) -> dict[tuple[str, str, str], Counters]:
        """(node, journal, epoch) -> what was stored, missed, dropped. duplicates and ahead count since this process opened the journal."""
        return dict(self._counters) | {key: journal.counters for key, journal in self._open.items()}

    def _journal(self, node: str, name: str, epoch: str) -> StoredJournal:
        key = (node, name, epoch)
        journal = self._open.pop(key, None)
        if journal is None:
            journal = StoredJournal(self._disk, self._folder / "nodes" / node / "journal", name, epoch)
        self._open[key] = journal
        if name not in self._marks.get(node, {}) or self._marks[node][name].epoch != epoch:
            self._mark(key)
        self._shed()
        return journal

    def _shed(self) -> None:
        """Closes the journals that were not used for the longest time and wait for nothing."""
        if len(self._open) > OPEN_MAX:
            for key in [each for each in self._open if each not in self._touched][: len(self._open) - OPEN_MAX]:
                journal = self._open.pop(key)
                self._counters[key] = journal.counters
                journal.close()

    def _touch(self, node: str, name: str, epoch: str) -> StoredJournal:
        self._touched.add((node, name, epoch))
        return self._journal(node, name, epoch)

    def _mark(self, key: tuple[str, str, str]) -> None:
        node, name, epoch = key
        journal = self._open[key]
        self._marks.setdefault(node, {})[name] = Watermark(epoch=epoch, upto=journal.upto, resend=journal.take_hole())


def journal_path(folder: Path, node: str, name: str, epoch: str) -> Path:
    """Where the records of one life of a journal are."""
    return folder / "nodes" / node / "journal" / f"{name}.{epoch}.jsonl"


def _fits(node: str, message: Event | JournalGap) -> bool:
    """Whether its names may become file names."""
    return message.node == node and is_level(message.journal) and _EPOCH.fullmatch(message.epoch) is not None


def journal_files(folder: Path, node: str = "*") -> Iterator[tuple[str, str, str, Path]]:
    for path in sorted((folder / "nodes").glob(f"{node}/journal/*.jsonl"), key=lambda each: (each.stat().st_mtime_ns, each)):
        match = _FILE.fullmatch(path.name)
        if match is not None and not path.name.endswith(".notes.jsonl"):
            yield path.parent.parent.name, match["journal"], match["epoch"], path


def stored_nodes(folder: Path) -> list[str]:
    """Nodes of which anything is stored."""
    return sorted(path.name for path in (folder / "nodes").glob("*") if path.is_dir())


def stored_journals(folder: Path, node: str) -> Iterator[tuple[str, str, Path]]:
    """(journal, epoch, file) of a node, the life written to last at the end."""
    return ((name, epoch, path) for owner, name, epoch, path in journal_files(folder, node) if owner == node)


def stored_events(disk: Disk, folder: Path, node: str | None = None, journal: str | None = None) -> Iterator[StoredEvent]:
    """All stored records, by the nodes' time (each journal in its own order). Any process may read; memory does not grow with the
    archive."""
    streams = [_stream(disk, *file) for file in journal_files(folder) if node in (None, file[0]) and journal in (None, file[1])]
    return heapq.merge(*streams, key=lambda event: event.record.t)


def _stream(disk: Disk, node: str, journal: str, epoch: str, path: Path) -> Iterator[StoredEvent]:
    """A damaged line is told and left out: what stands around it is shown."""
    for _, raw in stored_lines(disk, path):
        try:
            record = decoded(raw, Record, path)
        except IntegrityError as error:
            log.error("%s", error)
        else:
            yield StoredEvent(node, journal, epoch, record, raw)
