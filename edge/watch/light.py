"""The light field: how much brighter the picture is than its background, as a smooth factor over the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.window.luma import Exposure

Cells = NDArray[np.float32]

_STEP = 5
_LOG_RANGE = 1.6
_DARK = 12.0
_WHITE = 250.0
_LEAST = 40
_REFIT = 0.004
_ROUNDS = 2
LEAP = 0.07
"""A change of the logarithm between two pictures that is no dusk and no cloud: a lamp, the exposure, the infra-red filter."""
_RIDGE = np.eye(3, dtype=np.float32)


class Told:
    """What the camera says of a picture's light, where it does."""

    def __init__(self) -> None:
        self._last: tuple[float | None, float | None] = (None, None)

    def leapt(self, exposure: Exposure) -> bool:
        """Whether exposure or the light's colour (the infra-red filter) is not what it was a picture ago."""
        before, self._last = self._last, (_log(exposure.time_us, exposure.gain), _log(exposure.colour_k))
        return any(a is not None and b is not None and abs(a - b) > LEAP for a, b in zip(before, self._last, strict=True))


def _log(*factors: float | None) -> float | None:
    known = [each for each in factors if each is not None and each > 0]
    return sum(math.log(each) for each in known) if len(known) == len(factors) else None


class LightField:
    """log(factor) = a + b x + c y, x and y in -1..1, fitted robustly on every fifth cell each way.

    Refitted only when the picture's mean moved against the background's by 0.4 %."""

    def __init__(self, columns: int, rows: int) -> None:
        self._across, self._down = np.linspace(-1, 1, columns, dtype=np.float32), np.linspace(-1, 1, rows, dtype=np.float32)
        x, y = np.meshgrid(self._across, self._down)
        self._design = np.stack([np.ones_like(x), x, y], -1)[::_STEP, ::_STEP].reshape(-1, 3)
        self.reset()

    def reset(self) -> None:
        self._fit = np.zeros(3, np.float32)
        self._seen = 0.0
        self._field: Cells | None = None
        self.leapt = False
        """The light of the newest picture is not that of the one before."""

    def apply(self, background: Cells, cells: Cells, active: NDArray[np.uint8]) -> Cells:
        """What the background would look like in the present light."""
        b, c = background[::_STEP, ::_STEP], cells[::_STEP, ::_STEP]
        self.leapt = False
        level = float(c.sum()) / max(float(b.sum()), 1.0)
        if abs(level - self._seen) > _REFIT:
            self._seen = level
            self._refit(b.ravel(), c.ravel(), active[::_STEP, ::_STEP].ravel())
        return background if self._field is None else background * self._field

    def _refit(self, background: Cells, cells: Cells, active: NDArray[np.uint8]) -> None:
        lit = (background > _DARK) & (cells > _DARK)
        where = np.flatnonzero(lit & (active == 0) & (cells < _WHITE) & (background < _WHITE))
        if len(where) < _LEAST:
            where = np.flatnonzero(lit)
            if len(where) < _LEAST:
                return
        logs = np.log(cells[where] / background[where])
        design = self._design[where]
        middle = _median(logs)
        fit = np.array([middle, 0, 0], np.float32)
        for _ in range(_ROUNDS):
            error = np.abs(logs - design @ fit)
            near = error < max(0.04, 2.0 * _median(error))
            rows = design * near[:, None]
            right = logs @ rows + np.array([middle, 0, 0], np.float32)
            _, solved = cv2.solve(rows.T @ design + _RIDGE, right.astype(np.float32)[:, None])
            fit = np.asarray(solved, np.float32).ravel()
        fit = np.clip(fit, -_LOG_RANGE, _LOG_RANGE)
        self.leapt = bool(np.abs(fit - self._fit).max() > LEAP)
        self._fit = fit
        if np.abs(self._fit).max() < 0.003:
            self._field = None
        else:
            a, b, c = self._fit
            self._field = np.outer(np.exp(c * self._down), np.exp(a + b * self._across))


def _median(values: Cells) -> float:
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
