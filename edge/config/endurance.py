"""How long storage lasts: days of footage it keeps, years until it is worn out. Pure arithmetic on what a profile and the cameras say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.config.hardware import Storage
from edge.config.model import Camera

_DAY_S = 86_400
_USABLE = 0.96
"""Of the medium: the file system's own, and the reserve that stays free."""
_AMPLIFICATION = 1.1
"""Bytes written to the medium for each byte of footage: journals, indices, file system."""


@dataclass(frozen=True, slots=True)
class Endurance:
    """days: of footage that fit, with all cameras recording. years: until the medium's rated writes are used up."""

    daily_bytes: int
    days: float
    years: float


def endurance(cameras: Sequence[Camera], storage: Storage) -> Endurance:
    """By the encoders' rates: a still street uses less, a snowstorm all of it."""
    daily = sum(camera.bitrate_kbps for camera in cameras) * 1000 // 8 * _DAY_S
    return Endurance(daily, storage.size_gb * 1e9 * _USABLE / daily, storage.rated_tb * 1e12 / (daily * _AMPLIFICATION) / 365)


def advice(found: Endurance, storage: Storage, minimum_days: float) -> list[str]:
    """Sentences for whoever chooses a medium; empty where it is enough."""
    told = []
    if found.days < minimum_days:
        needed = found.daily_bytes * minimum_days / _USABLE / 1e9
        told.append(
            f"{storage.size_gb:g} GB keep {found.days:.1f} days, {minimum_days:g} are asked for: "
            f"take at least {needed:.0f} GB, or lower bitrate_kbps"
        )
    if found.years < 3:
        told.append(f"the {storage.medium} is worn out after {found.years:.1f} years of writing: take one rated for more")
    return told
