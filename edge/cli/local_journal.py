"""The journal "local": what people did on the node itself. One command at a time writes it, under a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge.cli.options import clock_of
from edge.config.model import NodeConfig
from edge.errors import StorageError, TryAgain
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.turn import turn_at
from edge.journal.writer import JournalWriter
from edge.messages.records import Facts
from edge.ring.layout import folders_of

WRITER = "local"
LOCK_WAIT_S = 5.0


@contextmanager
def local_journal(config: NodeConfig) -> Iterator[JournalWriter]:
    """The journal, open and ours alone. Raises StorageError (no such data folder, read-only), TryAgain when others hold it too long."""
    disk, folder = LinuxDisk(), folders_of(config).journal(WRITER)
    disk.stat(Path(config.node.data))
    disk.mkdir(folder)
    with turn_at(folder, LOCK_WAIT_S):
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
