"""A camera's luma window with somebody in it, or nobody: fed in real time by a thread of the test."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.window.luma import LumaWriter

PERIOD_S = 0.05


def street(width: int, height: int, block_at: float | None = None) -> NDArray[np.uint8]:
    """A still, textured picture; block_at: a bright block that far (0..1) across it."""
    rough = np.random.default_rng(3).integers(50, 190, (12, 20), dtype=np.uint8)
    picture = np.asarray(cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    if block_at is not None:
        x = int(block_at * (width - width // 8))
        picture[height // 3 : height * 2 // 3, x : x + width // 8] = 235
    return picture


class MovingPicture:
    """Twenty pictures a second into `path` until left. `moving`: set to let the block go to and fro."""

    def __init__(self, path: Path, width: int = 320, height: int = 180) -> None:
        self.moving = Event()
        self._path, self._size = path, (width, height)
        self._stop = Event()
        self._thread = Thread(target=self._feed, name="moving picture")

    def __enter__(self) -> MovingPicture:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _feed(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        writer, seq, phase = LumaWriter(self._path, *self._size), 0, 0.0
        still, chance = street(*self._size), np.random.default_rng(1)
        while not self._stop.wait(PERIOD_S):
            phase += 0.02 if self.moving.is_set() else 0.0
            picture = street(*self._size, abs(phase % 2 - 1)) if self.moving.is_set() else still
            picture = picture + chance.integers(0, 3, picture.shape, dtype=np.uint8)
            writer.put(time.clock_gettime_ns(time.CLOCK_BOOTTIME), picture.tobytes(), seq)
            seq += 1
        writer.close()
