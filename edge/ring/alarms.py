"""Alarms of the ring: one record when a condition begins, one when it ends, a reminder while it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.clock import NS_PER_S, Clock
from edge.journal.writer import JournalWriter
from edge.messages.records import AlarmRaised

_REMINDER_NS = 12 * 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Condition:
    """A thing that may be wrong. kind: the word before the camera in the alarm's code."""

    kind: str
    severity: Literal["info", "warning", "critical"]
    todo: str


SUSPENDED = Condition("erasure_suspended", "warning", "make sure that the clock is right; erasure by age goes on by itself")
JUMPED = "the clock jumped forward by more than an hour"
"""Why erasure by age is suspended although the clock is dated; readers of the journal look for these words."""
EARLY = Condition(
    "erased_early", "critical", "the disk is too small for the legal minimum: more space, less bitrate, or fewer held segments"
)
FULL = Condition("ring_full", "critical", "nothing is left to erase: release holds, or remove what else fills the data partition")
OVERDUE = Condition(
    "undated_overdue", "warning", "a footage's number says that it is too old, its neighbours' dates do not: decide by hand"
)
UNREAD_HOLD = Condition("hold_unread", "critical", "what it links to stays, the rest of its range may be erased: ask for the hold again")


class Alarms:
    """One thread. What was active in an earlier run is known from the journal (`remember`)."""

    def __init__(self, journal: JournalWriter, clock: Clock, camera: str) -> None:
        self._journal = journal
        self._clock = clock
        self._camera = camera
        self._said_ns: dict[str, int] = {}
        """Codes that are active, and when that was said last."""
        self._words: dict[str, str] = {}
        """And in which words."""

    def remember(self, known: dict[str, AlarmRaised]) -> None:
        for code, alarm in known.items():
            if alarm.active:
                self._said_ns[code] = self._clock.boot_ns()
                self._words[code] = alarm.text

    def is_active(self, condition: Condition) -> bool:
        return self._code(condition) in self._said_ns

    def set(self, condition: Condition, active: bool, text: str, *, as_told: bool = False) -> None:
        """as_told: other words are news, too. Raises StorageError when the journal refuses: said again next time."""
        code, now_ns = self._code(condition), self._clock.boot_ns()
        said_ns = self._said_ns.get(code)
        is_news = as_told and self._words.get(code) != text
        if active and said_ns is not None and now_ns - said_ns < _REMINDER_NS and not is_news:
            return
        if not active and said_ns is None:
            return
        facts = AlarmRaised(
            code=code,
            active=active,
            severity=condition.severity if active else "info",
            text=text,
            todo=condition.todo if active else "",
        )
        self._journal.append(facts, camera=self._camera)
        if active:
            self._said_ns[code] = now_ns
            self._words[code] = text
        else:
            del self._said_ns[code]

    def _code(self, condition: Condition) -> str:
        return f"{condition.kind}.{self._camera}"
