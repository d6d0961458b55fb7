"""After a power cut, a crash or a refusal of the disk: everything in open/ becomes a sealed segment, and nothing stays unrecorded.

Each step leaves a state from which the whole can be done again: a torn tail is cut, the index box written and synced, the Recover record
written, the file renamed, the Segment record written. A number whose file got no whole fragment is explained by its Recover record with
fragments = 0 before the empty file goes. A segment that was renamed but not recorded gets its record.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from edge.bmff.index import SegmentIndex, encode_index
from edge.bmff.walk import Walk, walk
from edge.clock import NS_PER_MS, Clock
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.records import Recover
from edge.ring.history import History, read_history
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.ledger import Journal, Ledger
from edge.ring.names import RingFolder
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


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What an earlier run, or an earlier refusal in this one, left unfinished."""

    disk: Disk
    folders: NodeFolders
    camera: str
    boot: str
    ledger: Ledger

    @property
    def ring(self) -> Path:
        return self.folders.ring(self.camera)

    @property
    def folder(self) -> RingFolder:
        return RingFolder(self.disk, self.ring)

    def history(self) -> History:
        return read_history(JournalReader(self.disk, self.folders.journal(recorder_journal(self.camera))), self.boot)

    def clear(self, spare: int | None = None, trusted_bytes: Mapping[int, int] | None = None) -> list[Recover]:
        """Finish everything. spare: a number in open/ that is not to be touched. trusted_bytes: of files whose sync failed in this run,
        how far they are known to be on the disk - what lies behind may be in memory only, and is cut. Raises StorageError after trying
        every file."""
        history = self.history()
        done: list[Recover] = []
        refusals: list[StorageError] = []
        for seq in self.folder.opened():
            if seq == spare:
                continue
            try:
                done += self._finish(seq, history, (trusted_bytes or {}).get(seq))
            except StorageError as refused:
                log.error("camera %s: segment %d cannot be recovered yet: %s", self.camera, seq, refused)
                refusals.append(refused)
        self._complete_records(history)
        if refusals:
            raise refusals[0]
        return done

    def _finish(self, seq: int, history: History, trusted: int | None) -> list[Recover]:
        path = self.folders.open(self.camera) / f"{seq:09d}.mp4"
        on_disk = self.disk.stat(path).size
        size = on_disk if trusted is None else min(on_disk, trusted)
        found = walk(lambda offset, length: self.disk.read(path, offset, min(length, size - offset)), size, camera=self.camera)
        if found.index.fragments:
            return self._seal(path, seq, found, on_disk, history)
        fact = Recover(seq=seq, kept_bytes=0, cut_bytes=on_disk, fragments=0, boot=found.index.boot)
        done = self._record(fact, history)
        if not self.ledger.flush(now=True):
            raise StorageError(f"{path}: the journal refuses the record that explains its number, so it stays")
        self.disk.unlink(path)
        self.disk.sync_dir(path.parent)
        log.warning("camera %s: segment %d had no whole fragment (%d bytes)", self.camera, seq, on_disk)
        return done

    def _seal(self, path: Path, seq: int, found: Walk, on_disk: int, history: History) -> list[Recover]:
        kept, digest = self._close_file(path, found)
        cut = 0 if found.sealed else on_disk - found.good_end
        fact = Recover(seq=seq, kept_bytes=kept, cut_bytes=cut, fragments=len(found.index.fragments), boot=found.index.boot)
        name = name_of(found.index)
        done = self._record(fact, history)
        file_away(self.disk, self.ring, path, name)
        self.ledger.put(segment_facts(found.index, name, kept, digest, _span(found.index, history)))
        history.recorded.add(seq)
        log.warning("camera %s: segment %d recovered: %d fragments, %d bytes cut", self.camera, seq, fact.fragments, cut)
        return done

    def _close_file(self, path: Path, found: Walk) -> tuple[int, str]:
        """Cut the torn tail and put the index box there; (size, SHA-256) of the file, which is on the disk now."""
        file = self.disk.append(path)
        try:
            if not found.sealed:
                file.truncate(found.good_end)
                file.write(encode_index(found.index))
            size = file.size()
            file.truncate(size)
            file.fsync()
        finally:
            file.close()
        return size, file_sha256(self.disk, path, size)

    def _record(self, fact: Recover, history: History) -> list[Recover]:
        """Once only, however often the work is begun anew."""
        if fact.seq not in history.recovered:
            history.recovered.add(fact.seq)
            self.ledger.put(fact)
        return [fact]

    def _complete_records(self, history: History) -> None:
        """Segments that were renamed, but whose record was not written any more."""
        newest = history.newest.seq if history.newest else 0
        known = history.recorded | history.erased
        lacking = [name for name in self.folder.all() if name.seq not in known and name.seq > min(newest, history.floor)]
        lacking.sort(key=lambda name: name.seq)
        if len(lacking) > _COMPLETED_AT_MOST:
            log.error("camera %s: %d segments have no record; only the newest %d get one", self.camera, len(lacking), _COMPLETED_AT_MOST)
        for name in lacking[-_COMPLETED_AT_MOST:]:
            path = self.ring / name.path
            try:
                size = self.disk.stat(path).size
                index = walk(partial(self.disk.read, path), size, camera=self.camera).index
                digest = file_sha256(self.disk, path, size)
            except NotFound:
                continue
            if index.fragments:
                self.ledger.put(segment_facts(index, name, size, digest, _span(index, history)))

    def next_seq(self) -> int:
        """Behind every number that was ever used, as far as ring and journal know."""
        folder = self.folder
        in_ring = max((name.seq for name in chain(folder.all(), folder.erasing())), default=0)
        return max(in_ring, max(folder.opened(), default=0), self.history().last_seq) + 1


def _span(index: SegmentIndex, history: History) -> str:
    """The run it was recorded in: the last one known of its boot."""
    return history.spans.get(index.boot, f"{index.boot}/{index.start_boot_ns // NS_PER_MS * NS_PER_MS}")
