"""`edge decommission`: keys, footage and configuration of this node are destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edge.audit.local_journal import WRITER, local_journal
from edge.cli.footage import ring_reader
from edge.cli.options import clock_of, config_option, example, json_option, load_for_people
from edge.config.model import NodeConfig
from edge.config.read import Loaded
from edge.errors import Refused, StorageError, UsageError
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.ring.hold import Holds
from edge.ring.layout import folders_of
from edge.services.lifecycle import sole_user

if TYPE_CHECKING:
    from edge.wipe.node import Order, Outcome

HONEST = (
    "Removed names are not erased bytes: flash keeps old copies that no program can overwrite. What makes them unreadable is the destroyed",
    "key of an encrypted partition (`cryptsetup erase`, then `blkdiscard`), or the destroyed card. Until then keep the card locked away.",
)


@click.command(
    epilog=example(
        "edge decommission --list",
        "edge decommission --yes-wipe-node pole-17 --by a.nowak --why 'pole taken down' --keep-journals /mnt/usb/pole-17",
    )
)
@config_option
@json_option
@click.option("--list", "only_list", is_flag=True, help="Say what would be destroyed; change nothing.")
@click.option("--yes-wipe-node", "typed", default="", metavar="NODE_ID", help="The node's id, typed: there is no way back.")
@click.option("--by", default="", help="Who does it.")
@click.option("--why", default="", help="Why; also the reason of released locks.")
@click.option("--release-holds", is_flag=True, help="Release evidence locks that are in force, with --by and --why.")
@click.option("--keep-journals", "keep", type=click.Path(path_type=Path), metavar="DIR", help="Copy the journals there.")
@click.option("--with-journals", is_flag=True, help="Destroy the journals here, too, once they are copied.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True)
def command(
    config_path: Path | None,
    as_json: bool,
    only_list: bool,
    typed: str,
    by: str,
    why: str,
    release_holds: bool,
    keep: Path | None,
    with_journals: bool,
    root: Path,
) -> int:
    """Take this node out of service: destroy keys, secrets, network passwords, footage and configuration, and say so.

    Stop the services first. Interrupted, it goes on when called again. Journals stay on the data partition for their 400 days unless they
    are copied and --with-journals is given. Exit 74: something remains; the configuration stays then, so that it can be called again.
    """
    loaded = load_for_people(config_path)
    node = loaded.config.node.id
    if not only_list:
        _check_words(node, typed, by, why, keep, with_journals, Path(loaded.config.node.data))
    with ExitStack() as held:
        local = None
        if not only_list:
            _lock_services(loaded.config, held)
            local = _open_local(loaded.config, held)
        order = _order(loaded, local, root, by, why, keep, with_journals)
        if only_list:
            return _list(order, as_json)
        _check_holds(order, release_holds)
        from edge.wipe.node import wipe_node

        outcome = wipe_node(order, lambda text: click.echo(text, err=True))
    _tell(node, outcome, as_json)
    return StorageError.exit_code if outcome.remains else 0


def _check_words(node: str, typed: str, by: str, why: str, keep: Path | None, with_journals: bool, data: Path) -> None:
    if typed != node:
        raise UsageError(f"this is node {node!r}, and its id was not typed", remedy=f"--yes-wipe-node {node}, or --list")
    if not by.strip() or not why.strip():
        raise UsageError("who wipes the node, and why, is missing", remedy="--by NAME --why REASON")
    if with_journals and keep is None:
        raise UsageError("the journals prove what was destroyed, for 400 days", remedy="name a place for them: --keep-journals DIR")
    if keep is not None:
        if keep.resolve().is_relative_to(data.resolve()):
            raise UsageError(f"{keep} is on the data partition that is wiped", remedy="name another place")
        LinuxDisk().mkdir(keep.absolute())


def _lock_services(config: NodeConfig, held: ExitStack) -> None:
    """Raises TryAgain where a service of this node is at work; none can start until all is done."""
    folders = folders_of(config)
    users = {folders.data / "agent": "publishes for this node", folders.journal("watcher"): "watches this node's cameras"}
    if folders.rings.is_dir():
        users |= {each / "open": f"records camera {each.name}" for each in folders.rings.iterdir()}
    for folder, what in users.items():
        if folder.is_dir() and not folder.is_symlink():
            held.enter_context(sole_user(folder, what))


def _open_local(config: NodeConfig, held: ExitStack) -> JournalWriter | None:
    """None where the journals are gone already. One that cannot be opened is tried, and told."""
    if not folders_of(config).journals.is_dir():
        return None
    try:
        return held.enter_context(_quiet_journal(config))
    except StorageError as refused:
        click.echo(f"warning: {refused}", err=True)
        return _unopened(config)


@contextmanager
def _quiet_journal(config: NodeConfig) -> Iterator[JournalWriter]:
    with local_journal(config) as journal:
        yield journal


def _unopened(config: NodeConfig) -> JournalWriter:
    return JournalWriter(LinuxDisk(), folders_of(config).journal(WRITER), clock_of(config), boot_id())


def _order(loaded: Loaded, local: JournalWriter | None, root: Path, by: str, why: str, keep: Path | None, with_journals: bool) -> Order:
    from edge.wipe.node import Order
    from edge.wipe.targets import targets_of

    config, disk = loaded.config, LinuxDisk()
    journal, clock = local or _unopened(config), clock_of(config)
    return Order(
        disk=disk,
        config=config,
        targets=targets_of(config, loaded.path),
        folders=folders_of(config),
        clock=clock,
        boot=boot_id(),
        root=root,
        by=by,
        why=why,
        local=local,
        holds=Holds(disk, Path(config.node.data), journal, clock, ring_reader(config), config.hold.quota_percent),
        keep=None if keep is None else keep.absolute(),
        with_journals=with_journals,
    )


def _check_holds(order: Order, release_holds: bool) -> None:
    names = [*(hold.id for hold in order.holds.holds()), *order.holds.incomplete()]
    if names and not release_holds:
        text = f"{len(names)} evidence locks are in force: {', '.join(names[:10])}"
        raise Refused("held", text, remedy="hand the footage over and release them, or give --release-holds")


def _list(order: Order, as_json: bool) -> int:
    from edge.wipe.node import survey

    lines = survey(order)
    holds = [hold.id for hold in order.holds.holds()]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"would_destroy": lines, "holds": holds})))
        return 0
    for line in lines:
        click.echo(line)
    for hold in holds:
        click.echo(f"evidence lock in force: {hold}")
    click.echo("nothing was changed")
    return 0


def _tell(node: str, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        steps = [{"what": step.what, "files": step.removed.files, "bytes": step.removed.bytes} for step in outcome.steps]
        document = {"node": node, "steps": steps, "remains": outcome.remains, "left": outcome.left}
        click.echo(msgspec.json.format(msgspec.json.encode(document)))
        return
    click.echo(f"node {node} is decommissioned:" if not outcome.remains else f"node {node} is NOT wholly wiped:")
    for step in outcome.steps:
        click.echo(f"  {step.text}")
    for text in outcome.remains:
        click.echo(f"REMAINS: {text}")
    for text in outcome.left:
        click.echo(f"left: {text}")
    for line in HONEST:
        click.echo(line)
