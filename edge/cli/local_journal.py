"""What commands write into the journal "local" beside views and exports: looks at metadata, checkpoints for a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge.audit.local_journal import local_journal as local_journal
from edge.cli.options import clock_of
from edge.clock import format_utc
from edge.config.model import NodeConfig
from edge.errors import StorageError, TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.journal.heads import read_heads
from edge.messages.evidence import Viewed
from edge.ring.layout import folders_of

if TYPE_CHECKING:
    from edge.seal.signer import Identity


def note_view(config: NodeConfig, camera: str, what: str, start_ns: int, end_ns: int, *, operator: str, case: str) -> None:
    """A person looked at what there is of footage, not at pictures. what: timeline ... A disk that does not take the record (a card in
    another machine, read-only) is told on stderr and does not stop the command."""
    viewed = Viewed(operator=operator, case=case, what=what, camera_id=camera, start=format_utc(start_ns), end=format_utc(end_ns))
    try:
        with local_journal(config) as journal:
            journal.append(viewed, camera)
    except (StorageError, TryAgain) as error:
        click.echo(f"warning: not recorded in the journal: {error}", err=True)


def local_checkpoint(config: NodeConfig, identity: Identity, clip_id: str) -> str:
    """What the agent does for a clip, without an agent: the heads of all journals, signed and recorded. Returns the compact JWS. Raises
    SigningTrouble, StorageError, TryAgain; ValueError for more journals than fit."""
    from edge.seal.checkpoint import claims_of, sign_checkpoint

    with local_journal(config) as journal:
        heads = read_heads(LinuxDisk(), folders_of(config).journals)
        checkpoint = sign_checkpoint(identity, claims_of(config.node.id, journal.boot, clock_of(config).read(), heads, clip_id))
        journal.append(checkpoint)
        return checkpoint.jws
