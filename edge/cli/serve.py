"""`edge serve`: the pull server's process."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_service, stop_on_signals


@click.command(epilog=example("edge serve --config /etc/edge/node.toml"))
@config_option
def command(config_path: Path | None) -> int:
    """Hand out timelines, clips and snapshots over HTTPS until SIGTERM.

    Needs a [serve] section. Every client needs a certificate of its authority; the certificate's CN is the operator, and what they see or
    take is recorded before it leaves. Prints the address. Recording goes on without it.
    """
    stop = stop_on_signals()
    config = load_for_service(config_path).config
    from edge.services.pull import run_pull

    return run_pull(config, stop, click.echo)
