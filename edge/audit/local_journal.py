"""The journal "local": what people did on the node itself, by a command or over HTTPS. One process at a time writes it, under a lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.config.model import NodeConfig
from edge.errors import Refused, StorageError, TryAgain
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.host.turn import turn_at
from edge.journal.writer import JournalWriter
from edge.messages.records import Facts
from edge.ring.layout import folders_of

WRITER = "local"
LOCK_WAIT_S = 5.0


@contextmanager
def local_journal(config: NodeConfig) -> Iterator[JournalWriter]:
    """The journal, open and ours alone. Raises StorageError (no such data folder, read-only), TryAgain when others hold it too long. While
    it refuses, the agent finds a mark and raises an alarm."""
    with _marked(folders_of(config).custody_refused), _opened(config) as journal:
        yield journal


@contextmanager
def _marked(mark: Path) -> Iterator[None]:
    try:
        yield
    except StorageError:
        with suppress(OSError):
            mark.touch()
        raise
    with suppress(OSError):
        mark.unlink(missing_ok=True)


@contextmanager
def _opened(config: NodeConfig) -> Iterator[JournalWriter]:
    disk, folder = LinuxDisk(), folders_of(config).journal(WRITER)
    disk.stat(Path(config.node.data))
    disk.mkdir(folder)
    with turn_at(folder, LOCK_WAIT_S):
        journal = JournalWriter(disk, folder, KernelClock(config.clock.trust, config.clock.max_error_ms), boot_id())
        journal.open()
        try:
            yield journal
        finally:
            journal.close()


def record_before(config: NodeConfig, facts: Sequence[Facts], camera: str | None) -> None:
    """On disk before the footage they speak of is shown or handed out: then this returns. Raises Refused where they cannot be written:
    nobody looks at evidence unrecorded. Recording goes on."""
    if not facts:
        return
    try:
        with local_journal(config) as journal:
            journal.append_all(facts, camera)
    except (StorageError, TryAgain) as error:
        remedy = "mend the disk; or copy the data folder to a sound one and work on the copy, whose journal then has the record"
        raise Refused("not_recorded", f"no footage is shown or given out: that cannot be recorded: {error}", remedy=remedy) from error
