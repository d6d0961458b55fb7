"""`edge centre acl`: access lists for brokers."""

from __future__ import annotations

import click

from edge.cli.options import example
from edge.errors import UsageError
from edge.link import access
from edge.link.topics import is_level


@click.command(epilog=example("edge centre acl mosquitto --org town --centre centre > town.acl"))
@click.argument("broker", type=click.Choice(["mosquitto", "emqx"]))
@click.option("--org", default="town", show_default=True, metavar="NAME", help="As in [mqtt] org.")
@click.option("--centre", "centres", multiple=True, default=("centre",), show_default=True, metavar="USER", help="May be given again.")
def acl(broker: str, org: str, centres: tuple[str, ...]) -> None:
    """Print who may read and write what: a node its own topics alone, and never its own commands; USER all.

    Brokers must take the user name from the client's certificate (docs/brokers).
    """
    for name in (org, *centres):
        if not is_level(name):
            raise UsageError(f"{name!r} cannot stand in an access list: letters, digits, . _ - only")
    make = access.mosquitto if broker == "mosquitto" else access.emqx
    click.echo(make(org, list(centres)), nl=False)
