"""Timelines as tables in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli.times import local_text
from edge.clock import NS_PER_S
from edge.ring.timeline import Timeline
from edge.ring.timeline_document import covered_ns

BAR = 48
OTHER_COLUMNS = 50
LISTED = 40
"""Gaps and events shown of each camera; JSON has all."""
NEAR = 0.02
"""Of the picture: shorter ways have no direction."""
_ARROWS = "→↘↓↙←↖↑↗"
_FULL, _PART, _NONE = "█", "▒", "·"


def show(timelines: Sequence[Timeline], zone: str, console: Console | None = None, *, motion_only: bool = False) -> None:
    """Prints one table of coverage, then gaps and events of each camera."""
    console = console or Console(highlight=False)
    if not timelines:
        console.print("there is no footage yet")
        return
    if motion_only and not any(each.events for each in timelines):
        console.print("no such motion")
        return
    if not motion_only:
        console.print(_coverage(timelines, zone, max(10, min(BAR, console.width - OTHER_COLUMNS))))
    for timeline in timelines:
        if timeline.gaps and not motion_only:
            console.print(_gaps(timeline, zone))
        if timeline.events:
            console.print(_events(timeline, zone))


def bar(timeline: Timeline, width: int = BAR) -> str:
    """One character for each slice of the range: all there, part there, nothing there."""
    length = max(1, timeline.end_utc_ns - timeline.start_utc_ns)
    text = ""
    for slot in range(width):
        begin = timeline.start_utc_ns + length * slot // width
        finish = timeline.start_utc_ns + length * (slot + 1) // width
        there = sum(max(0, min(span.end_utc_ns, finish) - max(span.start_utc_ns, begin)) for span in timeline.spans)
        text += _NONE if there == 0 else _FULL if there >= (finish - begin) * 0.98 else _PART
    return text


def _coverage(timelines: Sequence[Timeline], zone: str, width: int) -> Table:
    first = timelines[0]
    title = f"{local_text(first.start_utc_ns, zone)} to {local_text(max(each.end_utc_ns for each in timelines), zone)} ({zone})"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for heading in ("camera", "coverage", "%", "footage", "gaps", "events"):
        table.add_column(heading, justify="left" if heading in ("camera", "coverage") else "right", no_wrap=heading == "coverage")
    for each in timelines:
        covered, length = covered_ns(each), max(1, each.end_utc_ns - each.start_utc_ns)
        share = f"{100 * covered / length:.2f}"
        table.add_row(each.camera, Text(bar(each, width)), share, length_text(covered), str(len(each.gaps)), str(len(each.events)))
    return table


def _gaps(timeline: Timeline, zone: str) -> Table:
    table = _table(f"{timeline.camera}: gaps", ("from", "to", "length", "reason", ""), len(timeline.gaps))
    for each in timeline.gaps[-LISTED:]:
        length = length_text(each.end_utc_ns - each.start_utc_ns)
        table.add_row(local_text(each.start_utc_ns, zone), local_text(each.end_utc_ns, zone), length, each.reason, Text(each.text))
    return table


def _events(timeline: Timeline, zone: str) -> Table:
    table = _table(f"{timeline.camera}: motion", ("from", "to", "length", "score", "way", "zones"), len(timeline.events))
    for each in timeline.events[-LISTED:]:
        until = "lasts" if each.until_utc_ns is None else local_text(each.until_utc_ns, zone)
        length = "" if each.until_utc_ns is None else length_text(each.until_utc_ns - each.since_utc_ns)
        table.add_row(local_text(each.since_utc_ns, zone), until, length, f"{each.score:.2f}", way(each.path), Text(", ".join(each.zones)))
    return table


def _table(title: str, headings: tuple[str, ...], count: int) -> Table:
    shown = f" (the last {LISTED} of {count}; --json has all)" if count > LISTED else ""
    table = Table(title=title + shown, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("length", "score") else "left", no_wrap=heading in ("from", "to"))
    return table


def way(path: Sequence[float]) -> str:
    """An arrow in the picture, the way of what went farthest; empty where nothing went far."""
    if len(path) != 4:
        return ""
    across, down = path[2] - path[0], path[3] - path[1]
    if math.hypot(across, down) < NEAR:
        return ""
    return _ARROWS[round(math.atan2(down, across) / (math.pi / 4)) % 8]


def length_text(length_ns: int) -> str:
    """For people: 0.12 s, 59.4 s, 12 m 07 s, 3 h 05 m, 2 d 04 h."""
    seconds = length_ns / NS_PER_S
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02d} h"
