"""A board that gets too hot throttles everything, at moments of its own choosing. Before it does, the camera is slowed, then made smaller.

Pure: temperatures and times come in. Up again one step at a time, once it has been cooler for a while, so that it does not swing.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from edge.config.hardware import Thermal
from edge.config.sources import kind_of
from edge.messages.stream import CameraSettings

HOT_S = 15.0
"""So long above a trip before a step down: sun on the box, not a breath of it."""
COOL_S = 180.0
COOLER_C = 6.0
"""Below the trip of the step that is left."""
LEAST_FPS = 5.0
ENCODED_HERE = ("synthetic", "picamera2", "gst")
"""Sources of any frame rate whose pictures are encoded on this board."""
OF_ANY_SIZE = ("synthetic", "picamera2")
TOP = 2


@dataclass
class ThermalLadder:
    """level: 0 as configured, 1 half the frame rate, 2 and two thirds of the size."""

    trips: Thermal
    level: int = 0
    _since_s: float | None = None
    """Since when it is hot enough for the next step, or cool enough for the one before."""
    _up: bool = False

    def see(self, celsius: float, now_s: float) -> bool:
        """Whether the level changed. now_s: any monotonic clock."""
        down = self.level < TOP and celsius >= self._trip(self.level + 1)
        up = self.level > 0 and celsius < self._trip(self.level) - COOLER_C
        if not (down or up):
            self._since_s = None
            return False
        if self._since_s is None or up != self._up:
            self._since_s, self._up = now_s, up
        if now_s - self._since_s < (COOL_S if up else HOT_S):
            return False
        self.level += -1 if up else 1
        self._since_s = None
        return True

    def _trip(self, level: int) -> float:
        return self.trips.slow_c if level == 1 else self.trips.slower_c


def can_cool(settings: CameraSettings) -> bool:
    """Whether this board has a say in what the camera costs it."""
    return kind_of(settings.source) in ENCODED_HERE


def at_level(settings: CameraSettings, level: int) -> CameraSettings:
    """What the camera is asked for at a level of the ladder."""
    if level == 0:
        return settings
    fps = max(min(LEAST_FPS, settings.fps), settings.fps / 2)
    if level == 1 or kind_of(settings.source) not in OF_ANY_SIZE:
        return msgspec.structs.replace(settings, fps=fps)
    width, height = (max(64, size * 2 // 3 & ~3) for size in (settings.width, settings.height))
    return msgspec.structs.replace(settings, fps=fps, width=width, height=height)
