"""`edge clip`: footage of a camera as MP4 files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.footage import cameras_with_footage, ring_reader
from edge.cli.options import config_option, example, json_option, known_camera, load_for_people, now_of
from edge.cli.times import local_text, parse_range
from edge.clock import format_utc, parse_utc
from edge.config.model import NodeConfig
from edge.errors import Refused
from edge.messages.clip import ClipRequest, Manifest


@click.command(
    epilog=example(
        "edge clip --camera cam0 --from 2026-11-22T14:05 --to 2026-11-22T14:10 -o evidence.mp4 --operator a.nowak --case 'RSOW 12/26'",
        "edge clip --from -90s --to -30s",
    )
)
@config_option
@json_option
@click.option("--camera", metavar="ID", help="May be left out where there is one only.")
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or a folder that exists; default a name of its own, here.")
@click.option("--operator", default="", help="Who takes it: stated in the manifest and the journal.")
@click.option("--case", default="", help="Case reference: stated in the manifest and the journal.")
def command(
    config_path: Path | None, as_json: bool, camera: str | None, start: str, end: str, output: Path | None, operator: str, case: str
) -> None:
    """Write footage as MP4: the stored pictures, not encoded again.

    One file for each stretch without a gap; several get -1, -2 ... The manifest (hashes, exact times, gaps) is printed. Where part of the
    range is missing the exit code is still 0 and a line on stderr says so; with nothing at all it is 77. Files that exist are not replaced.
    """
    from edge.cli.clip_files import export

    config = load_for_people(config_path).config
    now_ns = now_of(config).utc_ns
    start_ns, end_ns = parse_range(start, end, now_ns, config.node.timezone)
    reader = ring_reader(config)
    asked = cameras_with_footage(config, reader, (camera,))[0] if camera else known_camera(config, None)
    request = ClipRequest(
        id=f"local-{now_ns // 1_000_000:x}", camera=asked, start=format_utc(start_ns), end=format_utc(end_ns), operator=operator, case=case
    )
    manifest, paths = export(config, reader, request, output)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(manifest)))
    else:
        _tell(config, manifest, paths)
    for gap in manifest.gaps:
        click.echo(f"warning: missing {gap.start} to {gap.end}: {gap.reason}", err=True)
    if not manifest.files:
        raise Refused("no_footage", f"{asked} has no footage from {request.start} to {request.end}")


def _tell(config: NodeConfig, manifest: Manifest, paths: list[Path]) -> None:
    for path, file in zip(paths, manifest.files, strict=True):
        first, last = (local_text(parse_utc(text), config.node.timezone) for text in (file.delivered_start, file.delivered_end))
        click.echo(f"{path}")
        click.echo(
            f"  {file.bytes:,} bytes, {file.frames} pictures {file.codec}, {first} to {last} ({config.node.timezone}), clock {file.clock}"
        )
        click.echo(f"  sha256 {file.sha256}")
