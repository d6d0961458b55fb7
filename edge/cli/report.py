"""`edge report`: month."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edge.cli.accounts import language_option, output_option, write_account
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.cli.times import zone_of
from edge.clock import monotonic_s
from edge.errors import UsageError
from edge.host.linux_disk import LinuxDisk
from edge.ring.layout import folders_of

if TYPE_CHECKING:
    from edge.messages.audit import CameraMonth, MonthReport


@click.group(epilog=example("edge report month 2026-11 -o november.html"))
def command() -> None:
    """Account for this node, from its journals: also for footage that is erased by now."""


@command.command(epilog=example("edge report month 2026-11 -o reports/", "edge report month 2026-11 --camera cam0 --lang en -o cam0.html"))
@config_option
@json_option
@language_option
@output_option
@click.argument("month", metavar="YYYY-MM")
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="May be given again; default all that have records.")
def month(config_path: Path | None, as_json: bool, language: str, output: Path | None, month: str, cameras: tuple[str, ...]) -> None:
    """Availability of each camera in a month: share recorded, each outage with its reason, clips, locks, erasures.

    The month is one of the node's time zone. Without -o a short table is printed.
    """
    from edge.audit.journals import NodeJournals
    from edge.audit.month import Node, month_report
    from edge.audit.months import month_of

    config = load_for_people(config_path).config
    journals = NodeJournals(LinuxDisk(), folders_of(config).journals)
    names = {camera.id: camera.name for camera in config.camera}
    node = Node(config.node.id, config.node.place, "node", names, cameras)
    began_s = monotonic_s()
    report = month_report(node, month_of(month, zone_of(config.node.timezone)), journals, now_of(config).utc_ns)
    check_asked(report, cameras)
    hand_out(report, language, output, as_json)
    tell_pace(report, monotonic_s() - began_s)


def check_asked(report: MonthReport, cameras: tuple[str, ...]) -> None:
    known = [each.camera for each in report.cameras]
    for camera in cameras:
        if camera not in known:
            raise UsageError(f'camera "{camera}" has no records in {report.month}', remedy="cameras: " + (", ".join(known) or "none"))


def hand_out(report: MonthReport, language: str, output: Path | None, as_json: bool) -> None:
    """Into files, or to stdout."""
    from edge.audit.month_page import month_page

    document = msgspec.json.format(msgspec.json.encode(report))
    if output is not None:
        stem = f"availability-{report.node}-{report.month}"
        for path in write_account(output, stem, language, document, lambda: month_page(report, "en" if language == "en" else "pl")):
            click.echo(str(path))
    elif as_json:
        click.echo(document)
    else:
        for line in table_of(report):
            click.echo(line)


def table_of(report: MonthReport) -> list[str]:
    """For a terminal, or a mail: one line a camera."""
    if not report.cameras:
        return [f"no camera has records in {report.month}"]
    lines = [f"{report.node}, {report.month} ({report.timezone})" + (": the month is not over" if report.in_progress else "")]
    return lines + [_line(each) for each in report.cameras]


def _line(camera: CameraMonth) -> str:
    from edge.audit.words import NBSP, REASONS, duration, percent

    worst = max(camera.outages, key=lambda each: each.seconds, default=None)
    parts = [
        f"{len(camera.outages)} outages",
        f"{duration(camera.unplanned_s, 'en')} unplanned",
        f"{duration(camera.planned_s, 'en')} planned",
        *([f"longest {duration(worst.seconds, 'en')}: {REASONS[worst.reason]['en']}"] if worst else []),
    ]
    return f"{camera.camera}  {percent(camera.availability_percent, 'en')}  {', '.join(parts)}".replace(NBSP, " ")


def tell_pace(report: MonthReport, took_s: float) -> None:
    records = sum(each.lines for each in report.journals)
    click.echo(f"{len(report.cameras)} cameras, {records:,} records read in {took_s:.1f} s", err=True)
    for state in report.journals:
        for fault in state.faults:
            click.echo(f"warning: journal {state.journal}: {fault}", err=True)
