"""Options that many commands share, and what stands behind them."""

from __future__ import annotations

import _thread
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any, TypeVar

import click

from edge.clock import Reading
from edge.config.model import NodeConfig
from edge.config.read import Loaded, load_config, locate
from edge.errors import UsageError
from edge.host.timesync import KernelClock
from edge.logs import start_logging

_F = TypeVar("_F", bound=Callable[..., Any])

log = logging.getLogger(__name__)


def config_option(function: _F) -> _F:
    """--config PATH, passed on as `config_path`."""
    text = "node.toml; default ./node.toml, then /etc/edge/node.toml"
    return click.option("--config", "config_path", metavar="PATH", type=click.Path(path_type=Path), help=text)(function)


def json_option(function: _F) -> _F:
    """--json, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout, for programs.")(function)


def example(*lines: str) -> str:
    """The epilog of a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def load_for_people(config_path: Path | None) -> Loaded:
    """The configuration in force; a broken file is told on stderr when its last good copy is used instead."""
    loaded = load_config(locate(config_path))
    if loaded.fault is not None:
        click.echo(f"warning: {loaded.path} is broken, its last good copy is used: run `edge config check`", err=True)
    return loaded


def load_for_service(config_path: Path | None) -> Loaded:
    """As above, for a process that runs on: logging is started and the fault is logged in full."""
    loaded = load_config(locate(config_path))
    start_logging(loaded.config.log.level)
    if loaded.fault is not None:
        log.error("%s is broken, its last good copy is in force: %s", loaded.path, "; ".join(loaded.fault.errors))
    return loaded


def clock_of(config: NodeConfig) -> KernelClock:
    return KernelClock(config.clock.trust, config.clock.max_error_ms)


def now_of(config: NodeConfig) -> Reading:
    return clock_of(config).read()


def known_camera(config: NodeConfig, camera: str | None) -> str:
    """The camera asked for; may be left out where there is one only. Raises UsageError naming the cameras there are."""
    ids = [each.id for each in config.camera]
    if camera is None and len(ids) == 1:
        return ids[0]
    if camera not in ids:
        problem = f'there is no camera "{camera}"' if camera else "which camera?"
        raise UsageError(problem, remedy="--camera " + " | ".join(ids))
    return camera


def stop_on_signals() -> Event:
    """An event that SIGTERM and SIGINT set. Call from the main thread.

    Event.set() takes a lock that the interrupted main thread may hold in Event.wait(): a thread of its own sets it.
    """
    stop = Event()

    def handle(number: int, frame: FrameType | None) -> None:
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
