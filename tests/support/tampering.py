"""What people and weather do to a camera, done to real or drawn pictures: uint8[180, 320] in, uint8[180, 320] out.

Each takes the picture and how far it has gone, 0..1, and must leave the picture as it is at 0.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Effect = Callable[[Picture, float], Picture]
WIDTH, HEIGHT = 320, 180
_CHANCE = np.random.default_rng(7)


def _grey(values: NDArray[np.generic]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _noise(level: float) -> NDArray[np.float64]:
    return _CHANCE.normal(0, level, (HEIGHT, WIDTH))


def covered(picture: Picture, part: float) -> Picture:
    """A bag is drawn over the lens from the left."""
    made, edge = picture.copy(), round(WIDTH * part)
    made[:, :edge] = _grey(70 + _noise(3)[:, :edge])
    return made


def defocused(picture: Picture, part: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.2 + 2.5 * part), np.uint8) if part else picture


def turned(picture: Picture, part: float) -> Picture:
    """By a third of the picture; what comes in is the mirror of what was there."""
    move = np.array([[1, 0, -110 * part], [0, 1, 30 * part]], np.float32)
    return np.asarray(cv2.warpAffine(picture, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.uint8)


def dazzled(picture: Picture, part: float) -> Picture:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return _grey(picture + part * 520 * np.exp(-((np.hypot(x - 150, y - 80) / 165) ** 2)))


def black(picture: Picture, part: float) -> Picture:
    return _grey(picture * (1 - part) + np.abs(_noise(2)) * part)


def _drops() -> NDArray[np.float32]:
    mask, chance = np.zeros((HEIGHT, WIDTH), np.float32), np.random.default_rng(1)
    for _ in range(16):
        centre = int(chance.integers(0, WIDTH)), int(chance.integers(0, HEIGHT))
        cv2.circle(mask, centre, int(chance.integers(35, 70)), (1.0,), -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 7.5), np.float32)


_DROPS = _drops()


def sprayed(picture: Picture, part: float) -> Picture:
    opaque = _DROPS * part
    return _grey(picture * (1 - opaque) + opaque * 40)


def lorry(picture: Picture, part: float) -> Picture:
    """It comes in from the left and parks in front: a quarter of the view is gone, and nobody touched the camera."""
    made, x = picture.copy(), int(-165 + 215 * part)
    if part:
        cv2.rectangle(made, (x, 40), (x + 165, 150), (190,), -1)
        cv2.rectangle(made, (x + 5, 50), (x + 100, 100), (120,), -1)
        for plank in range(0, 150, 30):
            cv2.line(made, (x + plank, 40), (x + plank, 150), (90,), 1)
        for wheel in (30, 130):
            cv2.circle(made, (x + wheel, 150), 14, (30,), -1)
    return made


def dusk(picture: Picture, part: float) -> Picture:
    return _grey(picture * (1 - 0.9 * part) + _noise(2) * part) if part else picture


def fog(picture: Picture, part: float) -> Picture:
    thick = 0.6 * part
    return _grey(picture * (1 - thick) + 150 * thick + _noise(1)) if part else picture


def infrared(picture: Picture, part: float) -> Picture:
    """The filter leaves, lamps light up, other things are bright now."""
    return _grey((picture.astype(np.float32) ** 1.3 / 6) * 0.9 + 12 + _noise(3)) if part else picture


TAMPERINGS: dict[str, tuple[Effect, float]] = {
    "covered": (covered, 1.5),
    "sprayed": (sprayed, 2.0),
    "defocused": (defocused, 3.0),
    "turned": (turned, 1.0),
    "dazzled": (dazzled, 1.0),
    "black": (black, 0.5),
}
"""Kind -> what is done, and in how many seconds."""
HARMLESS: dict[str, tuple[Effect, float]] = {"lorry": (lorry, 3.0), "dusk": (dusk, 180.0), "fog": (fog, 180.0), "infrared": (infrared, 0.1)}
