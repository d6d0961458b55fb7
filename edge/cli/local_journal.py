"""The journal "local": what people did on the node itself. One command at a time writes it, under a lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import click

from edge.cli.options import clock_of
from edge.clock import monotonic_s
from edge.config.model import NodeConfig
from edge.errors import Refused, StorageError, TryAgain
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Facts
from edge.ring.layout import folders_of

WRITER = "local"
LOCK_WAIT_S = 5.0
_PAUSE_S = 0.05


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
    with _alone(folder):
        journal = JournalWriter(disk, folder, clock_of(config), boot_id())
        journal.open()
        try:
            yield journal
        finally:
            journal.close()


def note(config: NodeConfig, facts: Facts, camera: str | None) -> None:
    """One record; a disk that does not take it (a card in another machine, read-only) is told on stderr and does not stop the command."""
    try:
        with local_journal(config) as journal:
            journal.append(facts, camera)
    except (StorageError, TryAgain) as error:
        click.echo(f"warning: not recorded in the journal: {error}", err=True)


def record_before(config: NodeConfig, facts: Facts, camera: str | None) -> None:
    """One record, on disk before the footage it speaks of is shown or handed out: then this returns. Raises Refused where it cannot be
    written: nobody looks at evidence unrecorded. Recording goes on."""
    try:
        with local_journal(config) as journal:
            journal.append(facts, camera)
    except (StorageError, TryAgain) as error:
        remedy = "mend the disk; or copy the data folder to a sound one and work on the copy, whose journal then has the record"
        raise Refused("not_recorded", f"no footage is shown, since that cannot be recorded: {error}", remedy=remedy) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be locked: {error.strerror}", number=error.errno or 0) from error
    try:
        deadline_s, wait = monotonic_s() + LOCK_WAIT_S, Event()
        while not _locked(descriptor):
            if monotonic_s() > deadline_s:
                raise TryAgain(f"another `edge` command has been writing {folder} for {LOCK_WAIT_S:.0f} s")
            wait.wait(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
