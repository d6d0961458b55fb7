"""Which preset of libx264 this machine can afford: the slowest that keeps the rate with a third in hand. Imports PyAV."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import av

from edge.capture.drawing import Street
from edge.capture.encoder import Encoder, LibX264, Quality, frame_over
from edge.capture.street import Scene

PRESETS = ("ultrafast", "superfast", "veryfast", "faster")
"""From the cheapest on; slower ones gain little for a street."""
TRIAL_S = 3.0
"""For all presets together."""
IN_HAND = 1.3
NIGHT_NOISE = 6
"""A noisy night costs the encoder most."""

Make = Callable[[Quality], Encoder]


@dataclass(frozen=True, slots=True)
class Tried:
    """fps: pictures encoded in a second of CPU time. enough: it keeps the camera's rate with IN_HAND."""

    preset: str
    fps: float
    enough: bool


def try_presets(
    quality: Quality, trial_s: float = TRIAL_S, make: Make = LibX264, clock: Callable[[], float] = time.thread_time
) -> list[Tried]:
    """In the order of PRESETS, up to the first that is too slow. clock: CPU seconds of this thread."""
    scene = Scene(width=quality.width, height=quality.height, fps=quality.fps, seed=1, night=True, traffic=1.0)
    street = Street(scene, NIGHT_NOISE)
    frames = [frame_over(street.draw(number).copy(), quality.width) for number in range(5)]
    found: list[Tried] = []
    for preset in PRESETS:
        fps = _speed(make(replace(quality, preset=preset)), frames, trial_s / len(PRESETS), clock)
        found.append(Tried(preset, fps, fps >= quality.fps * IN_HAND))
        if not found[-1].enough:
            break
    return found


def best_of(tried: list[Tried]) -> str:
    """The slowest that is fast enough, else the fastest of all."""
    return next((each.preset for each in reversed(tried) if each.enough), PRESETS[0])


def _speed(encoder: Encoder, frames: list[av.VideoFrame], for_s: float, clock: Callable[[], float]) -> float:
    encoder.encode(frames[0], 0)  # what is made once
    begun_s, count = clock(), 0
    while (passed_s := clock() - begun_s) < for_s:
        count += 1
        encoder.encode(frames[count % len(frames)], count)
    return count / passed_s
