"""The recorder's hand on the thermal ladder: looks at the sensors now and then, says what the camera is to be asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge.capture.board import temperature_c
from edge.capture.thermal import ThermalLadder, at_level, can_cool
from edge.config import hardware
from edge.messages.evidence import Throttled
from edge.messages.stream import CameraSettings

log = logging.getLogger(__name__)

LOOK_S = 5.0
Thermometer = Callable[[list[str]], float | None]
"""Degrees Celsius of the warmest of these zones (of all where none are named); None where nothing tells."""


class Cooling:
    """One thread."""

    def __init__(self, settings: CameraSettings, profile: str, thermometer: Thermometer = temperature_c) -> None:
        self._settings = settings
        self._trips = hardware.profile(profile).thermal
        self._ladder = ThermalLadder(self._trips)
        self._thermometer = thermometer
        self._looked_s = float("-inf")

    @property
    def settings(self) -> CameraSettings:
        """What the camera is to be asked for now."""
        return at_level(self._settings, self._ladder.level)

    def look(self, now_s: float) -> Throttled | None:
        """What changed, for the journal; most of the time None."""
        if now_s - self._looked_s < LOOK_S or not can_cool(self._settings):
            return None
        self._looked_s = now_s
        celsius = self._thermometer(self._trips.zones)
        if celsius is None or not self._ladder.see(celsius, now_s):
            return None
        asked = self.settings
        return Throttled(level=self._ladder.level, celsius=celsius, fps=asked.fps, width=asked.width, height=asked.height)
