"""`edge timeline`: what footage there is, what is missing and why, what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import msgspec

from edge.cli.footage import cameras_with_footage, known_zones, ring_reader
from edge.cli.local_journal import note_view
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.cli.times import parse_range
from edge.errors import UsageError
from edge.ring.timeline import matching

NAME_MAX = 200


@click.command(
    epilog=example(
        "edge timeline --from -2h",
        "edge timeline --motion --zone gate --min-score 0.05",
        "edge timeline --camera cam0 --from 2026-11-22 --to 2026-11-23 --json",
    )
)
@config_option
@json_option
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="May be given again; default all that have footage.")
@click.option("--from", "start", default="-1d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--motion", is_flag=True, help="Motion alone: no coverage, no gaps.")
@click.option("--zone", "zones", multiple=True, metavar="NAME", help="Motion that touched it; may be given again.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE", help="Motion that covered this share of the picture."
)
@click.option("--operator", default="", help="Who looks: with --case, the journal keeps that somebody did.")
@click.option("--case", default="", help="Case reference.")
def command(
    config_path: Path | None,
    as_json: bool,
    cameras: tuple[str, ...],
    start: str,
    end: str,
    motion: bool,
    zones: tuple[str, ...],
    min_score: float,
    operator: str,
    case: str,
) -> None:
    """Show per camera what is recorded, every gap with its reason, and motion episodes.

    Times are shown in the node's local time; JSON has UTC.
    """
    if bool(operator) != bool(case) or max(len(operator), len(case)) > NAME_MAX:
        raise UsageError(f"--operator and --case belong together, each with at most {NAME_MAX} letters", remedy="give both, or neither")
    config = load_for_people(config_path).config
    start_ns, end_ns = parse_range(start, end, now_of(config).utc_ns, config.node.timezone)
    reader = ring_reader(config)
    timelines = [reader.timeline(camera, start_ns, end_ns) for camera in cameras_with_footage(config, reader, cameras)]
    if zones or min_score:
        known_zones(config, timelines, zones)
        timelines = [replace(each, events=matching(each.events, zones, min_score)) for each in timelines]
    if operator:
        for each in timelines:
            note_view(config, each.camera, "timeline", start_ns, end_ns, operator=operator, case=case)
    if as_json:
        from edge.ring.timeline_document import as_document

        click.echo(msgspec.json.format(msgspec.json.encode([as_document(each, motion_only=motion) for each in timelines])))
        return
    from edge.cli.timeline_picture import show

    show(timelines, config.node.timezone, motion_only=motion)
