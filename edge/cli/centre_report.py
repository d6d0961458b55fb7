"""`edge centre report`: month, custody. From the centre's copy of the journals: no node is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from edge.audit.custody import custody_log
from edge.audit.month import Node, month_report
from edge.audit.months import month_of
from edge.audit.town import town_month, town_page
from edge.centre.journals import StoredJournals, stored_nodes
from edge.cli.accounts import language_option, output_option, write_account
from edge.cli.centre_link import folder_option, now_utc_ns
from edge.cli.custody import hand_out as hand_out_custody
from edge.cli.options import example, json_option
from edge.cli.report import hand_out, tell_pace
from edge.cli.times import parse_range, zone_of
from edge.clock import monotonic_s
from edge.config.model import Node as NodeSection
from edge.errors import UsageError
from edge.host.linux_disk import LinuxDisk
from edge.messages.audit import MonthReport, TownMonth
from edge.paper.page import Language

ZONE = NodeSection(id="x", data="x").timezone


@click.group(name="report", epilog=example("edge centre report month 2026-11 --folder centre -o reports/"))
def command() -> None:
    """Account for the nodes, from the journals that `edge centre receive` has stored."""


@command.command(
    epilog=example("edge centre report month 2026-11 -o reports/", "edge centre report month 2026-11 --node pole-17 -o pole-17.html")
)
@folder_option
@json_option
@language_option
@output_option
@click.argument("month", metavar="YYYY-MM")
@click.option("--node", metavar="ID", help="Its own account; default all nodes, with a sheet for the town.")
@click.option("--timezone", default=ZONE, show_default=True, help="Of the month.")
def month(folder: Path, as_json: bool, language: str, output: Path | None, month: str, node: str | None, timezone: str) -> None:
    """Availability of one node's cameras in a month, or of all.

    With a folder as -o, the sheet of the town and the page of each node go there.
    """
    known = _check_known(folder, node)
    wanted, now_ns, words = month_of(month, zone_of(timezone)), now_utc_ns(), _language(language)

    def report_of(each: str) -> MonthReport:
        began_s = monotonic_s()
        report = month_report(Node(each, "", "centre"), wanted, StoredJournals(LinuxDisk(), folder, each), now_ns)
        click.echo(f"{each}: ", err=True, nl=False)
        tell_pace(report, monotonic_s() - began_s)
        return report

    if node is not None:
        hand_out(report_of(node), language, output, as_json)
        return

    def reports() -> Iterator[MonthReport]:
        for each in known:
            report = report_of(each)
            if output is not None and output.is_dir():
                hand_out(report, language, output, as_json)
            yield report

    _hand_out_town(town_month(wanted, reports(), now_ns), words, output, as_json)


@command.command(epilog=example("edge centre report custody pole-17 --from 2026-11-01 --to 2026-12-01 --html custody.html"))
@folder_option
@json_option
@language_option
@click.argument("node")
@click.option("--from", "start", default="-30d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset, and of the page.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="A page to print; an existing file is replaced.")
def custody(folder: Path, as_json: bool, language: str, node: str, start: str, end: str, timezone: str, html: Path | None) -> int:
    """The custody log of NODE, as `edge custody` there. Exit 65: the chain of the stored journals is broken."""
    _check_known(folder, node)
    now_ns = now_utc_ns()
    first, last = parse_range(start, end, now_ns, timezone)
    journals = StoredJournals(LinuxDisk(), folder, node)
    return hand_out_custody(custody_log(node, "", "centre", zone_of(timezone), journals, first, last, now_ns), as_json, html, language)


def _check_known(folder: Path, node: str | None) -> list[str]:
    known = stored_nodes(folder) if folder.is_dir() else []
    if not known or (node is not None and node not in known):
        raise UsageError(f"{folder} has no journals" + (f" of {node}" if node else ""), remedy="nodes: " + (", ".join(known) or "none"))
    return known


def _hand_out_town(town: TownMonth, language: Language, output: Path | None, as_json: bool) -> None:
    from edge.audit.words import NBSP, percent

    document = msgspec.json.format(msgspec.json.encode(town))
    if output is not None:
        for path in write_account(output, f"availability-{town.month}", language, document, lambda: town_page(town, language)):
            click.echo(str(path))
    elif as_json:
        click.echo(document)
    else:
        for row in town.rows:
            click.echo(f"{row.node}  {row.camera}  {percent(row.availability_percent, 'en')}  {row.outages} outages".replace(NBSP, " "))


def _language(word: str) -> Language:
    return "en" if word == "en" else "pl"
