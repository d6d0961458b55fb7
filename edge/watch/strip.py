"""What a replay found, as one picture: scores and decisions over time, then each episode and each doubt with what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np

from edge.clock import NS_PER_S
from edge.config.model import Zone
from edge.watch.tune import Trial

COLUMNS, CELL_WIDTH, CELL_HEIGHT, CAPTION = 4, 320, 180, 26
GRAPH, LEFT, TOP = 120, 60, 40
MOST_EPISODES = 40
_INK, _GREEN, _ORANGE, _YELLOW, _BLUE, _RED = (20, 20, 20), (60, 150, 40), (0, 130, 240), (0, 240, 255), (230, 120, 20), (40, 40, 220)
Colour = tuple[int, int, int]


def strip(trial: Trial, zones: Sequence[Zone], title: str) -> bytes:
    """PNG, 1280 pixels wide."""
    cells = min(len(trial.episodes), MOST_EPISODES) + len(trial.doubts)
    width = COLUMNS * CELL_WIDTH
    sheet = np.full((TOP + GRAPH + 50 + -(-cells // COLUMNS) * (CELL_HEIGHT + CAPTION), width, 3), 255, np.uint8)
    _write(sheet, title, 8, 24, 0.55)
    _graph(sheet, trial)
    places = _places()
    for episode in trial.episodes[-MOST_EPISODES:]:
        run = episode.run
        place = next(places)
        cell = _cell(sheet, place, episode.picture, zones)
        for box in run.peak.boxes:
            _box(cell, box, _GREEN)
        if run.path:
            (x, y, to_x, to_y) = run.path
            cv2.arrowedLine(cell, _at(cell, x, y), _at(cell, to_x, to_y), _YELLOW, 2, cv2.LINE_AA, tipLength=0.12)
        words = f"{_seconds(run.since_ns):.1f}-{_seconds(run.last_ns):.1f} s  {100 * run.peak.score:.1f} %  {', '.join(run.zones)}"
        _caption(sheet, place, words, _GREEN)
    for doubt in trial.doubts:
        place = next(places)
        cell = _cell(sheet, place, doubt.picture, zones)
        _box(cell, doubt.box, _ORANGE)
        _caption(sheet, place, f"{doubt.since_s:.1f}-{doubt.until_s:.1f} s  no: {doubt.why}", _ORANGE)
    return bytes(cv2.imencode(".png", sheet)[1])


def _graph(sheet: Any, trial: Trial) -> None:
    """Square roots of scores: what is small and far is seen as well. Green ground: an episode; orange ticks: doubted; blue: new scene."""
    base, long_s = TOP + GRAPH, max(trial.seconds, 1e-3)
    width = sheet.shape[1] - LEFT - 10

    def across(at_s: float) -> int:
        return LEFT + int(at_s / long_s * width)

    for episode in trial.episodes:
        run = episode.run
        cv2.rectangle(sheet, (across(_seconds(run.since_ns)), TOP), (across(_seconds(run.last_ns)) + 1, base), (205, 240, 205), -1)
    for moment in trial.moments:
        x = across(moment.at_s)
        if moment.score > 0:
            cv2.line(sheet, (x, base), (x, base - round(GRAPH * moment.score**0.5)), _GREEN, 1)
        if moment.doubted:
            cv2.line(sheet, (x, base + 2), (x, base + 7), _ORANGE, 1)
        if moment.note == "scene change":
            cv2.line(sheet, (x, TOP), (x, base + 7), _BLUE, 1)
    cv2.line(sheet, (LEFT, base), (LEFT + width, base), _INK, 1)
    for percent in (1, 10, 50, 100):
        y = base - round(GRAPH * (percent / 100) ** 0.5)
        cv2.line(sheet, (LEFT, y), (LEFT + width, y), (225, 225, 225), 1)
        _write(sheet, f"{percent} %", 8, y + 4, 0.4)
    for tick in range(11):
        _write(sheet, f"{long_s * tick / 10:.0f} s", min(LEFT + width * tick // 10, LEFT + width - 40), base + 24, 0.4)


def _places() -> Iterator[tuple[int, int]]:
    number = 0
    while True:
        yield number % COLUMNS * CELL_WIDTH, TOP + GRAPH + 40 + number // COLUMNS * (CELL_HEIGHT + CAPTION)
        number += 1


def _cell(sheet: Any, place: tuple[int, int], picture: Any, zones: Sequence[Zone]) -> Any:
    """The picture in its place with the zones' outlines; a view that can be drawn on."""
    x, y = place
    cell = sheet[y : y + CELL_HEIGHT, x + 2 : x + CELL_WIDTH - 2]
    grey = cv2.resize(picture, (CELL_WIDTH - 4, CELL_HEIGHT), interpolation=cv2.INTER_AREA)
    cell[:] = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for zone in zones:
        corners = np.array([_at(cell, *corner) for corner in zone.polygon], np.int32)
        cv2.polylines(cell, [corners], True, _RED if zone.kind == "exclude" else _BLUE, 1, cv2.LINE_AA)
    return cell


def _at(cell: Any, x: float, y: float) -> tuple[int, int]:
    return round(x * (cell.shape[1] - 1)), round(y * (cell.shape[0] - 1))


def _box(cell: Any, box: Sequence[float], colour: Colour) -> None:
    x, y, width, height = box
    cv2.rectangle(cell, _at(cell, x, y), _at(cell, x + width, y + height), colour, 2)


def _caption(sheet: Any, place: tuple[int, int], words: str, colour: Colour) -> None:
    _write(sheet, words, place[0] + 4, place[1] + CELL_HEIGHT + 16, 0.38, colour)


def _seconds(boot_ns: int) -> float:
    return boot_ns / NS_PER_S - 1


def _write(sheet: Any, text: str, x: int, y: int, size: float, colour: Colour = _INK) -> None:
    cv2.putText(sheet, text.encode("ascii", "replace").decode(), (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
