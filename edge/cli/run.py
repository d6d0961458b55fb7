"""`edge run`: the whole node below one process."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_service, stop_on_signals
from edge.cli.record import keep


@click.command(epilog=example("edge run --config node.toml"))
@config_option
def command(config_path: Path | None) -> int:
    """Run a recorder per camera, the watcher and the agent until SIGTERM or Ctrl-C.

    For a desk or a demonstration; on a pole systemd does this. A process that fails is started again, one whose configuration is wrong
    is not. Recorders are stopped last.
    """
    stop = stop_on_signals()
    loaded = load_for_service(config_path)
    from edge.services.run import run_node

    keep(loaded)
    return run_node(loaded.config, loaded.path, stop)
