"""Draws the street of `street` in YUV 4:2:0, cheaply: the background once, then only who is there. Imports numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.capture.burnin import burn, burn_text, strip_height
from edge.capture.street import LANES, Passer, Scene, passers

Planes = NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Y 16..235, U, V."""

_BUFFERS = 4
"""Pictures in turn: an encoder may still look at the ones before."""
_NOISE_ROOM = 256
_COATS: tuple[Colour, ...] = ((60, 140, 120), (95, 110, 160), (150, 120, 128), (40, 128, 128), (120, 95, 140))
_PAINTS: tuple[Colour, ...] = ((200, 128, 128), (70, 100, 190), (60, 160, 110), (35, 128, 128), (140, 128, 128))
_SKIN: Colour = (165, 112, 150)
_DARK: Colour = (24, 128, 128)
_GLASS: Colour = (95, 136, 122)
_LIGHT: Colour = (232, 124, 132)


class Street:
    """Pictures by number; the same scene and number always give the same picture."""

    def __init__(self, scene: Scene, noise: int = 0) -> None:
        """noise: amplitude of sensor noise in luma steps, 0..8 (costs encoder time)."""
        if scene.width % 2 or scene.height % 2 or scene.width < 64 or scene.height < 48:
            raise ValueError(f"a street of {scene.width}x{scene.height} cannot be drawn")
        self.scene = scene
        self._background = _background(scene)
        self._buffers = [np.empty_like(self._background) for _ in range(_BUFFERS)]
        self._noise = _noise(scene, noise) if noise else None

    def draw(self, number: int) -> Planes:
        """(height * 3 / 2) x width, without anything burnt in. The array is used again for picture number + 4."""
        planes = self._buffers[number % _BUFFERS]
        np.copyto(planes, self._background)
        canvas = _Canvas(planes, self.scene)
        for passer in passers(number, self.scene):
            (_person if passer.kind == "person" else _car)(canvas, passer)
        if self._noise is not None:
            shift = number * 67 % _NOISE_ROOM
            np.add(canvas.luma, self._noise[:, shift : shift + self.scene.width], out=canvas.luma)
        return planes

    def mark(self, planes: Planes, number: int) -> None:
        """Burn in the machine-readable number and, below it, its digits and media time for people."""
        scene = self.scene
        luma = planes[: scene.height]
        burn(luma, number, scene.width, scene.height)
        dot = max(1, scene.height // 360)
        seconds = int(number / scene.fps)
        top = strip_height(scene.height)
        burn_text(luma, f"{number:08d}", 0, top, dot)
        burn_text(luma, f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}", 54 * dot, top, dot)


class _Canvas:
    """Rectangles into the three planes at even pixels, cut at the picture's edges."""

    def __init__(self, planes: Planes, scene: Scene) -> None:
        self.width, self.height, self.night = scene.width, scene.height, scene.night
        self.luma = planes[: scene.height]
        chroma = planes[scene.height :].reshape(-1)
        half = chroma.size // 2
        shape = (scene.height // 2, scene.width // 2)
        self._u, self._v = chroma[:half].reshape(shape), chroma[half:].reshape(shape)

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        left, right = max(0, int(x) & ~1), min(self.width, int(x + width + 1) & ~1)
        top, bottom = max(0, int(y) & ~1), min(self.height, int(y + height + 1) & ~1)
        if left >= right or top >= bottom:
            return
        luma, u, v = colour
        self.luma[top:bottom, left:right] = luma
        rows, columns = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        self._u[rows, columns] = u
        self._v[rows, columns] = v

    def lit(self, colour: Colour) -> Colour:
        """By night most of the light and the colour is gone."""
        if not self.night:
            return colour
        return 16 + (colour[0] - 16) * 2 // 5, 128 + (colour[1] - 128) // 3, 128 + (colour[2] - 128) // 3


def _person(canvas: _Canvas, passer: Passer) -> None:
    x, y, width, height = passer.x, passer.y, passer.width, passer.height
    coat = canvas.lit(_COATS[int(passer.shade * len(_COATS)) % len(_COATS)])
    swing = abs(passer.stride - 0.5) * 2
    gap = width * 0.7 * swing
    leg = width * 0.26
    middle = x + width / 2
    canvas.fill(middle - gap / 2 - leg / 2, y + height * 0.55, leg, height * 0.45, canvas.lit(_DARK))
    canvas.fill(middle + gap / 2 - leg / 2, y + height * 0.55, leg, height * 0.45, canvas.lit(_DARK))
    canvas.fill(x + width * 0.05, y + height * 0.20, width * 0.9, height * 0.38, coat)
    canvas.fill(x + width * 0.28, y, width * 0.44, height * 0.18, canvas.lit(_SKIN))


def _car(canvas: _Canvas, passer: Passer) -> None:
    x, y, width, height = passer.x, passer.y, passer.width, passer.height
    paint = canvas.lit(_PAINTS[int(passer.shade * len(_PAINTS)) % len(_PAINTS)])
    wheel = height * 0.28
    canvas.fill(x + width * 0.2, y, width * 0.56, height * 0.45, paint)
    canvas.fill(x + width * 0.25, y + height * 0.08, width * 0.46, height * 0.3, canvas.lit(_GLASS))
    canvas.fill(x, y + height * 0.4, width, height * 0.42, paint)
    for axle in (0.14, 0.72):
        canvas.fill(x + width * axle, y + height - wheel, wheel, wheel, canvas.lit(_DARK))
    lamp = x + width * (0.97 if passer.rightwards else 0.0)
    canvas.fill(lamp, y + height * 0.46, width * 0.03, height * 0.14, _LIGHT)


def _background(scene: Scene) -> Planes:
    """Sky, houses with windows, pavements, a road with a dashed line, a lamp post."""
    planes = np.full((scene.height * 3 // 2, scene.width), 128, dtype=np.uint8)
    canvas = _Canvas(planes, scene)
    width, height = scene.width, scene.height
    canvas.fill(0, 0, width, height, canvas.lit((190, 148, 118)))
    _houses(canvas)
    pavement = LANES[0].baseline - 0.05
    canvas.fill(0, pavement * height, width, height, canvas.lit((150, 126, 130)))
    canvas.fill(0, (pavement + 0.07) * height, width, 0.29 * height, canvas.lit((88, 130, 127)))
    for dash in range(12):
        canvas.fill(dash * width / 12, 0.785 * height, width / 24, height * 0.008, canvas.lit((210, 128, 128)))
    canvas.fill(width * 0.62, height * 0.22, width * 0.008, height * 0.40, canvas.lit((70, 128, 128)))
    canvas.fill(width * 0.60, height * 0.20, width * 0.05, height * 0.02, _LIGHT)
    texture = np.random.default_rng(scene.seed).integers(-3, 4, size=(height, width), dtype=np.int16)
    planes[:height] = np.clip(planes[:height] + texture, 24, 227).astype(np.uint8)
    return planes


def _houses(canvas: _Canvas) -> None:
    width, height = canvas.width, canvas.height
    facades: tuple[Colour, ...] = ((120, 122, 140), (140, 118, 134), (105, 128, 132), (132, 124, 138))
    for number, facade in enumerate(facades):
        left, top = number * width / 4, height * (0.16 + 0.05 * (number % 3))
        canvas.fill(left, top, width / 4, height * 0.6, canvas.lit(facade))
        for row in range(3):
            for column in range(5):
                lamp_on = canvas.night and (number * 7 + row * 3 + column) % 4 == 0
                glass = (150, 110, 140) if lamp_on else canvas.lit((70, 134, 124))
                canvas.fill(left + (column + 0.5) * width / 22, top + (row + 0.4) * height * 0.11, width / 40, height * 0.06, glass)


def _noise(scene: Scene, amplitude: int) -> NDArray[np.uint8]:
    """Two's complement: added modulo 256 it goes both ways, and pictures stay away from the ends of the scale."""
    limit = min(amplitude, 8)
    room = np.random.default_rng(scene.seed + 1).integers(-limit, limit + 1, size=(scene.height, scene.width + _NOISE_ROOM), dtype=np.int8)
    return room.view(np.uint8)
