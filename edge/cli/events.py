"""`edge events sheet`: motion episodes as pictures on one sheet that a person can skim."""

from __future__ import annotations

from pathlib import Path

import click

from edge.audit.local_journal import record_before
from edge.cli.events_page import Moment, as_page, as_picture
from edge.cli.footage import cameras_with_footage, known_zones, ring_reader
from edge.cli.new_file import write_new
from edge.cli.options import config_option, example, load_for_people, now_of
from edge.cli.times import local_text, parse_range
from edge.clip.sheet import NoDecoder, decoded
from edge.clip.snapshot import coded_at
from edge.clock import format_utc
from edge.errors import Refused, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.messages.evidence import Viewed
from edge.paper.page import Language
from edge.ring.query import RingReader
from edge.ring.timeline import Event, matching

WIDTH = 480
"""Pixels of a picture."""


@click.group(epilog=example("edge events sheet --from -12h -o night.html --operator a.nowak --case 'RSOW 12/26'"))
def command() -> None:
    """Motion episodes as pictures."""


@command.command(
    epilog=example(
        "edge events sheet --from -12h -o night.html --operator a.nowak --case 'RSOW 12/26'",
        "edge events sheet --zone gate --min-score 0.02 -o gate.png --operator a.nowak --case 'RSOW 12/26'",
    )
)
@config_option
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="May be given again; default all that have footage.")
@click.option("--from", "start", default="-1d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--zone", "zones", multiple=True, metavar="NAME", help="Motion that touched it; may be given again.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE", help="Motion that covered this share of the picture."
)
@click.option("--most", type=click.IntRange(1, 500), default=60, show_default=True, help="Episodes shown: the newest.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A new file: .html to read, .png to look at.")
@click.option("--lang", "language", type=click.Choice(["pl", "en"]), default="pl", show_default=True, help="Of the page.")
@click.option("--operator", default="", help="Who looks. Required.")
@click.option("--case", default="", help="Case reference. Required.")
def sheet(
    config_path: Path | None,
    cameras: tuple[str, ...],
    start: str,
    end: str,
    zones: tuple[str, ...],
    min_score: float,
    most: int,
    output: Path,
    language: Language,
    operator: str,
    case: str,
) -> None:
    """Put a picture of each motion episode on one sheet, with an arrow the way of what went farthest.

    The pictures are key frames of the recording, masked as it is: the last one before most was moving. Who looks and for which case is
    recorded; without them nothing is shown.
    """
    if output.suffix not in (".html", ".png"):
        raise UsageError(f"{output}: neither .html nor .png", remedy="say by the file's name which it is to be")
    if output.exists():
        raise UsageError(f"{output} exists already", remedy="name another file")
    if not operator or not case:
        raise UsageError("who looks, and for which case?", remedy="give --operator and --case")
    config = load_for_people(config_path).config
    start_ns, end_ns = parse_range(start, end, now_of(config).utc_ns, config.node.timezone)
    reader = ring_reader(config)
    timelines = [reader.timeline(camera, start_ns, end_ns) for camera in cameras_with_footage(config, reader, cameras)]
    known_zones(config, timelines, zones)
    found = [(each.camera, event) for each in timelines for event in matching(each.events, zones, min_score)]
    shown = sorted(found, key=lambda pair: pair[1].since_utc_ns)[-most:]
    if not shown:
        click.echo("no such motion: nothing was written")
        return
    span = format_utc(start_ns), format_utc(end_ns)
    for camera in dict.fromkeys(camera for camera, _ in shown):
        record_before(config, [Viewed(operator=operator, case=case, what="events", camera_id=camera, start=span[0], end=span[1])], camera)
    moments = _pictured(reader, shown)
    zone = config.node.timezone
    title = f"{config.node.id} {local_text(start_ns, zone)} - {local_text(end_ns, zone)}"
    write_new(output, as_page(moments, title, zone, language).encode() if output.suffix == ".html" else as_picture(moments, title, zone))
    without = sum(not each.jpeg for each in moments)
    more = f", {len(found) - len(shown)} older ones left out (--most)" if len(found) > len(shown) else ""
    click.echo(f"{output}: episodes: {len(shown)}{more}" + (f", {without} without footage" if without else ""))


def _pictured(reader: RingReader, shown: list[tuple[str, Event]]) -> list[Moment]:
    """In their order; without a picture where footage is gone."""
    coded, places = [], []
    for number, (camera, event) in enumerate(shown):
        try:
            coded.append(coded_at(reader, LinuxDisk(), camera, event.peak_utc_ns or event.since_utc_ns)[1])
            places.append(number)
        except Refused:
            continue
    try:
        pictures = dict(zip(places, decoded(coded, width=WIDTH) if coded else [], strict=False))
    except NoDecoder:
        raise Refused("no_decoder", "this machine cannot decode pictures", remedy="install PyAV (the package av)") from None
    return [Moment(camera, event, pictures.get(number, b"")) for number, (camera, event) in enumerate(shown)]
