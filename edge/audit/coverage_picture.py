"""A month of one camera as a picture: a row a day, 24 hours of the wall clock, made to be told apart without colours. Pure.

One unit is a minute. The hour that clocks jump over stays empty; the hour that happens twice has its first half above its second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.audit.months import Day, Month, Piece
from edge.audit.words import day_name, percent
from edge.clock import NS_PER_S, parse_utc
from edge.messages.audit import CameraMonth
from edge.paper.page import Html, Language, element, join

Kind = Literal["recorded", "unplanned", "planned", "not_reported"]
KINDS: tuple[Kind, ...] = ("recorded", "unplanned", "planned", "not_reported")

LEFT, PLOT, RIGHT = 175, 1440, 165
TOP, ROW, BAR = 40, 34, 26
LEAST = 5
"""Shorter outages are drawn this wide, in minutes: the table has their true lengths."""
_DAY_S = 86_400
_FILL: dict[Kind, str] = {"recorded": "#2f7d63", "unplanned": "url(#{id}-hatch)", "planned": "url(#{id}-dots)", "not_reported": "#c9c9c9"}
_EDGE: dict[Kind, str] = {"recorded": "none", "unplanned": "#a00018", "planned": "#23457a", "not_reported": "#777"}


@dataclass(frozen=True, slots=True)
class Bar:
    """x, x_end: minutes of the wall clock. lane: 0 the whole height, 1 its upper half, 2 its lower half."""

    x: float
    x_end: float
    lane: int
    kind: Kind


def picture(camera: CameraMonth, month: Month, language: Language, number: int) -> Html:
    """SVG. number: tells this picture's patterns from another's on the page."""
    name = f"p{number}"
    height = TOP + ROW * len(month.days) + 6
    rows = [_row(at, day, each, language, name) for at, (day, each) in enumerate(zip(month.days, _bars(camera, month), strict=True))]
    shares = [
        _text(LEFT + PLOT + RIGHT - 4, TOP + at * ROW + 20, percent(100 * day.recorded_s / day.counted_s, language), anchor="end")
        for at, day in enumerate(camera.days)
        if day.counted_s
    ]
    return element(
        "svg",
        _patterns(name),
        _hours(len(month.days)),
        *rows,
        *shares,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {LEFT + PLOT + RIGHT} {height}",
        width="100%",
        role="img",
    )


def sample(kind: Kind, number: int) -> Html:
    """A small square for the legend."""
    name = f"l{number}"
    shape = _rectangle(1, 1, 46, 24, kind, name)
    return element("svg", _patterns(name), shape, viewBox="0 0 48 26", width="8mm", style="vertical-align:middle")


def _bars(camera: CameraMonth, month: Month) -> Iterator[list[Bar]]:
    """One list a day. At most a bar a minute and kind, whatever happened."""
    start_ns, end_ns = parse_utc(camera.counted_from), parse_utc(camera.counted_to)
    outages = [(parse_utc(each.start), parse_utc(each.end), _kind(each.reason, each.planned)) for each in camera.outages]
    place = 0
    for day in month.days:
        while place < len(outages) and outages[place][1] <= day.start_utc_ns:
            place += 1
        at = place
        today = []
        while at < len(outages) and outages[at][0] < day.end_utc_ns:
            today.append(outages[at])
            at += 1
        yield _merged([*_placed(day, [(start_ns, end_ns, "recorded")]), *_placed(day, today)])


def _kind(reason: str, planned: bool) -> Kind:
    return "not_reported" if reason == "not_reported" else "planned" if planned else "unplanned"


def _placed(day: Day, stretches: Iterable[tuple[int, int, Kind]]) -> Iterator[Bar]:
    lanes = list(_lanes(day.pieces))
    for start_ns, end_ns, kind in stretches:
        for piece, first_s, last_s, lane in lanes:
            shift_s = piece.wall_s - piece.start_utc_ns / NS_PER_S
            begin, finish = max(start_ns / NS_PER_S + shift_s, first_s), min(end_ns / NS_PER_S + shift_s, last_s)
            if begin < finish:
                yield Bar(begin / 60, finish / 60, lane, kind)


def _lanes(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, int, int, int]]:
    """(piece, from, to, lane): stretches of the wall clock; where two pieces show the same hours each gets half the height."""
    if len(pieces) == 2 and pieces[0].wall_end_s > pieces[1].wall_s:
        before, after = pieces
        yield before, before.wall_s, after.wall_s, 0
        yield before, after.wall_s, before.wall_end_s, 1
        yield after, after.wall_s, before.wall_end_s, 2
        yield after, before.wall_end_s, _DAY_S, 0
    else:
        for piece in pieces:
            yield piece, max(0, piece.wall_s), min(_DAY_S, piece.wall_end_s), 0


def _merged(bars: Iterable[Bar]) -> list[Bar]:
    """Drawn wide enough to be seen, and as one where they would touch."""
    found: list[Bar] = []
    last: dict[tuple[int, Kind], int] = {}
    for bar in bars:
        end = bar.x_end if bar.kind == "recorded" else max(bar.x_end, bar.x + LEAST)
        end = min(end, PLOT)
        key = (bar.lane, bar.kind)
        at = last.get(key)
        if at is not None and bar.x - found[at].x_end < 1:
            found[at] = Bar(found[at].x, max(end, found[at].x_end), bar.lane, bar.kind)
            continue
        last[key] = len(found)
        found.append(Bar(min(bar.x, PLOT - LEAST), end, bar.lane, bar.kind))
    return found


def _row(at: int, day: Day, bars: Sequence[Bar], language: Language, name: str) -> Html:
    y = TOP + at * ROW
    hours = day.length_s / 3600
    label = day_name(day.date.isoformat(), language) + ("" if hours == 24 else f" ({hours:g} h)")
    parts = [_text(LEFT - 12, y + 20, label, anchor="end", bold=hours != 24)]
    half = BAR / 2
    for bar in bars:
        top, height = y + (half if bar.lane == 2 else 0), half if bar.lane else BAR
        parts.append(_rectangle(LEFT + bar.x, top, bar.x_end - bar.x, height, bar.kind, name))
    return join(parts)


def _rectangle(x: float, y: float, width: float, height: float, kind: Kind, name: str) -> Html:
    drawn = {"x": f"{x:.1f}", "y": f"{y:g}", "width": f"{width:.1f}", "height": f"{height:g}"}
    if kind == "recorded":
        return element("rect", **drawn, fill=_FILL[kind])
    ground = element("rect", **drawn, fill="#fff")
    look = {"fill": _FILL[kind].format(id=name), "stroke": _EDGE[kind], "stroke-width": "1.5"}
    return join((ground, element("rect", **drawn, **look)))


def _hours(days: int) -> Html:
    bottom = TOP + ROW * days
    parts = []
    for hour in range(0, 25, 2):
        x = LEFT + hour * 60
        dash = {} if hour % 6 == 0 else {"stroke-dasharray": "3 5"}
        line = {"x1": str(x), "x2": str(x), "y1": str(TOP - 6), "y2": str(bottom), "stroke": "#888", "stroke-width": "1.2"}
        parts += [element("line", **line, **dash), _text(x, TOP - 14, f"{hour:02d}", anchor="middle")]
    return join(parts)


def _text(x: float, y: float, words: str, *, anchor: str, bold: bool = False) -> Html:
    weight = {"font-weight": "bold"} if bold else {}
    return element("text", words, **{"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "font-size": "22", "fill": "#111", **weight})


def _patterns(name: str) -> Html:
    units = {"patternUnits": "userSpaceOnUse"}
    stroke = element("line", **{"x1": "0", "y1": "0", "x2": "0", "y2": "8", "stroke": "#a00018", "stroke-width": "5"})
    hatch = element("pattern", stroke, **units, id=f"{name}-hatch", width="8", height="8", patternTransform="rotate(45)")
    dot = element("circle", cx="5", cy="5", r="1.8", fill="#23457a")
    dots = element("pattern", dot, **units, id=f"{name}-dots", width="9", height="9")
    return element("defs", hatch, dots)
