"""Light: how a camera exposes; day or night by what it sees, for exposure mode and, where a pole has one, the infra-red cut filter.

Infra-red lamps make the night look bright once the filter is away: after each change the state is held, and longer each time when it
changes back soon, so that a lamp cannot make the filter click all night.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from edge.capture.options import boolean, number, text
from edge.clock import NS_PER_S
from edge.errors import ConfigError
from edge.window.luma import Exposure

log = logging.getLogger(__name__)

NIGHT_OPTIONS = ("night", "day_lux", "night_lux", "ir_cut")
HOLD_S = 30
MOST_HOLD_S = 3600
SOON_S = 600
"""Back within this time of a change: the light that made it was our own, or a car's."""
SMOOTH = 0.1
"""Part of a new picture in the running mean: of logarithms, so that headlights do not make a day."""
LEAST_LUX = 0.01
LUX_OF_LUMA = 0.5
"""Where a camera gives no lux, the mean luma (0..255) stands for it: dark pictures read as few lux."""

Phase = Literal["day", "night"]


def exposure_of(metadata: Mapping[str, Any]) -> Exposure:
    """Of libcamera's words about a picture; each of them may be missing or no number."""
    gains = [gain for name in ("AnalogueGain", "DigitalGain") if (gain := _number(metadata, name)) is not None]
    return Exposure(
        time_us=_number(metadata, "ExposureTime"),
        gain=math.prod(gains) if gains else None,
        lux=_number(metadata, "Lux"),
        colour_k=_number(metadata, "ColourTemperature"),
    )


def _number(metadata: Mapping[str, Any], name: str) -> float | None:
    value = metadata.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


@dataclass
class Phases:
    """Which it is. Pure: times come in. night_lux < day_lux: in between nothing changes."""

    day_lux: float = 15.0
    night_lux: float = 5.0
    phase: Phase = "day"
    _mean: float | None = None
    _changed_ns: int | None = None
    _hold_s: float = HOLD_S

    def see(self, lux: float, at_ns: int) -> bool:
        """Whether the phase changed. lux: of one picture; at_ns: when it was taken."""
        seen = math.log(max(lux, LEAST_LUX))
        self._mean = seen if self._mean is None else self._mean + SMOOTH * (seen - self._mean)
        if self._changed_ns is not None and at_ns - self._changed_ns < self._hold_s * NS_PER_S:
            return False
        light = math.exp(self._mean)
        wanted: Phase = "night" if light < self.night_lux else "day" if light > self.day_lux else self.phase
        if wanted == self.phase:
            return False
        soon = self._changed_ns is not None and at_ns - self._changed_ns < (self._hold_s + SOON_S) * NS_PER_S
        self._hold_s = min(MOST_HOLD_S, self._hold_s * 2) if soon else HOLD_S
        self.phase, self._changed_ns, self._mean = wanted, at_ns, None
        return True


class Filter(Protocol):
    """An infra-red cut filter; True: it is in the light's way, as by day."""

    def put(self, cut: bool) -> None: ...

    def close(self) -> None: ...


class GpioFilter:
    """A filter behind one line of a GPIO chip: high by day. Through libgpiod's Python binding."""

    def __init__(self, where: str) -> None:
        """where: "/dev/gpiochip0:17". Raises ConfigError."""
        chip, _, line = where.rpartition(":")
        try:
            import gpiod
        except ImportError:
            raise ConfigError("ir_cut needs the Python package gpiod (Debian: python3-libgpiod)") from None
        try:
            self._line = int(line)
            output = gpiod.LineSettings(direction=gpiod.line.Direction.OUTPUT, output_value=gpiod.line.Value.ACTIVE)
            self._request = gpiod.request_lines(chip, consumer="edge ir-cut", config={self._line: output})
        except (OSError, ValueError) as error:
            raise ConfigError(f"ir_cut {where}: {error}", remedy="write CHIP:LINE, for example /dev/gpiochip0:17") from error
        self._values = gpiod.line.Value

    def put(self, cut: bool) -> None:
        self._request.set_value(self._line, self._values.ACTIVE if cut else self._values.INACTIVE)

    def close(self) -> None:
        self._request.release()


@dataclass
class DayNight:
    """Sets what a phase asks for on a picamera2 camera."""

    phases: Phases
    filter: Filter | None = None
    _told: bool = field(default=False)

    @staticmethod
    def of(options: Mapping[str, Any]) -> DayNight | None:
        """None where the configuration wants the camera left alone. Raises ConfigError."""
        if not boolean(options, "night", True):
            return None
        phases = Phases(number(options, "day_lux", 15.0, 0.1, 1000.0), number(options, "night_lux", 5.0, 0.01, 1000.0))
        if phases.night_lux >= phases.day_lux:
            raise ConfigError(f"night_lux {phases.night_lux:g} is not below day_lux {phases.day_lux:g}")
        where = text(options, "ir_cut", "")
        return DayNight(phases, GpioFilter(where) if where else None)

    def see(self, lux: float | None, luma: bytes | memoryview, at_ns: int, camera: Any) -> None:
        """After each luma picture."""
        light = lux if lux is not None else LUX_OF_LUMA * sum(luma[::97]) / max(1, len(luma[::97]))
        if self.phases.see(light, at_ns) or not self._told:
            self._told = True
            self._set(camera)

    def close(self) -> None:
        if self.filter is not None:
            self.filter.close()

    def _set(self, camera: Any) -> None:
        day = self.phases.phase == "day"
        log.info("it is %s: %s", self.phases.phase, "filter in" if day else "filter out")
        if self.filter is not None:
            self.filter.put(day)
        if camera is not None and "AeExposureMode" in camera.camera_controls:
            camera.set_controls({"AeExposureMode": 1 if day else 2})  # libcamera's short (less blur), long
