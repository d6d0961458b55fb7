"""A street that never was, with people and cars whose places are known: the truth behind the synthetic camera.

Who is where in picture n follows from the seed and n alone, so that any picture can be asked about without drawing those before it.
Each lane has time slots; in a slot somebody passes or nobody does. Imports neither numpy nor a video library.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Kind = Literal["person", "car"]
VISIBLE_PIXELS = 4
"""Narrower slices of somebody entering or leaving the picture are not counted as seen."""


@dataclass(frozen=True, slots=True)
class Lane:
    """baseline: where feet and wheels stand, 0..1 of the height. slot_s: time per passage. height: of a passer, 0..1 of the picture's."""

    kind: Kind
    baseline: float
    height: float
    slot_s: float
    cross_s: tuple[float, float]
    rightwards: bool


LANES = (
    Lane("person", 0.64, 0.14, 26.0, (14.0, 22.0), True),
    Lane("car", 0.76, 0.12, 11.0, (3.5, 6.0), True),
    Lane("car", 0.88, 0.15, 13.0, (3.0, 6.0), False),
    Lane("person", 0.98, 0.24, 31.0, (11.0, 20.0), False),
)
"""Back to front."""


@dataclass(frozen=True, slots=True)
class Scene:
    """traffic: 0 (an empty street) .. 1 (somebody in each slot)."""

    width: int = 1280
    height: int = 720
    fps: float = 25.0
    seed: int = 0
    night: bool = False
    traffic: float = 0.5


@dataclass(frozen=True, slots=True)
class Box:
    """Where somebody is: the visible part, 0..1 of the picture from the top left."""

    kind: Kind
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Passer:
    """Somebody in one picture, in whole even pixels; may lie partly outside. shade: 0..1, clothes or paint. stride: 0..1, phase of the
    legs."""

    kind: Kind
    x: int
    y: int
    width: int
    height: int
    rightwards: bool
    shade: float
    stride: float


def truth(frame_number: int, scene: Scene = Scene()) -> list[Box]:
    """Everybody visible in picture `frame_number`, back to front. People in front hide people behind them; both are listed."""
    boxes = []
    for passer in passers(frame_number, scene):
        left, right = max(0, passer.x), min(scene.width, passer.x + passer.width)
        if right - left >= VISIBLE_PIXELS:
            boxes.append(
                Box(
                    passer.kind,
                    left / scene.width,
                    passer.y / scene.height,
                    (right - left) / scene.width,
                    passer.height / scene.height,
                )
            )
    return boxes


def passers(frame_number: int, scene: Scene) -> Iterator[Passer]:
    """Everybody who may touch picture `frame_number`, back to front."""
    now_s = frame_number / scene.fps
    for number, lane in enumerate(LANES):
        slot = int(now_s // lane.slot_s)
        for candidate in (slot - 1, slot):
            passage = _passage(scene.seed, number, candidate, scene.traffic)
            if passage is not None and passage.begin_s <= now_s < passage.begin_s + passage.cross_s:
                yield _at(scene, lane, passage, (now_s - passage.begin_s) / passage.cross_s)


@dataclass(frozen=True, slots=True)
class _Passage:
    begin_s: float
    cross_s: float
    shade: float
    scale: float
    steps: float = field(default=0.0)


@lru_cache(maxsize=64)
def _passage(seed: int, lane_number: int, slot: int, traffic: float) -> _Passage | None:
    """Who passes in this slot. Its own random generator: slots do not depend on each other."""
    lane = LANES[lane_number]
    chance = random.Random(f"{seed}/{lane_number}/{slot}")
    if slot < 0 or chance.random() >= traffic:
        return None
    cross_s = chance.uniform(*lane.cross_s)
    begin_s = slot * lane.slot_s + chance.uniform(0.0, lane.slot_s - 1.0)
    return _Passage(begin_s, cross_s, chance.random(), chance.uniform(0.9, 1.1), cross_s * 1.8)


def _at(scene: Scene, lane: Lane, passage: _Passage, progress: float) -> Passer:
    height = _even(lane.height * passage.scale * scene.height)
    width = _even(height * (0.36 if lane.kind == "person" else 2.3))
    span = scene.width + width
    x = progress * span - width if lane.rightwards else scene.width - progress * span
    top = _even(lane.baseline * scene.height) - height
    return Passer(lane.kind, _even(x), top, width, height, lane.rightwards, passage.shade, progress * passage.steps % 1.0)


def _even(value: float) -> int:
    return round(value / 2) * 2
