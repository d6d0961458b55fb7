"""`edge retention`: report, protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from edge.cli.footage import cameras_with_footage, ring_reader
from edge.cli.hold import holds_to_look_at
from edge.cli.new_file import write_new
from edge.cli.options import clock_of, config_option, example, json_option, load_for_people, now_of
from edge.cli.times import local_text, parse_range
from edge.clock import NS_PER_MS, format_utc, parse_utc
from edge.errors import IntegrityError
from edge.host.linux_disk import LinuxDisk
from edge.paper.page import Language
from edge.ring.destruction import read_destruction
from edge.ring.layout import folders_of
from edge.ring.retention_report import CameraReport, RetentionReport, retention_report


@click.group(epilog=example("edge retention report"))
def command() -> None:
    """How long footage is kept, and proof of what was destroyed."""


@command.command(epilog=example("edge retention report", "edge retention report --html report.html"))
@config_option
@json_option
@click.option("--html", "html", metavar="FILE", type=click.Path(path_type=Path), help="Write it as a printable page.")
@click.option("--lang", "language", type=click.Choice(["pl", "en"]), default="pl", show_default=True, help="Of the page.")
def report(config_path: Path | None, as_json: bool, html: Path | None, language: Language) -> None:
    """Show per camera how far footage reaches, how far it will at the measured rate, what is erased next, and what holds pin.

    "will reach" is how old footage gets before room runs out. The rate is that of the last day of footage; a month of each journal is read.
    """
    from edge.cli.retention_page import retention_page

    config = load_for_people(config_path).config
    cameras = cameras_with_footage(config, ring_reader(config), ())
    holds = holds_to_look_at(config)
    made = retention_report(config, LinuxDisk(), folders_of(config), clock_of(config), holds, cameras)
    if html is not None:
        write_new(html, retention_page(made, config.node.id, config.node.place, config.node.timezone, language).encode())
        click.echo(f"{html}")
    elif as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_as_document(made))))
    else:
        _tell(made, config.node.timezone)


@command.command(epilog=example("edge retention protocol --from 2026-11-01 --to 2026-12-01 -o protokol-2026-11.html"))
@config_option
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME")
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="May be given again; default all, removed ones included.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File; one that exists is not replaced.")
def protocol(config_path: Path | None, start: str, end: str, cameras: tuple[str, ...], output: Path) -> int:
    """Write the destruction protocol of a period (when it was destroyed), in Polish, to be printed and signed.

    Built from the journals alone, whose chain is checked on the way. Exit 65: the chain is broken; the protocol is written and says so.
    """
    from edge.cli.destruction_page import destruction_page

    config = load_for_people(config_path).config
    now_ns, zone = now_of(config).utc_ns, config.node.timezone
    start_ns, end_ns = parse_range(start, end, now_ns, zone)
    found = read_destruction(LinuxDisk(), folders_of(config), start_ns, end_ns, cameras)
    write_new(output, destruction_page(found, config.node.id, config.node.place, zone, now_ns).encode())
    early = sum(each.is_early for each in found.destroyed)
    said = f"{output}: {len(found.destroyed):,} segments of {', '.join(found.cameras()) or 'no camera'}, {early:,} of them early"
    click.echo(f"{said}; journals {'whole' if found.is_whole else 'BROKEN'}")
    for period in found.journals:
        for fault in period.faults:
            click.echo(f"warning: {period.journal}: {fault}", err=True)
    return 0 if found.is_whole else IntegrityError.exit_code


def _tell(made: RetentionReport, zone: str) -> None:
    from edge.cli.retention_page import remarks

    low, high = made.bounds
    click.echo(f"rule: erased after {made.days:g} days, not before {made.minimum_days:g}; {made.profile} allows {low:g} to {high:g} days")
    click.echo(
        f"disk: {made.total_bytes / 1e9:,.1f} GB, {made.free_bytes / 1e9:,.1f} GB free, {made.reserve_bytes / 1e9:,.1f} GB kept free"
    )
    click.echo(
        f"holds: {made.held_bytes:,} of {made.quota_bytes:,} bytes" + (f"; past review: {', '.join(made.late)}" if made.late else "")
    )
    if not made.dated:
        click.echo("warning: the clock is not synchronised: ages are not known", err=True)
    width = max((len(each.camera) for each in made.cameras), default=6)
    click.echo(f"{'camera':<{width}}  GB a day  kept days  will reach  oldest            next erasure")
    for each in made.cameras:
        click.echo(f"{each.camera:<{width}}  {_line(each, zone)}")
        for text in remarks(each, made, "en"):
            click.echo(f"{'':<{width}}    {text}")
        for hold in each.holds:
            review = "" if hold.review is None else f", review {local_text(parse_utc(hold.review), zone)[:10]}"
            click.echo(f"{'':<{width}}    hold {hold.id}: {hold.bytes:,} bytes, case {hold.case}, by {hold.by}{review}")


def _line(each: CameraReport, zone: str) -> str:
    reach = each.horizon
    oldest = "-" if each.oldest_utc_ms is None else local_text(each.oldest_utc_ms * NS_PER_MS, zone)[:16]
    if reach is None:
        return f"{'-':>8}  {'-':>9}  {'-':>10}  {oldest:<16}  -"
    kept = "-" if reach.kept_days is None else f"{reach.kept_days:.1f}"
    following = "-" if reach.next_ms is None else f"{local_text(reach.next_ms * NS_PER_MS, zone)[:16]} ({reach.next_reason})"
    rate = f"{reach.bytes_per_day / 1e9:.1f}{'' if reach.measured else '*'}"
    return f"{rate:>8}  {kept:>9}  {reach.fits_days:>10.1f}  {oldest:<16}  {following}"


def _as_document(made: RetentionReport) -> dict[str, Any]:
    """For JSON: times in RFC 3339 UTC."""
    told: dict[str, Any] = msgspec.to_builtins(made)
    told["t"] = format_utc(told.pop("now_utc_ns"))
    for camera in told["cameras"]:
        oldest_ms = camera.pop("oldest_utc_ms")
        camera["oldest"] = None if oldest_ms is None else format_utc(oldest_ms * NS_PER_MS)
        if camera["horizon"] is not None:
            next_ms = camera["horizon"].pop("next_ms")
            camera["horizon"]["next"] = None if next_ms is None else format_utc(next_ms * NS_PER_MS)
    return told
