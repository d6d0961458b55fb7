"""`edge demo`: the whole chain on one machine, live."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edge.cli.options import example, json_option, stop_on_signals
from edge.clock import monotonic_s
from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.demo.story import Story
    from edge.demo.town import Town
    from edge.demo.view import Scene

_TURN_S = 0.1
_ALONE_S = 40
"""Without --seconds and without anybody to press Ctrl-C."""
_LEAST_S = 30


@click.command(epilog=example("edge demo", "edge demo --source rtsp://127.0.0.1:8554/street", "edge demo --seconds 40 --json"))
@click.option(
    "--seconds",
    type=click.IntRange(_LEAST_S, 86_400),
    help="Stop after so long; default: at Ctrl-C; without a terminal, or with --json: 40.",
)
@click.option(
    "--source", "sources", multiple=True, metavar="URI", help="Camera beside the synthetic one: file:PATH, rtsp://..., v4l2:/dev/video0."
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep everything here; default: a new temporary folder."
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Also draw the live view, clip under way, as an SVG.")
@json_option
def command(seconds: int | None, sources: tuple[str, ...], folder: Path | None, picture: Path | None, as_json: bool) -> int:
    """Record two cameras, see motion, fetch a clip over MQTT while the uplink is cut, and verify what arrived.

    Starts a broker, a small receiving centre and a node on loopback; nothing is left running. Exit code 0 only if everything held.
    """
    from edge.demo.story import Story
    from edge.demo.town import Town
    from edge.demo.verdict import Summary, drain, published, summarise
    from edge.demo.view import Scene

    stop = stop_on_signals()
    folder = _new_folder(folder)
    logging.basicConfig(filename=folder / "demo.log", level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    film = "" if sources else _film(folder, as_json)
    cameras = ["synthetic:", *([film] if film else [_absolute(source) for source in sources])]
    limit_s = float(seconds) if seconds is not None else (_ALONE_S if as_json or not sys.stdout.isatty() else None)
    scene = Scene()
    from edge.capture.pictures import contact_sheet

    story = Story(scene, patience_s=(limit_s or 60.0) * 0.3, sheet=contact_sheet)
    if picture is not None:
        story.on_cut = partial(_draw, scene, picture)
    town = Town(folder, cameras, film, story.heard)
    try:
        with _shown(scene, as_json):
            _play(town, story, stop, limit_s)
        heads = published(town)
        stored = drain(town, heads)
        town.stop_node()
        summary: Summary = summarise(town, story.clip, heads, stored)
    finally:
        town.close()
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        _tell(scene, summary.held, story.failure, msgspec.structs.asdict(summary), folder)
    if as_json and story.failure:
        click.echo(f"edge demo: {story.failure}", err=True)
    return 0 if summary.held else 1


def _play(town: Town, story: Story, stop: threading.Event, limit_s: float | None) -> None:
    """Until the time is over (a clip under way is waited for, within reason), Ctrl-C, or the node's end."""
    ends_s = None if limit_s is None else monotonic_s() + limit_s
    while not stop.wait(_TURN_S):
        story.turn(town)
        if town.node.poll() is not None:
            raise UsageError(f"the node ended by itself (exit {town.node.returncode})", remedy=f"see {town.folder / 'node.log'}")
        if ends_s is None:
            continue
        waiting = story.clip is None or story.clip.done_s is None
        if monotonic_s() > ends_s + (limit_s or 0.0) * 0.5 or (monotonic_s() > ends_s and not waiting):
            return


def _draw(scene: Scene, picture: Path) -> None:
    """The live view as it stands, for the README."""
    from rich.console import Console

    from edge.demo.view import draw

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=132, height=34, file=nowhere)
        console.print(draw(scene))
        svg = console.export_svg(title="edge demo")
    # The reader's own monospace font will do: a picture must not fetch anything from elsewhere.
    picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


@contextlib.contextmanager
def _shown(scene: Scene, as_json: bool) -> Iterator[None]:
    """The live view on a terminal; line by line where there is none; nothing with --json."""
    from rich.console import Console
    from rich.live import Live

    from edge.demo.view import draw

    console = Console()
    if as_json:
        yield
    elif console.is_terminal:
        with Live(console=console, screen=True, refresh_per_second=4, get_renderable=lambda: draw(scene)):
            yield
    else:
        scene.echo = click.echo
        yield


def _tell(scene: Scene, held: bool, failure: str, figures: dict[str, object], folder: Path) -> None:
    """What a person reads when the live view is gone."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    if scene.echo is None:
        console.print("\n".join(scene.story), markup=False, highlight=False)
    table = Table(
        title="everything held" if held else "NOT everything held", title_style="bold green" if held else "bold red", show_header=False
    )
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    console.print(table)
    if failure:
        console.print(failure, style="bold red", markup=False)
    console.print(f"everything is in {folder}", markup=False, highlight=False)


def _new_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="edge-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", remedy="name a new folder: a demo never touches earlier footage")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _film(folder: Path, quiet: bool) -> str:
    from edge.demo.replay import FILM_S, make_film

    if not quiet:
        click.echo(f"drawing a film of {FILM_S} s for the second camera to replay ...")
    path = folder / "street-by-night.mp4"
    make_film(path)
    return f"file:{path}"


def _absolute(source: str) -> str:
    """file: paths are the caller's, the node runs elsewhere; a bare path of an existing file is taken as file:."""
    kind, colon, rest = source.partition(":")
    if kind == "file":
        return f"file:{Path(rest).expanduser().resolve()}"
    if not colon and Path(source).is_file():
        return f"file:{Path(source).resolve()}"
    return source
