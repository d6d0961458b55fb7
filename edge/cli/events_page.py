"""Motion episodes on one sheet: a page, or one picture. Times are local."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.cli.timeline_picture import length_text, way
from edge.cli.times import local_text
from edge.paper.page import Html, Language, element, join, jpeg, page, stacked
from edge.ring.timeline import Event

COLUMNS = 4
CELL_WIDTH, CELL_HEIGHT, CAPTION = 320, 180, 44
_TITLE = {"pl": "Zdarzenia", "en": "Events"}
_GONE = {"pl": "brak nagrania", "en": "no footage"}


@dataclass(frozen=True, slots=True)
class Moment:
    """jpeg: empty where there is no footage."""

    camera: str
    event: Event
    jpeg: bytes


def as_page(moments: Sequence[Moment], title: str, zone: str, language: Language) -> str:
    figures = (_figure(each, zone, language) for each in moments)
    heading = f"{_TITLE[language]}: {title}"
    return page(heading, language, element("h1", heading), element("div", *figures, class_="pictures"))


def _figure(moment: Moment, zone: str, language: Language) -> Html:
    picture = jpeg(moment.jpeg) if moment.jpeg else element("p", _GONE[language], class_="quiet")
    framed = element("div", picture, _arrow(moment.event.path) if moment.jpeg else "", style="position: relative")
    return element("figure", framed, element("figcaption", stacked(_captions(moment, zone))))


def _arrow(path: Sequence[float]) -> Html:
    """Over the picture, where something went far enough to have a way."""
    if not way(path):
        return Html("")
    x, y, to_x, to_y = (f"{100 * place:.1f}" for place in path)
    pen = {"stroke": "#ff0", "stroke-width": "1.5", "vector-effect": "non-scaling-stroke"}
    line = element("line", x1=x, y1=y, x2=to_x, y2=to_y, **pen)
    end = element("ellipse", cx=to_x, cy=to_y, rx="1.4", ry="2.4", fill="#ff0")
    place = "position: absolute; inset: 0; width: 100%; height: 100%"
    return element("svg", line, end, viewBox="0 0 100 100", preserveAspectRatio="none", style=place)


def _captions(moment: Moment, zone: str) -> list[Html]:
    event = moment.event
    lasted = "" if event.until_utc_ns is None else f" {length_text(event.until_utc_ns - event.since_utc_ns)}"
    when = join((element("b", moment.camera), f" {local_text(event.since_utc_ns, zone)}{lasted}"))
    return [when, join((f"{100 * event.score:.1f} % {way(event.path)} {', '.join(event.zones)}",))]


def as_picture(moments: Sequence[Moment], title: str, zone: str) -> bytes:
    """PNG, white, four pictures a row."""
    import cv2
    import numpy as np

    rows = -(-len(moments) // COLUMNS)
    sheet = np.full((40 + rows * (CELL_HEIGHT + CAPTION), COLUMNS * CELL_WIDTH, 3), 255, np.uint8)

    def write(text: str, x: int, y: int, size: float = 0.42) -> None:
        plain = text.encode("ascii", "replace").decode()
        cv2.putText(sheet, plain, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, (20, 20, 20), 1, cv2.LINE_AA)

    write(title, 8, 26, 0.6)
    for number, moment in enumerate(moments):
        x, y = number % COLUMNS * CELL_WIDTH, 40 + number // COLUMNS * (CELL_HEIGHT + CAPTION)
        cell = sheet[y : y + CELL_HEIGHT, x + 2 : x + CELL_WIDTH - 2]
        shown = cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR) if moment.jpeg else None
        if shown is None:
            cell[:] = 225
            write("no footage", x + 120, y + 95)
        else:
            cell[:] = cv2.resize(shown, (CELL_WIDTH - 4, CELL_HEIGHT), interpolation=cv2.INTER_AREA)
            _draw_arrow(cell, moment.event.path)
        event = moment.event
        lasted = "" if event.until_utc_ns is None else f" {length_text(event.until_utc_ns - event.since_utc_ns)}"
        write(f"{moment.camera} {local_text(event.since_utc_ns, zone)}{lasted}", x + 4, y + CELL_HEIGHT + 16)
        write(f"{100 * event.score:.1f} % {', '.join(event.zones)}", x + 4, y + CELL_HEIGHT + 34)
    return bytes(cv2.imencode(".png", sheet)[1])


def _draw_arrow(cell: Any, path: Sequence[float]) -> None:
    import cv2

    if way(path):
        height, width = cell.shape[:2]
        start, end = ((round(x * width), round(y * height)) for x, y in (path[:2], path[2:]))
        cv2.arrowedLine(cell, start, end, (0, 255, 255), 2, cv2.LINE_AA, tipLength=0.12)
