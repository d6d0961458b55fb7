"""The synthetic street under watch: what was there against what was found, by episodes and by boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.capture.drawing import Street
from edge.capture.street import Scene, truth
from edge.clock import NS_PER_S
from edge.watch.episode import Box, Limits, Sight, Watching, give_up, see
from edge.watch.motion import Detector, DetectorSettings
from tests.support.weather import Weather

LIMITS = Limits(start_s=0.4, end_s=3.0, max_s=300.0)
Span = tuple[float, float]


@dataclass(frozen=True)
class Watched:
    """present: spans (s) with somebody in the picture; found: spans of episodes. looks: pictures with reported boxes; right: those of them
    whose every box touches somebody."""

    present: list[Span]
    found: list[Span]
    looks: int
    right: int

    @property
    def due(self) -> list[Span]:
        """With somebody in the picture for at least two seconds after the detector learnt the street."""
        return [span for span in self.present if span[1] - max(span[0], 3.0) >= 2.0]

    @property
    def hits(self) -> int:
        return sum(any(_touch(span, episode) for episode in self.found) for span in self.due)

    @property
    def false_alarms(self) -> int:
        return sum(not any(_touch(span, episode) for span in self.present) for episode in self.found)


def watch_street(
    scene: Scene,
    seconds: float,
    *,
    noise: int = 0,
    luma_fps: float = 6.25,
    settings: DetectorSettings | None = None,
    weather: Weather | None = None,
) -> Watched:
    """Draw, shrink to 320x180 as the capture worker does, let the weather at it, look, make episodes."""
    street, detector = Street(scene, noise), Detector(320, 180, settings)
    numbers = range(0, int(seconds * scene.fps), round(scene.fps / luma_fps))
    film = np.stack([cv2.resize(street.draw(each)[: scene.height], (320, 180), interpolation=cv2.INTER_AREA) for each in numbers])
    film = weather(np.asarray(film, np.uint8), luma_fps) if weather else film
    state, found, shown, looks, right = Watching(), [], [], 0, 0
    for number, luma in zip(numbers, film, strict=True):
        boot_ns = round((10 + number / scene.fps) * NS_PER_S)
        look = detector.look(np.asarray(luma, np.uint8), boot_ns)
        there = [(box.x, box.y, box.width, box.height) for box in truth(number, scene)]
        shown.append((number / scene.fps, bool(there)))
        if look.boxes:
            looks += 1
            right += all(any(_overlap(box, person) for person in there) for box in look.boxes)
        step = see(state, Sight(boot_ns, look.score, (), look.boxes), LIMITS)
        state = step.state
        found += [change.run for change in step.changes if change.kind == "end"]
    found += [change.run for change in give_up(state).changes]
    return Watched(_spans(shown), [(run.since_ns / NS_PER_S - 10, run.last_ns / NS_PER_S - 10) for run in found], looks, right)


def _spans(shown: list[tuple[float, bool]]) -> list[Span]:
    """Times with somebody in the picture; less than the stillness that ends an episode apart is one."""
    spans: list[Span] = []
    for at_s, there in shown:
        if there and spans and at_s - spans[-1][1] < LIMITS.end_s:
            spans[-1] = (spans[-1][0], at_s)
        elif there:
            spans.append((at_s, at_s))
    return spans


def _touch(a: Span, b: Span) -> bool:
    return a[0] <= b[1] + 1.0 and b[0] <= a[1] + 1.0


def _overlap(a: Box, b: Box) -> bool:
    margin = 0.02
    return a[0] < b[0] + b[2] + margin and b[0] < a[0] + a[2] + margin and a[1] < b[1] + b[3] + margin and b[1] < a[1] + a[3] + margin
