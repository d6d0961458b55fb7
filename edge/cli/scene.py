"""`edge scene`: what a camera usually sees."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import config_option, example, load_for_people
from edge.errors import NotFound, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.ring.layout import folders_of


@click.group(epilog=example("edge scene accept --camera cam0"))
def command() -> None:
    """What the watcher takes for a camera's usual view."""


@command.command(epilog=example("edge scene accept --camera cam0"))
@config_option
@click.option("--camera", required=True, metavar="ID", help="Which camera.")
def accept(config_path: Path | None, camera: str) -> None:
    """Take what the camera sees from now on for its usual view: after aiming it anew, or once a lasting change is no tampering.

    The watcher learns it within ten seconds; alarms about the lens then clear by themselves.
    """
    config = load_for_people(config_path).config
    known = [each.id for each in config.camera]
    if camera not in known:
        raise UsageError(f"camera {camera!r} is not in the configuration", remedy=f"known: {', '.join(known)}")
    try:
        LinuxDisk().unlink(folders_of(config).scene(camera))
    except NotFound:
        click.echo(f"{camera}: nothing was kept yet; the watcher learns the view when it starts")
        return
    click.echo(f"{camera}: the view is learnt anew")
