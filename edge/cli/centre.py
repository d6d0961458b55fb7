"""`edge centre`: the other end of the link, for one machine and one person."""

from __future__ import annotations

import importlib
from pathlib import Path

import click
import msgspec

from edge.cli.centre_ca import ca
from edge.cli.centre_link import ZONE, broker_option, folder_option, looking_centre, trust_option
from edge.cli.options import example, json_option, stop_on_signals
from edge.cli.times import parse_range
from edge.clock import format_utc
from edge.errors import UsageError

LATER = (
    {name: ("edge.cli.centre_jobs", name) for name in ("jobs", "cancel")}
    | {"report": ("edge.cli.centre_report", "command"), "acl": ("edge.cli.centre_acl", "acl")}
    | {name: ("edge.cli.centre_ask", name.replace("-", "_")) for name in ("request-clip", "hold", "release", "timeline", "snapshot", "ask")}
    | {name: ("edge.cli.centre_tune", name) for name in ("config", "restart", "diag", "identify")}
)
"""Command -> (module, name): imported when it is called."""


class CentreGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LATER:
            module, name = LATER[cmd_name]
            found: click.Command = getattr(importlib.import_module(module), name)
            return found
        return super().get_command(ctx, cmd_name)


@click.group(cls=CentreGroup, epilog=example("edge centre receive --broker centre.toml --folder centre"))
def command() -> None:
    """The other end of the link: see nodes, keep their journals, ask for clips, take uploads.

    The broker is described by the [mqtt] table of a TOML file; a node.toml serves as well.
    """


command.add_command(ca)


@command.command(epilog=example("edge centre keys centre"))
@click.argument("folder", type=click.Path(path_type=Path))
def keys(folder: Path) -> None:
    """Make the command key: FOLDER/command.key signs commands and stays here; FOLDER/command.pub goes to the nodes.

    On each node: [mqtt] command_key = "command.pub".
    """
    from edge.centre.keys import make_keys

    private, public = make_keys(folder)
    click.echo(f"{private}: signs commands; keep it here\n{public}: give it to every node as [mqtt] command_key")


@command.command(epilog=example("edge centre nodes --broker centre.toml"))
@broker_option
@json_option
@click.option("--wait", "wait_s", type=click.FloatRange(0.1, 600), default=2.0, show_default=True, help="Seconds to listen for nodes.")
def nodes(broker: Path, as_json: bool, wait_s: float) -> None:
    """Show every node the broker knows: online or not, cameras, alarms."""
    from edge.cli.centre_picture import show_nodes

    with looking_centre(broker) as centre:
        stop_on_signals().wait(wait_s)
        views = centre.nodes()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(views)))
    else:
        show_nodes(views)


@command.command(epilog=example("edge centre events --folder centre --node pole-1 --from -1d"))
@folder_option
@json_option
@click.option("--node", metavar="ID")
@click.option("--journal", metavar="NAME", help="recorder.<camera>, watcher, agent ...")
@click.option("--from", "start", default="-1d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset.")
def events(folder: Path, as_json: bool, node: str | None, journal: str | None, start: str, end: str, timezone: str) -> None:
    """Show the journal records that `edge centre receive` has stored, by the nodes' time.

    With --json each line is {"node": ..., "journal": ..., "record": ...}, the record verbatim.
    """
    from edge.centre.archive import stored_events
    from edge.cli.centre_link import now_utc_ns
    from edge.cli.journal import printable, record_text
    from edge.host.linux_disk import LinuxDisk

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", remedy="name the folder of `edge centre receive`")
    first, last = (format_utc(moment) for moment in parse_range(start, end, now_utc_ns(), timezone))
    for event in stored_events(LinuxDisk(), folder, node, journal):
        if not first <= event.record.t <= last:
            continue
        if as_json:
            line = {"node": event.node, "journal": event.journal, "epoch": event.epoch, "record": msgspec.Raw(event.raw)}
            click.echo(msgspec.json.encode(line).decode())
        else:
            click.echo(printable(f"{event.record.t}  {event.node}  {event.journal} #{event.record.seq}  {record_text(event.record)}"))


@command.command(epilog=example("edge centre audit --folder centre --trust town-ca.pem", "edge centre audit --node pole-1 --json"))
@folder_option
@json_option
@trust_option
@click.option("--node", metavar="ID", help="Default: all.")
def audit(folder: Path, as_json: bool, trust: Path | None, node: str | None) -> None:
    """Check all that is stored against all that nodes vouched for: every line, every chain, every signed head, from the files alone.

    Shows per node its journals, how far they came and were vouched for and when that was first seen, and what was found: forks (two pasts),
    holes, broken chains, clones, forged signatures, silence. Exit 0: it adds up. 65: it does not.
    """
    from edge.cli.centre_audit import run_audit

    run_audit(folder, node, trust, as_json=as_json)


@command.command(epilog=example("edge centre receive --folder centre --broker centre.toml --token-file upload.token"))
@folder_option
@click.option("--broker", type=click.Path(path_type=Path), metavar="FILE", help="TOML file with [mqtt]; without it only uploads are taken.")
@trust_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address for uploads; others than loopback need TLS and a token.")
@click.option("--port", type=click.IntRange(0, 65_535), default=1080, show_default=True, help="0: any free one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File (mode 0600) with the bearer token on its first line.")
@click.option("--tokens-file", type=click.Path(path_type=Path), help="File (mode 0600) with a line NODE SHA256-OF-ITS-TOKEN for each node.")
@click.option("--node-quota-gb", type=click.FloatRange(0), default=0.0, show_default=True, help="Most of one node; 0: no limit.")
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM for TLS, with --key.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM of its private key.")
@click.option("--client-ca", type=click.Path(path_type=Path), help="PEM of the authority whose clients alone may connect.")
def receive(
    folder: Path,
    broker: Path | None,
    trust: Path | None,
    host: str,
    port: int,
    token_file: Path | None,
    tokens_file: Path | None,
    node_quota_gb: float,
    certificate: Path | None,
    key: Path | None,
    client_ca: Path | None,
) -> None:
    """Keep what nodes send until SIGTERM or Ctrl-C: journals in FOLDER/nodes, clips in FOLDER/uploads.

    Tells the nodes what is stored, so that they move on: run one for each broker. It is a witness too: it keeps what nodes vouch for, and
    logs at once what does not add up (`edge centre audit` shows it again).
    """
    from edge.cli.centre_receive import Door, receive_until

    door = Door(host, port, token_file, tokens_file, node_quota_gb, certificate, key, client_ca)
    receive_until(stop_on_signals(), folder, broker, door, trust)
