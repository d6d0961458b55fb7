"""`edge watch`: the watcher process."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_service, stop_on_signals


@click.command(epilog=example("edge watch --config /etc/edge/node.toml"))
@config_option
def command(config_path: Path | None) -> int:
    """Find motion in the pictures of all cameras until SIGTERM.

    Reads the recorders' luma windows, writes episodes to the journal "watcher". Recording goes on without it.
    """
    from edge.services.watcher import run_watcher

    stop = stop_on_signals()
    return run_watcher(load_for_service(config_path).config, stop)
