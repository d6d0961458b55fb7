"""Room for the next segment: how much it will need, and making it before the segment is opened."""

from __future__ import annotations

import logging
from typing import Protocol

from edge.clock import NS_PER_S
from edge.errors import StorageError
from edge.ring.gop import Gop

log = logging.getLogger(__name__)

_MARGIN = 1.1
_FIXED_BYTES = 256 * 1024
"""Header, index box, a rate that rises a little."""
_LEARNING = 0.05
_HIGHEST_PRESSURE = 16


class Sweeps(Protocol):
    """The sweeper, as far as it is needed here."""

    def sweep(self, needed_bytes: int) -> object: ...


class Room:
    """One thread."""

    def __init__(self, sweeper: Sweeps, camera: str, bitrate_kbps: int) -> None:
        self._sweeper = sweeper
        self._camera = camera
        self._bytes_per_s = bitrate_kbps * 1000 / 8
        self._pressure = 1

    @property
    def bytes_per_s(self) -> float:
        """Measured, smoothed over about twenty GOPs."""
        return self._bytes_per_s

    def measured(self, gop: Gop, duration_ns: int) -> None:
        if duration_ns > 0:
            self._bytes_per_s += (gop.size * NS_PER_S / duration_ns - self._bytes_per_s) * _LEARNING

    def needed(self, seconds: float, at_least: Gop) -> int:
        """Bytes to reserve for `seconds` of footage that begin with `at_least`."""
        return int(max(self._bytes_per_s * seconds, at_least.size) * _MARGIN) + _FIXED_BYTES

    def refused(self) -> None:
        """The file system said full although the sweep had made room: ask the sweep for more next time."""
        self._pressure = min(self._pressure * 2, _HIGHEST_PRESSURE)

    def granted(self) -> None:
        self._pressure = 1

    def make(self, needed_bytes: int) -> None:
        """Sweep. Never raises: whether there is room shows when the space is reserved."""
        try:
            self._sweeper.sweep(needed_bytes * self._pressure)
        except StorageError as refused:
            log.error("camera %s: the sweep failed: %s", self._camera, refused)
