"""`edge agent`: the agent process."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_service, stop_on_signals


@click.command(epilog=example("edge agent --config /etc/edge/node.toml"))
@config_option
def command(config_path: Path | None) -> int:
    """Publish events and health, take commands, deliver clips until SIGTERM.

    Needs a [mqtt] section. Recording goes on without it; what could not be sent waits in the journals.
    """
    stop = stop_on_signals()
    loaded = load_for_service(config_path)
    from edge.services.agent import run_agent

    return run_agent(loaded, stop)
