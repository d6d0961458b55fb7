"""After a power cut, a crash or a refusal of the disk: everything in open/ becomes a sealed segment, and nothing stays unrecorded.

Each step leaves a state from which the whole can be done again: a torn tail is cut, the index box written and synced, the Recover record
written, the file renamed, the Segment record written. A number whose file got no whole fragment is explained by its Recover record with
fragments = 0 before the empty file goes. A segment that was renamed but not recorded gets its record.
"""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from edge.bmff.index import SegmentIndex, encode_index
from edge.bmff.walk import Walk, walk
from edge.clock import NS_PER_MS, Clock
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.records import Recover, Segment
from edge.ring.gaps import missing_between
from edge.ring.history import History, read_history
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.ledger import Journal, Ledger
from edge.ring.names import RingFolder, SegmentName
from edge.ring.sealing import file_away, file_sha256, name_of, segment_facts

log = logging.getLogger(__name__)

_COMPLETED_AT_MOST = 16
"""Each lacking record costs reading a whole segment; more lack only when the journal itself was lost."""


def recover(disk: Disk, folders: NodeFolders, camera: str, clock: Clock, boot: str, journal: Journal) -> list[Recover]:
    """Run before anything else writes to the camera's ring. Raises StorageError when the disk or the journal refuses; call again later."""
    ledger = Ledger(journal, clock, camera)
    done = Leftovers(disk, folders, camera, boot, ledger).clear()
    if not ledger.flush(now=True):
        raise StorageError(f"camera {camera}: the journal refuses the records of the recovery")
    return done


