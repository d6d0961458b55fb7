"""`edge watch`: the watcher process; `edge watch tune`: what it makes of recorded pictures."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_service, stop_on_signals


class WatchGroup(click.Group):
    """Imports `tune` when it is called: the watcher process carries only what watching needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["tune"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "tune":
            return None
        from edge.cli.watch_tune import tune

        return tune


@click.group(
    cls=WatchGroup,
    invoke_without_command=True,
    epilog=example("edge watch --config /etc/edge/node.toml", "edge watch tune look.mp4 -o why.png"),
)
@config_option
@click.pass_context
def command(context: click.Context, config_path: Path | None) -> int:
    """Find motion in the pictures of all cameras until SIGTERM.

    Reads the recorders' luma windows, writes episodes to the journal "watcher". Recording goes on without it.
    """
    if context.invoked_subcommand is not None:
        return 0
    stop = stop_on_signals()
    loaded = load_for_service(config_path)
    from edge.services.watcher import run_watcher

    return run_watcher(loaded.config, stop, config_sha256=loaded.sha256)
