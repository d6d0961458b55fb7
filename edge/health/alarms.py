"""Alarms from health documents: a table of rules, each with a level to raise at, a lower one to clear at, and a time to hold. Pure.

A value of None is unknown: it neither raises nor clears. More than three edges within an hour: the alarm stays raised ("flapping") until an
hour without an edge has passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from edge.messages.health import CameraHealth, HealthDocument
from edge.messages.records import AlarmRaised

Severity = Literal["info", "warning", "critical"]
FLAPPING_EDGES = 3
FLAPPING_S = 3600.0


@dataclass(frozen=True, slots=True)
class Measure:
    """value: higher is worse; inf where the thing measured is missing altogether."""

    code: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Raise when value > `above` for `hold_s`; clear when value <= `below` for `clear_s`."""

    measures: Callable[[HealthDocument], Iterable[Measure]]
    severity: Severity
    above: float
    below: float
    hold_s: float
    clear_s: float
    text: str
    todo: str


def _one(code: str, value: Callable[[HealthDocument], float | None]) -> Callable[[HealthDocument], Iterable[Measure]]:
    return lambda document: (Measure(code, value(document)),)


def _per_camera(code: str, value: Callable[[CameraHealth], float | None]) -> Callable[[HealthDocument], Iterable[Measure]]:
    return lambda document: [Measure(f"{code}.{camera.camera}", value(camera)) for camera in document.cameras]


def _stale_s(camera: CameraHealth) -> float | None:
    if camera.last_fragment_age_s is None:
        return math.inf if camera.state in ("silent", "failed", "stalled", "stopped") else None
    return camera.last_fragment_age_s


def _slow_percent(camera: CameraHealth) -> float | None:
    if camera.fps is None or camera.target_fps is None or camera.state != "recording":
        return None
    return 100 * (1 - camera.fps / camera.target_fps)


def _reserve_used_percent(document: HealthDocument) -> float | None:
    storage = document.storage
    if storage.free_bytes is None or not storage.reserve_bytes:
        return None
    return 100 * (1 - storage.free_bytes / storage.reserve_bytes)


def _too_short_days(document: HealthDocument) -> float | None:
    storage = document.storage
    days = storage.forecast_days if storage.fits_days is None else storage.fits_days
    return None if days is None else storage.minimum_days - days


def _journals(document: HealthDocument) -> list[Measure]:
    return [Measure(f"journal_refused.{name}", float(refused)) for name, refused in document.storage.journals_refused.items()]


def _unsent_s(document: HealthDocument) -> float | None:
    link = document.link
    return None if link is None or link.unsent_records is None else link.oldest_unsent_s or 0.0


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


RULES = (
    Rule(
        _per_camera("recording_stale", _stale_s), "critical", 5, 2, 10, 5, "no footage is being written", "look at the camera and its cable"
    ),
    Rule(_per_camera("frame_rate_low", _slow_percent), "warning", 20, 10, 60, 60, "fewer pictures than asked for", "look at heat and load"),
    Rule(
        _one("clock_unsynchronised", lambda d: float(d.clock.state != "trusted")),
        "warning",
        0.5,
        0.5,
        600,
        10,
        "the clock is not synchronised",
        "check the uplink and the time servers",
    ),
    Rule(
        _one("storage_read_only", lambda d: _flag(d.storage.read_only)),
        "critical",
        0.5,
        0.5,
        0,
        0,
        "the data partition is read-only",
        "replace the disk",
    ),
    Rule(
        _journals,
        "critical",
        0.5,
        0.5,
        0,
        0,
        "a journal takes no records: recording goes on, but nobody is shown or given footage on this node",
        "look at the data partition: full, read-only, dying",
    ),
    Rule(
        _one("delivery_late", _unsent_s),
        "warning",
        3600,
        600,
        60,
        60,
        "the oldest record that the centre has not confirmed is so many seconds old",
        "look at the uplink, the broker's access list, and whether the centre keeps journals: edge centre receive",
    ),
    Rule(
        _one("storage_reserve", _reserve_used_percent),
        "critical",
        50,
        10,
        60,
        60,
        "others fill the data partition",
        "find what uses it besides the ring",
    ),
    Rule(
        _one("retention_short", _too_short_days),
        "warning",
        0,
        -0.5,
        600,
        600,
        "footage will not get as old as the law asks: so many days are lacking",
        "larger disk, lower bitrate, or fewer held segments: edge retention report",
    ),
    Rule(
        _one("storage_wear", lambda d: d.storage.wear_used_percent), "warning", 79, 70, 0, 0, "the storage is worn", "plan its replacement"
    ),
    Rule(_one("hot", lambda d: d.heat.cpu_temp_c), "warning", 80, 72, 60, 60, "the processor is hot", "shade and ventilate the box"),
    Rule(
        _one("overheated", lambda d: d.heat.cpu_temp_c),
        "critical",
        85,
        78,
        60,
        60,
        "the processor is about to throttle",
        "shade and ventilate the box",
    ),
    Rule(
        _one("under_voltage", lambda d: _flag(d.power.under_voltage)),
        "warning",
        0.5,
        0.5,
        0,
        86_400,
        "the supply voltage dips",
        "check supply and cable",
    ),
)


@dataclass(slots=True)
class _Standing:
    active: bool = False
    crossing_s: float | None = None
    """Since when the value has been on the other side."""
    edges_s: list[float] = field(default_factory=list)


class Alarms:
    """Owned by one thread. Feed it every document; what it returns goes to the journal and to topic alarm/<code>."""

    def __init__(self, rules: Iterable[Rule] = RULES) -> None:
        self._rules = tuple(rules)
        self._standing: dict[str, _Standing] = {}

    @property
    def active(self) -> list[str]:
        return sorted(code for code, standing in self._standing.items() if standing.active)

    def judge(self, document: HealthDocument) -> list[AlarmRaised]:
        """Edges since the last document. Time is the document's mono_ms."""
        return list(self._edges(document, document.mono_ms / 1000))

    def _edges(self, document: HealthDocument, now_s: float) -> Iterator[AlarmRaised]:
        for rule in self._rules:
            for measure in rule.measures(document):
                standing = self._standing.setdefault(measure.code, _Standing())
                if measure.value is not None and _turns(standing, rule, measure.value, now_s):
                    yield _raised(rule, measure, standing)


def _turns(standing: _Standing, rule: Rule, value: float, now_s: float) -> bool:
    """Whether the alarm changes now; `standing` is brought up to date."""
    crossed = value <= rule.below if standing.active else value > rule.above
    if not crossed:
        standing.crossing_s = None
        return False
    if standing.crossing_s is None:
        standing.crossing_s = now_s
    standing.edges_s = [edge for edge in standing.edges_s if now_s - edge < FLAPPING_S]
    if now_s - standing.crossing_s < (rule.clear_s if standing.active else rule.hold_s):
        return False
    if standing.active and len(standing.edges_s) >= FLAPPING_EDGES:
        return False
    standing.active = not standing.active
    standing.crossing_s = None
    standing.edges_s.append(now_s)
    return True


def _raised(rule: Rule, measure: Measure, standing: _Standing) -> AlarmRaised:
    flapping = standing.active and len(standing.edges_s) >= FLAPPING_EDGES
    value = measure.value if measure.value is not None and math.isfinite(measure.value) else None
    return AlarmRaised(
        code=measure.code,
        active=standing.active,
        severity=rule.severity,
        text=rule.text + (" (flapping)" if flapping else ""),
        todo=rule.todo if standing.active else "",
        value=value if value is None else round(value, 3),
        threshold=rule.above if standing.active else rule.below,
    )
