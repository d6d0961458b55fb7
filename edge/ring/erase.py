"""Carrying out what retention decided, so that every missing segment is explained whatever interrupts it.

A segment is claimed (renamed into erasing/, the decision in its name), recorded, and unlinked, in this order. The claim settles the race
with a hold: a hold that linked first is seen in the link count, one that was decided and did not link yet is seen when the holds are looked
at once more behind the claim, and both get the segment back; one that comes later finds it gone. Should the
journal refuse, the claimed file is emptied to make the room that was needed, and its name stays until it could be recorded.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol, get_args

from edge.clock import NS_PER_MS, format_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Erase, EraseReason, Segment
from edge.ring.names import RingFolder, SegmentName
from edge.ring.recall import SegmentRecords
from edge.ring.retain import Verdict

_log = logging.getLogger(__name__)

_BATCH = 64
_FAILURES = 8
_READ_BYTES = 1 << 20
_EARLY = "-early"


@dataclass(slots=True)
class Outcome:
    """held: claimed too late, a hold has them. failed: the disk refused, they are where they were or in erasing/."""

    erased: int = 0
    freed_bytes: int = 0
    held: int = 0
    failed: int = 0

    def add(self, other: Outcome) -> None:
        self.erased += other.erased
        self.freed_bytes += other.freed_bytes
        self.held += other.held
        self.failed += other.failed


@dataclass(frozen=True, slots=True)
class _Claim:
    why: str
    name: SegmentName

    @property
    def file(self) -> str:
        return f"{self.why}@{self.name.flat}"

    @property
    def reason(self) -> EraseReason:
        word = self.why.removesuffix(_EARLY)
        return next((reason for reason in get_args(EraseReason) if reason == word), "space")


class Holds(Protocol):
    """What holds claim, linked or not."""

    def look_again(self) -> None: ...

    def covers(self, name: SegmentName) -> bool: ...


class Eraser:
    """One thread, the one that writes the ring."""

    def __init__(self, disk: Disk, folder: RingFolder, journal: JournalWriter, camera: str, policy: str, holds: Holds) -> None:
        self._disk = disk
        self._holds = holds
        self._folder = folder
        self._ring = folder.root
        self._claimed = folder.root / "erasing"
        self._journal = journal
        self._camera = camera
        self._policy = policy
        self._segments = SegmentRecords(JournalReader(disk, journal.folder))
        self.unrecorded = True
        """There may be claims in erasing/ that `finish` should look at."""

    def erase(self, verdicts: Sequence[Verdict]) -> Outcome:
        """Raises StorageError when the disk refuses one segment after another; what was begun is ended by `finish`."""
        total = Outcome()
        for first in range(0, len(verdicts), _BATCH):
            total.add(self._erase_batch(verdicts[first : first + _BATCH]))
            if total.failed >= _FAILURES:
                raise StorageError(f"{self._ring}: {total.failed} segments could not be erased", remedy="look at the kernel log")
        return total

    def finish(self, recorded: Sequence[Erase]) -> None:
        """End what was interrupted. recorded: the newest Erase records of this journal. Raises StorageError; call again."""
        known = {erase.seq for erase in recorded}
        for erase in recorded:
            self._unlink_recorded(self._ring / erase.name)
        claims = [_Claim(why, name) for why, name in self._folder.claims()]
        unrecorded: list[tuple[_Claim, int]] = []
        for claim in claims:
            found = self._disk.stat(self._claimed / claim.file)
            if found.nlink > 1 or (found.size and claim.name.seq not in known and self._holds.covers(claim.name)):
                self._give_back(claim)
            elif claim.name.seq in known:
                self._disk.unlink(self._claimed / claim.file)
            else:
                unrecorded.append((claim, found.size))
        for first in range(0, len(unrecorded), _BATCH):
            group = unrecorded[first : first + _BATCH]
            self._journal.append_all([self._facts(claim, size) for claim, size in group], camera=self._camera)
            for claim, _ in group:
                self._disk.unlink(self._claimed / claim.file)
        if claims:
            self._disk.sync_dir(self._claimed)
        self.unrecorded = False

    def _erase_batch(self, verdicts: Sequence[Verdict]) -> Outcome:
        self._disk.mkdir(self._claimed)
        outcome = Outcome()
        claims: list[tuple[_Claim, int]] = []
        for verdict in verdicts:
            claim = _Claim(verdict.reason + (_EARLY if verdict.early else ""), verdict.stored.name)
            try:
                size = self._claim(claim, outcome)
            except StorageError as refused:
                _log.error("camera %s: segment %d cannot be erased: %s", self._camera, claim.name.seq, refused)
                outcome.failed += 1
                self.unrecorded = True
                continue
            if size is not None:
                claims.append((claim, size))
        self._end(self._unheld(claims, outcome), outcome)
        self._tidy({(self._ring / verdict.stored.name.path).parent for verdict in verdicts})
        return outcome

    def _claim(self, claim: _Claim, outcome: Outcome) -> int | None:
        """Take it out of the ring; its size, None where it is not to be had."""
        try:
            self._disk.rename(self._ring / claim.name.path, self._claimed / claim.file)
        except NotFound:
            return None
        found = self._disk.stat(self._claimed / claim.file)
        if found.nlink > 1:
            self._give_back(claim)
            outcome.held += 1
            return None
        return found.size

    def _unheld(self, claims: list[tuple[_Claim, int]], outcome: Outcome) -> list[tuple[_Claim, int]]:
        """Without those that a hold claims by now: one that was made before the claim, and did not link yet, finds its footage; one that
        is made from here on finds it gone, and does not count on it."""
        self.unrecorded, left_over = True, self.unrecorded
        self._holds.look_again()
        found: list[tuple[_Claim, int]] = []
        for claim, size in claims:
            if self._holds.covers(claim.name):
                self._give_back(claim)
                outcome.held += 1
            else:
                found.append((claim, size))
        self.unrecorded = left_over
        return found

    def _give_back(self, claim: _Claim) -> None:
        path = self._ring / claim.name.path
        self._disk.mkdir(path.parent)
        self._disk.rename(self._claimed / claim.file, path)
        self._disk.sync_dir(path.parent)

    def _end(self, claims: list[tuple[_Claim, int]], outcome: Outcome) -> None:
        if not claims:
            return
        left_over, self.unrecorded = self.unrecorded, True
        recorded = True
        try:
            self._journal.append_all([self._facts(claim, size) for claim, size in claims], camera=self._camera)
        except StorageError as refused:
            recorded = False
            _log.error("camera %s: erasures cannot be recorded yet, their names stay in erasing/: %s", self._camera, refused)
            self._disk.sync_dir(self._claimed)  # or a power cut could bring an emptied file back into the ring
        for claim, size in claims:
            if recorded:
                self._disk.unlink(self._claimed / claim.file)
            else:
                self._empty(claim)
            outcome.erased += 1
            outcome.freed_bytes += size
        self._disk.sync_dir(self._claimed)
        self.unrecorded = left_over or not recorded

    def _empty(self, claim: _Claim) -> None:
        file = self._disk.append(self._claimed / claim.file)
        try:
            file.truncate(0)
        finally:
            file.close()

    def _unlink_recorded(self, path: Path) -> None:
        """The record was written, the file came back with a power cut."""
        try:
            if self._disk.stat(path).nlink > 1:
                return
            self._disk.unlink(path)
        except NotFound:
            return
        self._disk.sync_dir(path.parent)

    def _facts(self, claim: _Claim, size: int) -> Erase:
        name = claim.name
        known = self._recorded(name.seq)
        if known is not None and size in (0, known.bytes):
            size, digest = known.bytes, known.sha256
        else:
            digest = self._hash(claim) if size else ""
        return Erase(
            seq=name.seq,
            name=name.path,
            start=None if name.start_utc_ms is None else format_utc(name.start_utc_ms * NS_PER_MS),
            end=None if name.end_utc_ms is None else format_utc(name.end_utc_ms * NS_PER_MS),
            bytes=size,
            sha256=digest,
            reason=claim.reason,
            policy=self._policy,
            early=claim.why.endswith(_EARLY),
        )

    def _recorded(self, seq: int) -> Segment | None:
        try:
            return self._segments.find(seq)
        except StorageError as refused:
            _log.error("camera %s: the record of segment %d cannot be read: %s", self._camera, seq, refused)
            return None

    def _hash(self, claim: _Claim) -> str:
        """ "" where the bytes cannot be read any more: that must not keep them on the disk."""
        try:
            return _sha256(self._disk, self._claimed / claim.file)
        except StorageError as refused:
            _log.error("camera %s: segment %d is erased without its hash: %s", self._camera, claim.name.seq, refused)
            return ""

    def _tidy(self, folders: Iterable[Path]) -> None:
        """The claims are durable, and folders that became empty go."""
        for path in folders:
            try:
                self._disk.sync_dir(path)
                self._disk.rmdir(path)
            except NotFound:
                continue
            except StorageError as refused:
                if refused.number not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise


def _sha256(disk: Disk, path: Path) -> str:
    digest, offset = sha256(), 0
    while part := disk.read(path, offset, _READ_BYTES):
        digest.update(part)
        offset += len(part)
    return digest.hexdigest()
