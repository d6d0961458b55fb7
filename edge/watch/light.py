"""The light field: how much brighter the picture is than its background, as a smooth factor over the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]

_STEP = 4
_LOG_RANGE = 1.6
_DARK = 12.0
_REFIT = 0.004
_ROUNDS = 2
_RIDGE = np.eye(3, dtype=np.float32)


class LightField:
    """log(factor) = a + b x + c y, x and y in -1..1, fitted robustly on every fourth cell each way.

    Refitted only when the picture's mean moved against the background's by 0.4 %."""

    def __init__(self, columns: int, rows: int) -> None:
        x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :].repeat(rows, 0)
        y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None].repeat(columns, 1)
        self._x, self._y = x, y
        self._design = np.stack([np.ones_like(x), x, y], -1)[::_STEP, ::_STEP].reshape(-1, 3)
        self.reset()

    def reset(self) -> None:
        self._fit = np.zeros(3, np.float32)
        self._seen = 0.0
        self._field: Cells | None = None

    def apply(self, background: Cells, cells: Cells, active: NDArray[np.uint8]) -> Cells:
        """What the background would look like in the present light."""
        b, c = background[::_STEP, ::_STEP], cells[::_STEP, ::_STEP]
        level = float(c.sum()) / max(float(b.sum()), 1.0)
        if abs(level - self._seen) > _REFIT:
            self._seen = level
            self._refit(b.ravel(), c.ravel(), active[::_STEP, ::_STEP].ravel())
        return background if self._field is None else background * self._field

    def _refit(self, background: Cells, cells: Cells, active: NDArray[np.uint8]) -> None:
        usable = (active == 0) & (background > _DARK) & (cells > _DARK) & (cells < 250) & (background < 250)
        if np.count_nonzero(usable) < 40:
            usable = (background > _DARK) & (cells > _DARK)
            if np.count_nonzero(usable) < 40:
                return
        logs = np.log(cells[usable] / background[usable])
        design = self._design[usable]
        middle = _median(logs)
        fit = np.array([middle, 0, 0], np.float32)
        for _ in range(_ROUNDS):
            error = np.abs(logs - design @ fit)
            near = (error < max(0.04, 2.0 * _median(error))).astype(np.float32)
            rows = design * near[:, None]
            fit = np.linalg.solve(rows.T @ design + _RIDGE, logs @ rows + np.array([middle, 0, 0], np.float32))
        self._fit = np.clip(fit, -_LOG_RANGE, _LOG_RANGE).astype(np.float32)
        if np.abs(self._fit).max() < 0.003:
            self._field = None
        else:
            self._field = np.exp(self._fit[0] + self._fit[1] * self._x + self._fit[2] * self._y).astype(np.float32)


def _median(values: Cells) -> float:
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
