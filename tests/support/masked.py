"""Masks, and whether a decoded picture shows anything of what they hide."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from edge.capture.privacy import touched
from edge.config.masks import Corner

WINDOWS: list[list[Corner]] = [
    [(0.05, 0.02), (0.5, 0.0), (0.52, 0.5), (0.08, 0.55)],
    [(0.6, 0.6), (0.95, 0.55), (1.0, 1.0), (0.65, 1.0)],
]
RINGING = 8
"""Luma steps by which coding may miss the black, away from the edge."""


def within(width: int, height: int, pixels: int) -> NDArray[np.bool_]:
    """What is hidden, without a border of so many pixels, where visible neighbours ring into it."""
    hidden = np.logical_or.reduce([touched(window, width, height) for window in WINDOWS])
    padded = np.pad(hidden, pixels)
    shifts = [(y, x) for y in (0, pixels, 2 * pixels) for x in (0, pixels, 2 * pixels)]
    return np.asarray(np.logical_and.reduce([padded[y : y + height, x : x + width] for y, x in shifts]))


def shows_nothing(frame: av.VideoFrame) -> bool:
    planes = frame.to_ndarray(format="yuv420p").astype(int)
    height = frame.height
    hidden = within(frame.width, height, 8)
    colours = planes[height:].reshape(2, height // 2, frame.width // 2)
    dark = np.abs(planes[:height][hidden] - 16).max() <= RINGING
    grey = np.abs(colours[:, hidden[::2, ::2]] - 128).max() <= RINGING
    seen = planes[:height][~np.logical_or.reduce([touched(window, frame.width, height) for window in WINDOWS])]
    return bool(dark and grey and seen.std() > 10)
