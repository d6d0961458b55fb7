"""`edge custody`: who saw, took, locked or destroyed footage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edge.cli.accounts import language_option
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.cli.times import parse_range, zone_of
from edge.errors import IntegrityError, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.ring.layout import folders_of

if TYPE_CHECKING:
    from edge.messages.audit import CustodyEntry, CustodyLog


@click.command(epilog=example("edge custody --from -30d", "edge custody --from 2026-11-01 --to 2026-12-01 --html custody.html"))
@config_option
@json_option
@language_option
@click.option("--from", "start", default="-30d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--html", "html", type=click.Path(path_type=Path), metavar="FILE", help="A page to print; an existing file is replaced.")
def command(config_path: Path | None, as_json: bool, language: str, start: str, end: str, html: Path | None) -> int:
    """Show the custody log: footage viewed, exported, locked, released, destroyed, and commands of the centre, with who and which case.

    Built from the journals; their chain is checked on the way. Exit 65: it is broken (the log is printed all the same).
    """
    from edge.audit.custody import custody_log
    from edge.audit.journals import NodeJournals

    config = load_for_people(config_path).config
    now_ns, zone = now_of(config).utc_ns, zone_of(config.node.timezone)
    first, last = parse_range(start, end, now_ns, config.node.timezone)
    journals = NodeJournals(LinuxDisk(), folders_of(config).journals)
    log = custody_log(config.node.id, config.node.place, "node", zone, journals, first, last, now_ns)
    return hand_out(log, as_json, html, language)


def hand_out(log: CustodyLog, as_json: bool, html: Path | None, language: str) -> int:
    """The exit code."""
    if html is not None:
        _write_page(log, html, language)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(log)))
    elif html is None:
        _tell(log)
    broken = [state for state in log.journals if not state.whole]
    for state in broken:
        for fault in state.faults:
            click.echo(f"warning: journal {state.journal}: {fault}", err=True)
    return IntegrityError.exit_code if broken else 0


def _write_page(log: CustodyLog, path: Path, language: str) -> None:
    from edge.audit.custody_page import custody_page

    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}", remedy="make it, or name another file")
    LinuxDisk().replace(path.absolute(), custody_page(log, "en" if language == "en" else "pl").encode())


def _tell(log: CustodyLog) -> None:
    from edge.cli.journal import printable

    for entry in log.entries:
        click.echo(printable(_line(entry)))
    read = ", ".join(f"{state.journal} {state.first_seq}-{state.last_seq}" for state in log.journals)
    whole = "whole" if all(state.whole for state in log.journals) else "BROKEN"
    click.echo(f"{len(log.entries)} entries; chain {whole}: {read or 'no journals'}")


def _line(entry: CustodyEntry) -> str:
    count = f"{entry.count} segments" if entry.kind == "erase" else ""
    footage = f"{entry.start} to {entry.end}" if entry.start else ""
    named = [f"{word} {value}" for word, value in (("by", entry.who), ("case", entry.case), ("for", entry.recipient)) if value]
    parts = [entry.kind, entry.state, entry.camera, footage, count, *named, entry.id, entry.text]
    mark = "" if entry.clock == "trusted" else "?"
    return f"{entry.t}{mark}  {'  '.join(part for part in parts if part)}"
