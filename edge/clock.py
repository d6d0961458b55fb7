"""Two clocks and how far to believe the second.

The timeline of the node is monotonic: CLOCK_BOOTTIME nanoseconds plus a boot id. UTC is a mapping on top of it, with a
quality. All instants in this code base are integer nanoseconds; `boot_ns` and `utc_ns` are never mixed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Literal, Protocol

ClockState = Literal["trusted", "holdover", "untrusted"]

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One simultaneous look at both clocks.

    state: trusted (synchronised, error bound known) - holdover (was synchronised in this boot, source lost) -
    untrusted (never synchronised). error_ms: bound of the UTC error, None where unknown. source: e.g. "kernel", "assumed".
    """

    boot_ns: int
    utc_ns: int
    state: ClockState
    error_ms: float | None = None
    source: str = ""

    @property
    def offset_ns(self) -> int:
        """utc - boot: the mapping. Constant within a boot but for drift and steps."""
        return self.utc_ns - self.boot_ns

    @property
    def dated(self) -> bool:
        """Whether footage may be named by this reading's UTC."""
        return self.state != "untrusted"

    def utc_of(self, boot_ns: int) -> int:
        return boot_ns + self.offset_ns


class Clock(Protocol):
    """Any thread may call. `read` is cheap enough for every fragment (one adjtimex)."""

    def boot_ns(self) -> int: ...

    def read(self) -> Reading: ...


class ManualClock:
    """A clock that moves only when told: for simulations of months and for tests."""

    def __init__(self, utc_ns: int = 1_795_000_000 * NS_PER_S, boot_ns: int = 60 * NS_PER_S, state: ClockState = "trusted") -> None:
        self._now = Reading(boot_ns, utc_ns, state, error_ms=1.0, source="manual")

    def boot_ns(self) -> int:
        return self._now.boot_ns

    def read(self) -> Reading:
        return self._now

    def advance(self, seconds: float) -> None:
        step = round(seconds * NS_PER_S)
        self._now = replace(self._now, boot_ns=self._now.boot_ns + step, utc_ns=self._now.utc_ns + step)

    def step_utc(self, seconds: float) -> None:
        """What NTP, an RTC or a hand does: UTC moves, the monotonic clock does not."""
        self._now = replace(self._now, utc_ns=self._now.utc_ns + round(seconds * NS_PER_S))

    def set_state(self, state: ClockState) -> None:
        self._now = replace(self._now, state=state)


def monotonic_s() -> float:
    """Seconds for deadlines and back-off inside one process."""
    return time.monotonic()


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def utc_datetime(utc_ns: int) -> datetime:
    """Microsecond precision, always aware."""
    return _EPOCH + timedelta(microseconds=utc_ns // 1000)


def format_utc(utc_ns: int) -> str:
    """RFC 3339 with milliseconds and Z: 2026-11-22T13:05:00.120Z. Truncates, never rounds up."""
    return utc_datetime(utc_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_utc(text: str) -> int:
    """The inverse of `format_utc`; takes any RFC 3339 instant with an explicit offset. Raises ValueError otherwise, and for one that its
    offset takes out of the calendar: `format_utc` could not write it."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    utc_ns = to_ns(moment)
    if not _FIRST_NS <= utc_ns <= _LAST_NS:
        raise ValueError(f"{text!r} is outside the calendar")
    return utc_ns


def to_ns(moment: datetime) -> int:
    """Aware datetime -> UTC nanoseconds, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


_FIRST_NS = to_ns(datetime.min.replace(tzinfo=timezone.utc))
_LAST_NS = to_ns(datetime.max.replace(tzinfo=timezone.utc))