class Leftovers:
    """What an earlier run, or an earlier refusal in this one, left unfinished. One thread."""

    def __init__(self, disk: Disk, folders: NodeFolders, camera: str, boot: str, ledger: Ledger) -> None:
        self.disk = disk
        self.folders = folders
        self.camera = camera
        self.boot = boot
        self.ledger = ledger
        self.ring = folders.ring(camera)
        self.folder = RingFolder(disk, self.ring)
        self._highest: int | None = None
        """Number in the ring's names, once all of them have been looked through."""
        self.trusted_bytes: dict[int, int] = {}
        """Of files that the disk refused to sync in this run: how far they are known to be on it. What lies behind may be in memory
        only - the kernel reports success the next time, whatever became of it - so it is cut, and written anew."""

    def history(self) -> History:
        """A journal that cannot be read, even twice, is no reason not to record: the ring's names still tell the numbers."""
        journal = JournalReader(self.disk, self.folders.journal(recorder_journal(self.camera)))
        try:
            return read_history(journal, self.boot)
        except StorageError:
            try:
                return read_history(journal, self.boot)
            except StorageError as refused:
                log.error("camera %s: the journal cannot be read: %s", self.camera, refused)
                return History(ended="crash", readable=False)

    def clear(self, spare: int | None = None) -> list[Recover]:
        """Finish everything. spare: a number in open/ that is not to be touched. Raises StorageError after trying every file."""
        history = self.history()
        done: list[Recover] = []
        refusals: list[StorageError] = []
        for seq in self.folder.opened():
            if seq == spare:
                continue
            try:
                done += self._finish(seq, history)
            except StorageError as refused:
                log.error("camera %s: segment %d cannot be recovered yet: %s", self.camera, seq, refused)
                refusals.append(refused)
        self._complete_records(history)
        if refusals:
            raise refusals[0]
        return done

    def _finish(self, seq: int, history: History) -> list[Recover]:
        path = self.folders.open(self.camera) / f"{seq:09d}.mp4"
        on_disk = self.disk.stat(path).size
        size = min(on_disk, self.trusted_bytes.get(seq, on_disk))
        read = PatientRead(self.disk, path, size)
        found = walk(read, size, camera=self.camera)
        if found.index.fragments or read.refused:
            return self._seal(path, seq, found, on_disk if read.refused else found.good_end, on_disk, history)
        fact = Recover(seq=seq, kept_bytes=0, cut_bytes=on_disk, fragments=0, boot=found.index.boot)
        done = self._record(fact, history)
        if not self.ledger.flush(now=True):
            raise StorageError(f"{path}: the journal refuses the record that explains its number, so it stays")
        self.disk.unlink(path)
        self.disk.sync_dir(path.parent)
        log.warning("camera %s: segment %d had no whole fragment (%d bytes)", self.camera, seq, on_disk)
        return done

    def _seal(self, path: Path, seq: int, found: Walk, end: int, on_disk: int, history: History) -> list[Recover]:
        """`end`: where the torn tail begins. What could not be read is not torn: it may be readable another day, and stays."""
        if not found.index.fragments:
            raise StorageError(f"{path}: cannot be read", number=errno.EIO)
        try:
            kept, digest = self._close_file(path, found, end)
        except StorageError:
            self.trusted_bytes[seq] = min(found.good_end, self.trusted_bytes.get(seq, found.good_end))
            raise
        self.trusted_bytes.pop(seq, None)
        cut = 0 if found.sealed else on_disk - end
        fact = Recover(seq=seq, kept_bytes=kept, cut_bytes=cut, fragments=len(found.index.fragments), boot=found.index.boot)
        name = name_of(found.index)
        done = self._record(fact, history)
        file_away(self.disk, self.ring, path, name)
        self._segment(segment_facts(found.index, name, kept, digest, _span(found.index, history)), history)
        log.warning("camera %s: segment %d recovered: %d fragments, %d bytes cut", self.camera, seq, fact.fragments, cut)
        return done

    def _close_file(self, path: Path, found: Walk, end: int) -> tuple[int, str]:
        """Cut the torn tail at `end` and put the index box there; (size, SHA-256) of the file, which is on the disk now."""
        file = self.disk.append(path)
        try:
            if not found.sealed:
                file.truncate(end)
                file.write(encode_index(found.index))
            size = file.size()
            file.truncate(size)
            file.fsync()
        finally:
            file.close()
        return size, self._digest(path, size)

    def _digest(self, path: Path, size: int) -> str:
        """ "" where a part of the file cannot be read any more: the rest is worth a name all the same."""
        for attempt in (1, 2):
            try:
                return file_sha256(self.disk, path, size)
            except StorageError as refused:
                if refused.number != errno.EIO:
                    raise
                if attempt == 2:
                    log.error("%s: cannot be read to its end: %s", path, refused)
        return ""

    def _record(self, fact: Recover, history: History) -> list[Recover]:
        """Once only, however often the work is begun anew."""
        if fact.seq not in history.recovered:
            history.recovered.add(fact.seq)
            self.ledger.put(fact)
        return [fact]

    def _segment(self, facts: Segment, history: History) -> None:
        """Its record, and those of the holes around it which nobody lived to write."""
        before, after = history.around(facts.seq)
        pairs = [(first, second) for first, second in ((before, facts), (facts, after)) if first is not None and second is not None]
        for first, second in pairs:
            if gap := missing_between(first, second, history.gaps.get(first.seq)):
                self.ledger.put(gap)
        self.ledger.put(facts)
        history.segments[facts.seq] = facts

    def _complete_records(self, history: History) -> None:
        """Segments that were renamed, but whose record was not written any more."""
        oldest_seen = min(history.segments, default=0) if history.readable else 1 << 62
        known = history.segments.keys() | history.erased
        lacking: list[SegmentName] = []
        highest = 0
        for name in self.folder.all():
            highest = max(highest, name.seq)
            if name.seq > oldest_seen and name.seq not in known:
                lacking.append(name)
        self._highest = highest
        lacking.sort(key=lambda name: name.seq)
        if len(lacking) > _COMPLETED_AT_MOST:
            log.error("camera %s: %d segments have no record; only the newest %d get one", self.camera, len(lacking), _COMPLETED_AT_MOST)
        for name in lacking[-_COMPLETED_AT_MOST:]:
            path = self.ring / name.path
            try:
                size = self.disk.stat(path).size
                index = walk(PatientRead(self.disk, path, size), size, camera=self.camera).index
                digest = self._digest(path, size)
            except NotFound:
                continue
            if index.fragments:
                self._segment(segment_facts(index, name, size, digest, _span(index, history)), history)

    def next_seq(self) -> int:
        """Behind every number that was ever used, as far as ring and journal know."""
        in_ring = self._highest
        if in_ring is None:
            in_ring = max((name.seq for name in self.folder.all()), default=0)
        erasing = (name.seq for name in self.folder.erasing())
        return max(in_ring, *self.folder.opened(), *erasing, self.history().last_seq) + 1


class PatientRead:
    """Reads up to `size`. What the disk refuses is asked for once more, because a walk takes a refusal for damage; then as much of it
    as can be had. refused: something could not be read."""

    def __init__(self, disk: Disk, path: Path, size: int) -> None:
        self._disk, self._path, self._size = disk, path, size
        self.refused = False

    def __call__(self, offset: int, length: int) -> bytes:
        length, refusals = min(length, self._size - offset), 0
        while length > 0:
            try:
                return self._disk.read(self._path, offset, length)
            except StorageError as refused:
                if refused.number != errno.EIO:
                    raise
                refusals += 1
                if refusals > 1:
                    self.refused = True
                    length //= 2
        return b""


def _span(index: SegmentIndex, history: History) -> str:
    """The run it was recorded in: the last one known of its boot."""
    return history.spans.get(index.boot, f"{index.boot}/{index.start_boot_ns // NS_PER_MS * NS_PER_MS}")
