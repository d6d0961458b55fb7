"""Clip jobs in a terminal: of this node, or of one that was asked."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli.journal import printable
from edge.cli.times import local_text
from edge.clock import parse_utc
from edge.upload.job_list import JobLine

_STYLES = {"done": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}


def show_jobs(lines: Sequence[JobLine], left_out: int, zone: str, console: Console | None = None) -> None:
    """Times in local time of `zone`."""
    console = console or Console(highlight=False)
    if not lines:
        console.print("there are no clip jobs")
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("job", "camera", "footage", "state", "sent", "for", "what of it"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        state = Text(line.state + (" !" if line.urgent else ""), style=_STYLES.get(line.state, ""))
        who = printable(f"{line.operator}, {line.case}".strip(", "))
        table.add_row(line.id, printable(line.camera), _footage(line, zone), state, _sent(line), Text(who), Text(_words(line, zone)))
    console.print(table)
    if left_out:
        console.print(f"{left_out} older closed jobs are not shown")


def _footage(line: JobLine, zone: str) -> str:
    try:
        first, last = (local_text(parse_utc(each), zone)[:19] for each in (line.start, line.end))
    except ValueError:
        return printable(f"{line.start} {line.end}")
    return f"{first} - {last[11:] if last[:10] == first[:10] else last}"


def _sent(line: JobLine) -> str:
    return f"{line.sent_bytes / 1e6:,.1f} of {line.total_bytes / 1e6:,.1f} MB" if line.total_bytes else ""


def _words(line: JobLine, zone: str) -> str:
    words = [line.code, line.text]
    if line.place:
        words.append(f"number {line.place} in the line")
    if line.deadline and line.state in ("accepted", "running"):
        words.append(f"until {local_text(parse_utc(line.deadline), zone)[:16]}")
    if line.cancelled_by and line.state in ("accepted", "running"):
        words.append(f"called off by {line.cancelled_by}")
    return printable("; ".join(filter(None, words)))
