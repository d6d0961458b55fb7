"""`edge capture`: what this board can record with."""

from __future__ import annotations

import json

import click

from edge.cli.options import example, json_option
from edge.config.model import Retention


@click.group(epilog=example("edge capture probe"))
def command() -> None:
    """Cameras and encoders of this machine."""


@command.command(epilog=example("edge capture probe", "edge capture probe --hw pi5-cm3 --json"))
@click.option("--hw", "profile", metavar="NAME", help="Judge by this hardware profile; else by the one that fits.")
@json_option
def probe(profile: str | None, as_json: bool) -> None:
    """Show the board, its cameras, which encoders really work and how fast, how long storage lasts, and recommend a profile.

    No camera is opened. Takes about ten seconds, one core.
    """
    from edge.capture.probe import Findings
    from edge.capture.probe import probe as look

    if as_json:
        click.echo(json.dumps(look(profile, Retention().minimum_days).document(), indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    with console.status("trying encoders"):
        found: Findings = look(profile, Retention().minimum_days)
    board = found.board
    console.print(f"{board.model or 'no device tree: a PC'}; {board.cpus} CPUs, {board.memory_mb} MB, CMA {board.cma_mb} MB")
    console.print("temperature: " + (", ".join(f"{name} {degrees:.0f} °C" for name, degrees in board.zones.items()) or "no sensor"))
    table = Table("camera", "by", "name in node.toml", "gives at most")
    for each in found.cameras or []:
        table.add_row(str(each.get("Model")), "libcamera", f"picamera2:{each['Id']}", "")
    for offer in found.offers:
        table.add_row(offer.device.name, "V4L2", offer.name, ", ".join(map(str, offer.formats)))
    if not table.row_count:
        table.add_row("none", "-", "an IP camera: rtsp://HOST/PATH", "")
    console.print(table)
    table = Table("encoder", "works", "pictures/s of one core")
    for trial in found.encoders:
        table.add_row(trial.name, "yes" if trial.works else "no", "" if trial.works else trial.text)
    for preset in found.presets:
        table.add_row(f"libx264 {preset.preset}", "yes" if preset.enough else "too slow", f"{preset.fps:.0f}")
    console.print(table)
    lasts = found.storage
    console.print(
        f"storage of {found.profile}: {lasts.daily_bytes / 1e9:.0f} GB a day, {lasts.days:.0f} days, worn out in {lasts.years:.0f} years"
    )
    for line in found.advice:
        console.print(f"! {line}")
    console.print("\nrecommended:", *found.lines(), sep="\n", markup=False)
