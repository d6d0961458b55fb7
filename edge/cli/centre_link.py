"""How the centre's commands reach the broker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edge.config.link import read_mqtt
from edge.config.model import Node
from edge.errors import TryAgain
from edge.host.timesync import KernelClock

if TYPE_CHECKING:
    from edge.centre.client import Client

CONNECT_S = 10.0
ZONE = Node(id="x", data="x").timezone

_F = TypeVar("_F", bound=Callable[..., Any])


def broker_option(function: _F) -> _F:
    """--broker FILE, passed on as `broker`."""
    default = Path("centre.toml")
    return click.option(
        "--broker", type=click.Path(path_type=Path), metavar="FILE", default=default, show_default=True, help="TOML file with [mqtt]."
    )(function)


def folder_option(function: _F) -> _F:
    """--folder FOLDER, passed on as `folder`."""
    return click.option(
        "--folder", type=click.Path(path_type=Path), default=Path("centre"), show_default=True, help="Where journals and clips are kept."
    )(function)


def trust_option(function: _F) -> _F:
    """--trust CA.PEM, passed on as `trust`."""
    text = "PEM of the authorities that certify nodes' keys; without it signers are not verified."
    return click.option("--trust", type=click.Path(path_type=Path), metavar="CA.PEM", help=text)(function)


def now_utc_ns() -> int:
    return KernelClock("assume").read().utc_ns


@contextmanager
def looking_centre(broker: Path, command_key: Path | None = None) -> Iterator[Client]:
    """A connected Client that stores nothing; any number may run. Raises TryAgain when the broker does not answer."""
    from edge.centre.client import Client

    mqtt = read_mqtt(broker)
    with tempfile.TemporaryDirectory() as folder, Client(mqtt, Path(folder), store=False, command_key=command_key) as centre:
        if not centre.wait_connected(CONNECT_S):
            why = f": {centre.trouble}" if centre.trouble else ""
            raise TryAgain(f"the broker {mqtt.host}:{mqtt.port} did not answer within {CONNECT_S:.0f} s{why}")
        yield centre
