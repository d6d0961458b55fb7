"""How far back footage reaches, how far it will, and what goes next. Pure: numbers in, numbers out.

The partition is shared: each camera makes room by erasing its own oldest footage, so all of them lose or gain reach by the same number of
days. How old footage will get before it is erased for room is what it has reached, plus what the free space holds, less what holds pin of
it (held bytes do not come back when their time is over).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.journal.line import Line
from edge.messages.records import Segment, facts_of

DAY_S = 86_400
DAY_MS = 86_400_000
_MEASURED_MS = DAY_MS
"""Footage that the rate is taken from: a day, nights and rush hours included."""
_LINES_MAX = 6000

NextReason = Literal["age", "space", "budget"]


@dataclass(frozen=True, slots=True)
class CameraUse:
    """One camera's footage. bytes_per_day: measured, or configured while nothing was. oldest_ms: UTC start of the oldest dated footage that
    is not held, None: there is none. held_bytes: pinned by holds among what is younger than that."""

    camera: str
    bytes_per_day: float
    measured: bool
    oldest_ms: int | None = None
    held_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """free_bytes: of the partition, the reserve included. budget_bytes: of one camera's ring, 0: no limit."""

    free_bytes: int
    reserve_bytes: int
    budget_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Horizon:
    """kept_days: age of the oldest un-held footage, None: unknown. fits_days: how old footage will get before room runs out, if age did not
    end it before. forecast_days: the same, at most the configured days. next_ms: UTC at which the oldest un-held footage will be erased, as
    things look now, and why; None: unknown."""

    camera: str
    bytes_per_day: float
    measured: bool
    kept_days: float | None
    fits_days: float
    forecast_days: float
    next_ms: int | None
    next_reason: NextReason | None


def horizons(uses: Sequence[CameraUse], room: Room, days: float, now_ms: int | None) -> list[Horizon]:
    """One for each camera, in their order. days: footage older than this is erased. now_ms: UTC, None while the clock is not dated."""
    rate = sum(use.bytes_per_day for use in uses)
    more_days = max(0, room.free_bytes - room.reserve_bytes) / rate if rate else float("inf")
    return [_horizon(use, more_days, room.budget_bytes, days, now_ms) for use in uses]


def _horizon(use: CameraUse, more_days: float, budget_bytes: int, days: float, now_ms: int | None) -> Horizon:
    kept_days = None if use.oldest_ms is None or now_ms is None else max(0, now_ms - use.oldest_ms) / DAY_MS
    held_days = use.held_bytes / use.bytes_per_day if use.bytes_per_day else 0.0
    left_days: dict[NextReason, float] = {"space": more_days}
    fits_days = max(0.0, (kept_days or 0.0) + more_days - held_days)
    if budget_bytes and use.bytes_per_day:
        by_budget = budget_bytes / use.bytes_per_day
        left_days["budget"] = by_budget - (kept_days or 0.0)
        fits_days = min(fits_days, by_budget)
    next_ms, next_reason = None, None
    if now_ms is not None and kept_days is not None:
        left_days["age"] = days - kept_days
        next_reason = min(left_days, key=lambda reason: left_days[reason])
        next_ms = now_ms + round(max(0.0, left_days[next_reason]) * DAY_MS)
    return Horizon(use.camera, use.bytes_per_day, use.measured, kept_days, fits_days, min(fits_days, days), next_ms, next_reason)


def configured_bytes_per_day(bitrate_kbps: float) -> float:
    return bitrate_kbps * 1000 / 8 * DAY_S


def measured_bytes_per_day(newest_first: Iterable[Line]) -> float | None:
    """From the records of the newest day of footage, some 1,440 of them: no file is looked at. None: nothing was recorded."""
    size, length_ms = 0, 0
    for count, line in enumerate(newest_first):
        if count >= _LINES_MAX or length_ms >= _MEASURED_MS:
            break
        if line.record.type == "segment":
            segment = facts_of(line.record, Segment)
            size += segment.bytes
            length_ms += segment.duration_ms
    return size / length_ms * DAY_MS if length_ms else None


def days_on_empty(total_bytes: int, reserve_bytes: int, rates: Sequence[float], budget_bytes: int = 0, quota_percent: float = 0.0) -> float:
    """How many days an empty partition holds. rates: bytes a day of each camera. quota_percent: of it that holds may pin, all in use."""
    if not sum(rates):
        return float("inf")
    days = max(0.0, total_bytes * (1 - quota_percent / 100) - reserve_bytes) / sum(rates)
    return min(days, budget_bytes / max(rates)) if budget_bytes else days
