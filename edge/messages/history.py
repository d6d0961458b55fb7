"""Late health: topic `history`. What the retained `health` would have shown while the link was down, fifteen minutes to a message."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.clock import ClockState


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Of the documents that had it."""

    min: float
    mean: float
    max: float
    last: float


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One aggregate. kind: tells it from a present state wherever it is stored. number: in the order they were made,
    among those that wait on the node; with `boot` and `from_mono_ms` it tells a double. documents: how many health documents it is made
    of (one a health.interval_s).

    figures: name -> value, names as in the health document: "cpu_temp_c", "temperatures_c.<zone>", "power_w", "free_bytes", "kept_days",
    "memory_available_bytes", and of each camera "<camera>.fps", ".last_fragment_age_s", ".kept_days", ".worker_restarts". What was
    unknown throughout is not there."""

    v: int = 1
    kind: Literal["history"] = "history"
    node: str
    number: int
    boot: str
    since: str
    until: str
    from_mono_ms: int
    to_mono_ms: int
    documents: int
    clock: ClockState
    """At its end."""
    figures: dict[str, Figure]
    cameras: dict[str, str] = {}
    """Camera -> its state at the end."""
    alarms: list[str] = []
    """Codes that were active at any time in it."""
