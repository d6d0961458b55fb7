"""The rings of all cameras, segment by segment, each with its Erase record; then whatever else lies in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from edge.clock import NS_PER_MS, Clock
from edge.config.model import NodeConfig
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.ring.erase import Eraser
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder, SegmentName
from edge.ring.recall import look_back
from edge.ring.retain import DAY_MS, Policy, Stored, Verdict, policy_of
from edge.wipe.remove import Removed, Remover

log = logging.getLogger(__name__)

_BATCH = 512
_ATTEMPTS = 3
POLICY = "the node is decommissioned"


def camera_folders(disk: Disk, folders: NodeFolders) -> list[str]:
    """Cameras with a ring, also of those that are configured no more. Raises StorageError."""
    try:
        return sorted(entry.name for entry in disk.scan(folders.rings) if entry.is_dir)
    except NotFound:
        return []


class NothingHeld:
    """The node is given up: holds end with it."""

    def look_again(self) -> None: ...

    def covers(self, name: SegmentName) -> bool:
        return False


def wipe_ring(
    disk: Disk, config: NodeConfig, folders: NodeFolders, camera: str, clock: Clock, boot: str, tell: Callable[[str], None]
) -> Removed:
    """Segments whose erasure no journal takes are removed all the same, and told."""
    done, root = Removed(), folders.ring(camera)
    ring = RingFolder(disk, root)
    journal = JournalWriter(disk, folders.journal(recorder_journal(camera)), clock, boot)
    eraser = Eraser(disk, ring, journal, camera, POLICY, NothingHeld())
    for attempt in range(_ATTEMPTS):
        try:
            _finish(eraser, journal, disk, clock)
            for erased, freed in _erased(eraser, ring, policy_of(config), clock):
                done.files += erased
                done.bytes += freed
                tell(f"{camera}: {done.files:,} segments destroyed")
            _finish(eraser, journal, disk, clock)
            if (left := len(list(ring.all())) + len(ring.claims())) == 0:
                break
            refused = f"{left} segments were refused"
        except StorageError as error:
            refused = str(error)
        log.error("camera %s: attempt %d to destroy each segment with a record: %s", camera, attempt + 1, refused)
    else:
        done.failed(f"{camera}: not every destruction is recorded: {refused}")
    _close(journal)
    done.add(Remover(disk).tree(root))
    return done


def _erased(eraser: Eraser, ring: RingFolder, policy: Policy, clock: Clock) -> Iterator[tuple[int, int]]:
    """(segments, bytes) of each batch."""
    names = iter(list(ring.all()))
    now = clock.read()
    now_ms = now.utc_ns // NS_PER_MS if now.dated else None
    while batch := list(islice(names, _BATCH)):
        verdicts = [Verdict(Stored(name, 0, False), "decommission", _is_early(name, policy, now_ms)) for name in batch]
        outcome = eraser.erase(verdicts)
        yield outcome.erased, outcome.freed_bytes


def _is_early(name: SegmentName, policy: Policy, now_ms: int | None) -> bool:
    """Younger than the legal minimum, or not known to be older."""
    if name.start_utc_ms is None or now_ms is None:
        return policy.minimum_days > 0
    return now_ms - name.start_utc_ms < policy.minimum_days * DAY_MS


def _finish(eraser: Eraser, journal: JournalWriter, disk: Disk, clock: Clock) -> None:
    """What a recorder, or a wipe before this one, was interrupted in."""
    journal.open()
    eraser.finish(look_back(JournalReader(disk, journal.folder), journal.boot, clock.read(), 0).erased)


def _close(journal: JournalWriter) -> None:
    try:
        journal.close()
    except StorageError as refused:
        log.error("%s: %s", journal.folder, refused)


def count(disk: Disk, root: Path) -> tuple[int, int]:
    """(files, bytes) below a folder, links not followed; 0 where it is missing. Raises StorageError."""
    files = size = 0
    try:
        entries = disk.scan(root)
    except NotFound:
        return 0, 0
    for entry in entries:
        if entry.is_dir:
            inner = count(disk, root / entry.name)
            files, size = files + inner[0], size + inner[1]
        elif not entry.is_link:
            files, size = files + 1, size + disk.stat(root / entry.name).size
    return files, size
