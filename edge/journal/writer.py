"""The one writer of a journal: each record is on disk when `append` returns.

What a failed write or fsync left behind is unknown - Linux marks the pages clean and reports success the next time - so after a refusal
the writer reads the disk again, cuts the file back to the last record that was synced and writes anew. A line that readers may have
seen whole is put back with the same bytes while this process lives: the centre does not meet two records of one number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import msgspec

from edge.clock import NS_PER_MS, Clock, Reading, format_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk, File
from edge.journal.line import chain_hash, file_name, first_seqs, parse_line, read_epoch, whole_lines
from edge.journal.retire import retire
from edge.journal.tail import BATCH_BYTES, Tail, read_tail
from edge.messages.records import RECORD_MAX_BYTES, TYPE_OF, Facts, Record

_log = logging.getLogger(__name__)

AHEAD_BYTES = 128 * 1024
"""Reserved behind the last record, some 200 records: on a disk that others have filled, the journal still says what was erased and why."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Records written with one sync. before: the chain they continue. raw: their lines, each with its newline."""

    before: Tail
    records: list[Record]
    raw: bytes

    @property
    def first_line(self) -> bytes:
        return self.raw[: self.raw.index(b"\n") + 1]


class JournalWriter:
    """Any thread may append; exactly one process per folder."""

    def __init__(
        self, disk: Disk, folder: Path, clock: Clock, boot: str, rotate_bytes: int = 1 << 20, ahead_bytes: int = AHEAD_BYTES
    ) -> None:
        self.folder = folder
        self.refusals = 0
        """How often the disk refused since the start: for health."""
        self.refusing = False
        """The newest record could not be written."""
        self._disk = disk
        self._clock = clock
        self._boot = boot
        self._rotate_bytes = rotate_bytes
        self._ahead_bytes = ahead_bytes
        self._lock = Lock()
        self._file: File | None = None
        self._reserved_bytes = 0
        """Of the open file, from its start."""
        self._tail: Tail | None = None
        self._is_settled = False
        self._attempt: _Attempt | None = None
        self._owed: _Attempt | None = None

    @property
    def boot(self) -> str:
        """The boot id its records carry."""
        return self._boot

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
        return self.append_all([facts], camera, reading)[0]

    def append_all(self, facts: Sequence[Facts], camera: str | None = None, reading: Reading | None = None) -> list[Record]:
        """Several records at the price of few syncs: one per 32 KiB. Raises as `append`; what was synced before a refusal stays."""
        with self._lock:
            moment = reading or self._clock.read()
            written: list[Record] = []
            self.refusing = True
            while len(written) < len(facts):
                written += self._append_or_raise(facts[len(written) :], camera, moment)
            self.refusing = False
            return written

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

    def _append_or_raise(self, facts: Sequence[Facts], camera: str | None, reading: Reading) -> list[Record]:
        try:
            return self._append(facts, camera, reading)
        except StorageError as refused:
            self.refusals += 1
            _log.warning("%s: the disk refused a record, trying again: %s", self.folder, refused)
        try:
            return self._append(facts, camera, reading)
        except StorageError:
            self.refusals += 1
            self._cut_at_once()
            raise

    def _append(self, facts: Sequence[Facts], camera: str | None, reading: Reading) -> list[Record]:
        """As many as go with one sync."""
        put_back = self._settle()
        if put_back is not None and _compose(put_back.before, facts, camera, reading, self._boot).raw == put_back.raw:
            return put_back.records
        attempt = _compose(self._known(), facts, camera, reading, self._boot)
        self._write(attempt)
        return attempt.records

    def _write(self, attempt: _Attempt) -> None:
        self._is_settled = False
        self._attempt = attempt
        tail, file = self._known(), self._file
        if file is None or tail.first_seq is None or self._is_long_enough(tail):
            if file is not None:
                file.truncate(tail.good_bytes)
            self._let_go()
            first_seq = attempt.records[0].seq
            file = self._file = self._disk.create(self.folder / file_name(first_seq))
            tail = self._tail = Tail(tail.last_seq, tail.head, first_seq)
        self._reserve(file, tail.good_bytes + len(attempt.raw))
        file.write(attempt.raw)
        file.fdatasync()
        if tail.good_bytes == 0:
            self._disk.sync_dir(self.folder)
        last = attempt.raw[attempt.raw.rfind(b"\n", 0, -1) + 1 : -1]
        self._tail = Tail(attempt.records[-1].seq, chain_hash(last), tail.first_seq, tail.good_bytes + len(attempt.raw))
        self._attempt = None
        self._is_settled = True

    def _is_long_enough(self, tail: Tail) -> bool:
        """A full disk has no room for a new file; the old one has a reserve."""
        if tail.good_bytes < self._rotate_bytes:
            return False
        return tail.good_bytes >= 2 * self._rotate_bytes or self._disk.space(self.folder).free_bytes >= self._ahead_bytes

    def _reserve(self, file: File, end_bytes: int) -> None:
        """Without a reserve a record is written all the same, as long as there is room."""
        if self._ahead_bytes == 0 or end_bytes + self._ahead_bytes // 2 <= self._reserved_bytes:
            return
        try:
            file.reserve(end_bytes + self._ahead_bytes)
        except StorageError as refused:
            _log.debug("%s: no room is reserved: %s", self.folder, refused)
        else:
            self._reserved_bytes = end_bytes + self._ahead_bytes

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
            self._keep_torn(tail)
            self._reopen(tail)
        for first_seq in first_seqs(self._disk, self.folder)[-2:]:
            self._disk.sync(self.folder / file_name(first_seq))
        self._disk.sync_dir(self.folder)
        self._tail = tail

    def _keep_torn(self, tail: Tail) -> None:
        """A torn line is cut; whole lines behind damage are set aside first: a power cut leaves them seldom, a hand more often."""
        if not tail.torn:
            return
        _log.warning("%s: %d torn bytes are cut after record %d", self.folder, len(tail.torn), tail.last_seq)
        if any(parse_line(raw) for raw in whole_lines(tail.torn)):
            self._disk.replace(self.folder / f"{tail.last_seq + 1:012d}.torn", tail.torn)

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
            return self._disk.read(self.folder / file_name(tail.first_seq), tail.good_bytes).startswith(attempt.first_line)
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
        self._reserved_bytes = 0
        if file is not None:
            file.close()

    def _known(self) -> Tail:
        assert self._tail is not None
        return self._tail


def _compose(tail: Tail, facts: Sequence[Facts], camera: str | None, reading: Reading, boot: str) -> _Attempt:
    """The first record, and as many more as fit into one batch."""
    records: list[Record] = []
    lines: list[bytes] = []
    size, head = 0, tail.head
    for each in facts:
        record = Record(
            seq=tail.last_seq + 1 + len(records),
            t=format_utc(reading.utc_ns),
            clock=reading.state,
            mono_ms=reading.boot_ns // NS_PER_MS,
            boot=boot,
            type=TYPE_OF[type(each)],
            camera=camera,
            facts=msgspec.Raw(msgspec.json.encode(each)),
            prev=head,
        )
        raw = msgspec.json.encode(record)
        if len(raw) > RECORD_MAX_BYTES:
            raise ValueError(f"a {record.type} record of {len(raw)} bytes: at most {RECORD_MAX_BYTES}")
        if records and size + len(raw) + 1 > BATCH_BYTES:
            break
        records.append(record)
        lines.append(raw)
        size += len(raw) + 1
        head = chain_hash(raw)
    return _Attempt(tail, records, b"\n".join(lines) + b"\n")
