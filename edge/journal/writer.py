"""The one writer of a journal: each record is on disk when `append` returns.

What a failed write or fsync left behind is unknown - Linux marks the pages clean and reports success the next time - so after a refusal
the writer reads the disk again, cuts the file back to the last record that was synced and writes anew. A line that readers may have
seen whole is put back with the same bytes: the centre never meets two records of one number.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import msgspec

from edge.clock import NS_PER_MS, Clock, Reading, format_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk, File
from edge.journal.line import chain_hash, file_name, first_seqs, read_epoch
from edge.journal.retire import retire
from edge.journal.tail import Tail, read_tail
from edge.messages.records import RECORD_MAX_BYTES, TYPE_OF, Facts, Record

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A record that was tried; whether it reached the disk is not known."""

    record: Record
    raw: bytes

    def says_the_same_as(self, other: _Attempt) -> bool:
        """The same facts of the same moment, whatever their place in the chain."""
        moved = msgspec.structs.replace(self.record, seq=other.record.seq, prev=other.record.prev)
        return msgspec.json.encode(moved) == other.raw


class JournalWriter:
    """Any thread may append; exactly one process per folder."""

    def __init__(self, disk: Disk, folder: Path, clock: Clock, boot: str, rotate_bytes: int = 1 << 20) -> None:
        self.folder = folder
        self.refusals = 0
        """How often the disk refused since the start: for health."""
        self._disk = disk
        self._clock = clock
        self._boot = boot
        self._rotate_bytes = rotate_bytes
        self._lock = Lock()
        self._file: File | None = None
        self._tail: Tail | None = None
        self._is_settled = False
        self._attempt: _Attempt | None = None
        self._owed: _Attempt | None = None

    @property
    def last_seq(self) -> int:
        return self._tail.last_seq if self._tail else 0

    @property
    def epoch(self) -> str:
        """16 hex digits of the first line's hash; "" while the journal is empty."""
        return read_epoch(self._disk, self.folder, first_seqs(self._disk, self.folder))

    def open(self) -> None:
        """Find the end of the chain and cut a torn last line. Raises StorageError; `append` tries again by itself."""
        with self._lock:
            self._settle()

    def append(self, facts: Facts, camera: str | None = None, reading: Reading | None = None) -> Record:
        """Write one record and sync it. `reading`: the moment it speaks of, now if None.

        Raises StorageError when the disk refuses twice in a row: the chain is whole, and the record is not in it - or, where readers may
        have seen it, is put back by the next append, which recognises the same facts of the same moment. Raises ValueError for a record
        over 32 KiB.
        """
        with self._lock:
            moment = reading or self._clock.read()
            try:
                return self._append(facts, camera, moment)
            except StorageError as refused:
                self.refusals += 1
                _log.warning("%s: the disk refused a record, trying again: %s", self.folder, refused)
            try:
                return self._append(facts, camera, moment)
            except StorageError:
                self.refusals += 1
                self._cut_at_once()
                raise

    def close(self) -> None:
        with self._lock:
            self._let_go()
            self._is_settled = False

    def retire(self, before_utc: str) -> list[str]:
        """Remove whole files, oldest first, whose records are all older than `before_utc` (RFC 3339, ms, Z); their names.

        The newest file stays, and so does the epoch; the chain is then checked from the first line that is left. That the clock is
        trusted is the caller's part. Raises StorageError."""
        with self._lock:
            return retire(self._disk, self.folder, before_utc)

    def _append(self, facts: Facts, camera: str | None, reading: Reading) -> Record:
        put_back = self._settle()
        tail = self._known()
        attempt = _compose(tail, facts, camera, reading, self._boot)
        if put_back is not None and attempt.says_the_same_as(put_back):
            return put_back.record
        self._write(attempt)
        return attempt.record

    def _write(self, attempt: _Attempt) -> None:
        self._is_settled = False
        self._attempt = attempt
        tail, file = self._known(), self._file
        if file is None or tail.first_seq is None or tail.good_bytes >= self._rotate_bytes:
            self._let_go()
            file = self._file = self._disk.create(self.folder / file_name(attempt.record.seq))
            tail = self._tail = Tail(tail.last_seq, tail.head, attempt.record.seq)
        file.write(attempt.raw, b"\n")
        file.fdatasync()
        if tail.good_bytes == 0:
            self._disk.sync_dir(self.folder)
        self._tail = Tail(attempt.record.seq, chain_hash(attempt.raw), tail.first_seq, tail.good_bytes + len(attempt.raw) + 1)
        self._attempt = None
        self._is_settled = True

    def _settle(self) -> _Attempt | None:
        """Make the file end where the chain is known to end, and put back a line readers may have seen: that line, if there was one."""
        if self._is_settled:
            return None
        if self._tail is None:
            self._find_end()
        else:
            self._cut_back(self._tail)
        owed = self._owed
        if owed is not None:
            self._write(owed)
            self._owed = None
        self._is_settled = True
        return owed

    def _find_end(self) -> None:
        """First look at the journal in this process. What is there may still be in memory only, left by a process that was killed."""
        self._disk.mkdir(self.folder)
        tail = read_tail(self._disk, self.folder)
        if tail.first_seq is not None:
            if tail.torn_bytes:
                _log.warning("%s: %d bytes of a torn last line are cut after record %d", self.folder, tail.torn_bytes, tail.last_seq)
            self._reopen(tail)
        for first_seq in first_seqs(self._disk, self.folder)[-2:]:
            self._disk.sync(self.folder / file_name(first_seq))
        self._disk.sync_dir(self.folder)
        self._tail = tail

    def _cut_back(self, tail: Tail) -> None:
        """After a refusal: what is on disk behind the last synced record goes; whether readers may have seen it is remembered."""
        if self._attempt is not None and self._may_be_seen(self._attempt, tail):
            self._owed = self._attempt
        if tail.first_seq is not None:
            self._reopen(tail)
        self._attempt = None

    def _may_be_seen(self, attempt: _Attempt, tail: Tail) -> bool:
        if tail.first_seq is None:
            return False
        try:
            return self._disk.read(self.folder / file_name(tail.first_seq), tail.good_bytes).startswith(attempt.raw + b"\n")
        except NotFound:
            return False

    def _reopen(self, tail: Tail) -> None:
        assert tail.first_seq is not None
        self._let_go()
        file = self._disk.append(self.folder / file_name(tail.first_seq))
        try:
            if file.size() != tail.good_bytes:
                file.truncate(tail.good_bytes)
        except StorageError:
            file.close()
            raise
        self._file = file

    def _cut_at_once(self) -> None:
        """A line that could not be synced must not be found by the next process as if it had been."""
        try:
            if self._tail is not None:
                self._cut_back(self._tail)
        except StorageError as refused:
            _log.error("%s: the end of the journal is unknown until the disk answers: %s", self.folder, refused)

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _known(self) -> Tail:
        assert self._tail is not None
        return self._tail


def _compose(tail: Tail, facts: Facts, camera: str | None, reading: Reading, boot: str) -> _Attempt:
    record = Record(
        seq=tail.last_seq + 1,
        t=format_utc(reading.utc_ns),
        clock=reading.state,
        mono_ms=reading.boot_ns // NS_PER_MS,
        boot=boot,
        type=TYPE_OF[type(facts)],
        camera=camera,
        facts=msgspec.Raw(msgspec.json.encode(facts)),
        prev=tail.head,
    )
    raw = msgspec.json.encode(record)
    if len(raw) > RECORD_MAX_BYTES:
        raise ValueError(f"a {record.type} record of {len(raw)} bytes: at most {RECORD_MAX_BYTES}")
    return _Attempt(record, raw)
