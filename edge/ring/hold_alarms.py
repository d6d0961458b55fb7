"""Alarms about holds: too much of the quota is used, someone should look at one, one cannot be kept. Only changes are recorded.

Raised by the agent alone: two processes that raise and clear one code would contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from edge.clock import Clock
from edge.journal.writer import JournalWriter
from edge.messages.records import AlarmRaised
from edge.ring.hold import Holds

PREFIX = "hold_"
QUOTA = "hold_quota"
REVIEW = "hold_review"
FULL_PERCENT, NOT_FULL_PERCENT = 100.0, 97.0
HIGH_PERCENT, NOT_HIGH_PERCENT = 80.0, 75.0
"""Raised at the first, taken back below the second."""
_NAMED = 8
_COUNT_EVERY = 10

Level = Literal["", "warning", "critical"]


class HoldAlarms:
    """One thread. standing: alarms of this kind that were raised when the process before this one ended."""

    def __init__(self, holds: Holds, journal: JournalWriter, clock: Clock, standing: Iterable[AlarmRaised] = ()) -> None:
        self._holds, self._journal, self._clock = holds, journal, clock
        self._standing = {alarm.code: alarm for alarm in standing if alarm.active}
        self._looks = 0

    def look(self, *, changed: bool) -> None:
        """To be called after each `Holds.refresh`; changed: something did. Raises StorageError: what is not recorded is said next time."""
        if changed or self._looks % _COUNT_EVERY == 0:
            self._quota()
        self._review()
        for code in [code for code in self._standing if code.startswith((f"{QUOTA}.", "hold_damaged."))]:
            if code not in self._holds.troubles:
                self._set(code, "", "this is over")
        for code, (text, todo) in self._holds.troubles.items():
            self._set(code, "critical", text, todo)
        self._looks += 1

    def _quota(self) -> None:
        used, total = self._holds.held_bytes(), self._holds.quota_bytes()
        percent = 100 * used / total if total else 0.0
        level = level_of(percent, self._level(QUOTA))
        threshold = FULL_PERCENT if level == "critical" else HIGH_PERCENT
        text = f"holds use {percent:.0f} % of their quota: {used} of {total} bytes"
        todo = "release holds that are not needed any more: edge hold list --past-review"
        self._set(QUOTA, level, text, todo, value=round(percent, 1), threshold=threshold)

    def _review(self) -> None:
        if not self._clock.read().dated:
            return
        late = self._holds.past_review()
        named = ", ".join(f"{hold.id} ({(hold.review or '')[:10]})" for hold in late[:_NAMED])
        more = f" and {len(late) - _NAMED} more" if len(late) > _NAMED else ""
        text = f"past their review date: {named}{more}" if late else "no hold is past its review date"
        self._set(REVIEW, "warning" if late else "", text, "ask who holds them, then release them or hold them anew", as_told=True)

    def _level(self, code: str) -> Level:
        standing = self._standing.get(code)
        return "" if standing is None else "critical" if standing.severity == "critical" else "warning"

    def _set(
        self,
        code: str,
        level: Level,
        text: str,
        todo: str = "",
        *,
        value: float | None = None,
        threshold: float | None = None,
        as_told: bool = False,
    ) -> None:
        """as_told: other words are news, too."""
        standing = self._standing.get(code)
        if level == self._level(code) and not (as_told and standing is not None and standing.text != text):
            return
        alarm = AlarmRaised(
            code=code,
            active=bool(level),
            severity=level or "info",
            text=text,
            todo=todo if level else "",
            value=value,
            threshold=threshold,
        )
        self._journal.append(alarm)
        if level:
            self._standing[code] = alarm
        else:
            del self._standing[code]


def level_of(percent: float, before: Level) -> Level:
    """With hysteresis: a hold that comes and goes at a threshold is one alarm."""
    if percent >= FULL_PERCENT or (before == "critical" and percent >= NOT_FULL_PERCENT):
        return "critical"
    if percent >= HIGH_PERCENT or (before and percent >= NOT_HIGH_PERCENT):
        return "warning"
    return ""
