"""The journal "local": what people did on the node itself. One command at a time writes it, under a lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from edge.cli.options import clock_of
from edge.clock import format_utc, monotonic_s
from edge.config.model import NodeConfig
from edge.errors import StorageError, TryAgain
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.journal.heads import read_heads
from edge.journal.writer import JournalWriter
from edge.messages.evidence import Viewed
from edge.messages.records import Facts
from edge.ring.layout import folders_of

if TYPE_CHECKING:
    from edge.seal.signer import Identity

WRITER = "local"
LOCK_WAIT_S = 5.0
_PAUSE_S = 0.05


@contextmanager
def local_journal(config: NodeConfig) -> Iterator[JournalWriter]:
    """The journal, open and ours alone. Raises StorageError (no such data folder, read-only), TryAgain when others hold it too long."""
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


def note_view(config: NodeConfig, camera: str, what: str, start_ns: int, end_ns: int, *, operator: str, case: str) -> None:
    """A person looked at footage, or at what there is of it. what: timeline, snapshot ... As `note`: it never stops the command."""
    viewed = Viewed(operator=operator, case=case, what=what, camera_id=camera, start=format_utc(start_ns), end=format_utc(end_ns))
    note(config, viewed, camera)


def local_checkpoint(config: NodeConfig, identity: Identity, clip_id: str) -> str:
    """What the agent does for a clip, without an agent: the heads of all journals, signed and recorded. Returns the compact JWS. Raises
    SigningTrouble, StorageError, TryAgain; ValueError for more journals than fit."""
    from edge.seal.checkpoint import claims_of, sign_checkpoint

    with local_journal(config) as journal:
        heads = read_heads(LinuxDisk(), folders_of(config).journals)
        checkpoint = sign_checkpoint(identity, claims_of(config.node.id, journal.boot, clock_of(config).read(), heads, clip_id))
        journal.append(checkpoint)
        return checkpoint.jws


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
