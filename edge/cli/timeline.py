"""`edge timeline`: what footage there is, what is missing and why, what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from edge.cli.footage import cameras_with_footage, ring_reader
from edge.cli.local_journal import note_view
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.cli.times import parse_range
from edge.clock import NS_PER_S, format_utc
from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.ring.timeline import Timeline


NAME_MAX = 200


@click.command(epilog=example("edge timeline --from -2h", "edge timeline --camera cam0 --from 2026-11-22 --to 2026-11-23 --json"))
@config_option
@json_option
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="May be given again; default all that have footage.")
@click.option("--from", "start", default="-1d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--operator", default="", help="Who looks: with --case, the journal keeps that somebody did.")
@click.option("--case", default="", help="Case reference.")
def command(config_path: Path | None, as_json: bool, cameras: tuple[str, ...], start: str, end: str, operator: str, case: str) -> None:
    """Show per camera what is recorded, every gap with its reason, and motion episodes.

    Times are shown in the node's local time; JSON has UTC.
    """
    if bool(operator) != bool(case) or max(len(operator), len(case)) > NAME_MAX:
        raise UsageError(f"--operator and --case belong together, each with at most {NAME_MAX} letters", remedy="give both, or neither")
    config = load_for_people(config_path).config
    start_ns, end_ns = parse_range(start, end, now_of(config).utc_ns, config.node.timezone)
    reader = ring_reader(config)
    timelines = [reader.timeline(camera, start_ns, end_ns) for camera in cameras_with_footage(config, reader, cameras)]
    if operator:
        for each in timelines:
            note_view(config, each.camera, "timeline", start_ns, end_ns, operator=operator, case=case)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([as_document(each) for each in timelines])))
        return
    from edge.cli.timeline_picture import show

    show(timelines, config.node.timezone)


def covered_ns(timeline: Timeline) -> int:
    """How much of the range has footage."""
    return sum(span.end_utc_ns - span.start_utc_ns for span in timeline.spans)


def as_document(timeline: Timeline) -> dict[str, Any]:
    """For JSON: times in RFC 3339 UTC."""
    return {
        "camera": timeline.camera,
        "start": format_utc(timeline.start_utc_ns),
        "end": format_utc(timeline.end_utc_ns),
        "covered_s": round(covered_ns(timeline) / NS_PER_S, 3),
        "spans": [
            {"start": format_utc(each.start_utc_ns), "end": format_utc(each.end_utc_ns), "segments": each.segments, "undated": each.undated}
            for each in timeline.spans
        ],
        "gaps": [
            {"start": format_utc(each.start_utc_ns), "end": format_utc(each.end_utc_ns), "reason": each.reason, "text": each.text}
            for each in timeline.gaps
        ],
        "events": [
            {
                "id": each.id,
                "since": format_utc(each.since_utc_ns),
                "until": None if each.until_utc_ns is None else format_utc(each.until_utc_ns),
                "score": each.score,
                "zones": each.zones,
            }
            for each in timeline.events
        ],
    }
