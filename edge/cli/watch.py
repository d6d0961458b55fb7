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
    stop = stop_on_signals()
    loaded = load_for_service(config_path)
    from edge.services.watcher import run_watcher

    return run_watcher(loaded.config, stop, config_sha256=loaded.sha256)
