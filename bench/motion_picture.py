"""Detectors side by side as a picture: what each missed and what it made up, by weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.paper.page import Html, element


@dataclass(frozen=True)
class Bars:
    """name: of a detector. missed, made_up: shares, one for each weather."""

    name: str
    missed: Sequence[float]
    made_up: Sequence[float]


COLOURS = ("#2f7d63", "#a00018", "#23457a", "#8a6d00")


def mark(name: str, *content: object, **values: object) -> Html:
    return element(name, *content, **{key.replace("_", "-"): str(value) for key, value in values.items()})


def plot(detectors: Sequence[Bars], weathers: Sequence[str]) -> Html:
    """SVG: two rows of bars, a group for each weather: events missed and quiet pictures called moving, in percent."""
    group, left, panel, gap = 82, 60, 150, 60
    width, parts = left + group * len(weathers) + 20, []
    for row, title in enumerate(("events missed, %", "quiet pictures called moving, %")):
        base = 70 + panel + row * (panel + gap)
        parts.append(mark("text", title, x=left, y=base - panel - 12, font_size=14))
        for percent in (0, 50, 100):
            y = base - panel * percent / 100
            parts.append(mark("line", x1=left, x2=width - 20, y1=y, y2=y, stroke="#ccc"))
            parts.append(mark("text", percent, x=left - 8, y=y + 4, text_anchor="end", font_size=11))
        for at, weather in enumerate(weathers):
            parts.append(mark("text", weather, x=left + group * at + 4, y=base + 16, font_size=12))
            for number, bars in enumerate(detectors):
                tall = max(1.0, panel * (bars.missed if row == 0 else bars.made_up)[at])
                x = left + group * at + 4 + number * 16
                parts.append(mark("rect", x=x, y=round(base - tall, 1), width=14, height=round(tall, 1), fill=COLOURS[number]))
    for number, bars in enumerate(detectors):
        parts.append(mark("rect", x=left + 190 * number, y=8, width=14, height=14, fill=COLOURS[number]))
        parts.append(mark("text", bars.name, x=left + 190 * number + 20, y=20, font_size=14))
    height = 70 + 2 * panel + gap + 40
    paper = mark("rect", x=0, y=0, width=width, height=height, fill="#fff")
    return mark("svg", paper, *parts, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", font_family="sans-serif")
