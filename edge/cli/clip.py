"""`edge clip`: footage of a camera as MP4 files, alone or as a package for a court."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.footage import cameras_with_footage, ring_reader
from edge.cli.options import config_option, example, json_option, known_camera, load_for_people, now_of
from edge.cli.times import local_text, parse_range
from edge.clock import format_utc, parse_utc
from edge.config.model import NodeConfig
from edge.errors import Refused, UsageError
from edge.messages.clip import ClipRequest, Manifest

_DEFAULT_NAME = ""


@click.command(
    epilog=example(
        "edge clip --camera cam0 --from 2026-11-22T14:05 --to 2026-11-22T14:10 --package RSOW-12-26 --operator a.nowak \\",
        "    --case 'RSOW 12/26' --recipient 'KRP Warszawa I'",
        "edge clip --from -90s --to -30s -o look.mp4 --operator a.nowak --case 'RSOW 12/26'",
    )
)
@config_option
@json_option
@click.option("--camera", metavar="ID", help="May be left out where there is one only.")
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or a folder that exists; default a name of its own, here.")
@click.option(
    "--package",
    is_flag=False,
    flag_value=_DEFAULT_NAME,
    metavar="[FOLDER]",
    help="A new folder with the MP4 files, the signed statement clip.json and reports to print; default that of -o, or a name of its own.",
)
@click.option("--operator", default="", help="Who takes it. Required.")
@click.option("--case", default="", help="Case reference. Required.")
@click.option("--basis", default="", help="Legal basis of the hand-over.")
@click.option("--recipient", default="", help="Who receives it.")
@click.option("--require-signature", is_flag=True, help="Make no package that the node cannot sign.")
def command(
    config_path: Path | None,
    as_json: bool,
    camera: str | None,
    start: str,
    end: str,
    output: Path | None,
    package: str | None,
    operator: str,
    case: str,
    basis: str,
    recipient: str,
    require_signature: bool,
) -> None:
    """Write footage as MP4: the stored pictures, not encoded again.

    Who takes it and for which case is recorded; without them nothing is given out. One file for each stretch without a gap; several get -1,
    -2 ... The manifest (hashes, exact times, gaps) is printed. Where part of the range is missing, or a package is not signed, the exit
    code is still 0 and a line on stderr says so; with nothing at all it is 77. What exists is not replaced.
    """
    if require_signature and package is None:
        raise UsageError("--require-signature is about packages", remedy="add --package")
    config = load_for_people(config_path).config
    now_ns = now_of(config).utc_ns
    start_ns, end_ns = parse_range(start, end, now_ns, config.node.timezone)
    reader = ring_reader(config)
    asked = cameras_with_footage(config, reader, (camera,))[0] if camera else known_camera(config, None)
    request = ClipRequest(
        id=f"local-{now_ns // 1_000_000:x}",
        camera=asked,
        start=format_utc(start_ns),
        end=format_utc(end_ns),
        operator=operator,
        case=case,
        basis=basis,
        recipient=recipient,
    )
    _check(request)
    if package is None:
        from edge.cli.clip_files import export

        manifest, paths = export(config, reader, request, output)
    else:
        from edge.cli.clip_package import export_package

        folder = Path(package) if package else output or Path(f"{asked}_{request.start[:19].replace('-', '').replace(':', '')}Z")
        delivered = export_package(config, reader, request, folder, signature=require_signature)
        manifest, paths = delivered.manifest, delivered.paths
        if delivered.unsigned:
            click.echo(f"warning: the package is not signed: {delivered.unsigned}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(manifest)))
    else:
        _tell(config, manifest, paths)
    for gap in manifest.gaps:
        click.echo(f"warning: missing {gap.start} to {gap.end}: {gap.reason}", err=True)
    if not manifest.files:
        raise Refused("no_footage", f"{asked} has no footage from {request.start} to {request.end}")


def _check(request: ClipRequest) -> None:
    from edge.clip.warrant import check_warrant

    try:
        check_warrant(request)
    except Refused as refused:
        remedy = "add --operator NAME and --case REFERENCE" if refused.code == "no_case" else refused.remedy
        raise UsageError(refused.message, remedy=remedy) from refused


def _tell(config: NodeConfig, manifest: Manifest, paths: list[Path]) -> None:
    for path, file in zip(paths, manifest.files, strict=True):
        first, last = (local_text(parse_utc(text), config.node.timezone) for text in (file.delivered_start, file.delivered_end))
        click.echo(f"{path}")
        click.echo(
            f"  {file.bytes:,} bytes, {file.frames} pictures {file.codec}, {first} to {last} ({config.node.timezone}), clock {file.clock}"
        )
        click.echo(f"  sha256 {file.sha256}")
    for beside in manifest.attachments:
        click.echo(f"{paths[0].parent / beside.name}\n  sha256 {beside.sha256}")
