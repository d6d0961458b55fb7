"""What a clip job waits for: footage still to come, a quiet hour's end, tomorrow's budget, its place in the line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from edge.clip.plan import asked_range
from edge.clock import monotonic_s
from edge.errors import IntegrityError, NotFound, StorageError
from edge.messages.clip import JobProgress
from edge.services.clip_ahead import PIN_EVERY_S, Ahead
from edge.services.clip_rules import Rules
from edge.upload.jobs import Job, JobStore, Memory
from edge.upload.line import BIG_BYTES, InLine, in_order
from edge.upload.terms import limit_s, waits_until

log = logging.getLogger(__name__)

CANCEL_EVERY_S = 2.0
"""How soon one that was called off on the node itself is noticed."""
COUNT_EVERY_S = 600.0
TELL_EVERY_S = 5.0
NEVER_S = float("-inf")


@dataclass(slots=True, eq=False)
class Entry:
    """A job that is not over. While it is running it belongs to its worker but for `stop`, else to the thread "clips".

    not_before_s: after a refusal of the disk. counted_s: up to when its waiting time is in its Memory. looked_s: for a cancellation.
    waited_for: what kept it from being carried out until now.
    """

    job: Job
    number: int
    stop: threading.Event = field(default_factory=threading.Event)
    running: bool = False
    ended: bool = False
    cancelled: bool = False
    big: bool | None = None
    not_before_s: float = NEVER_S
    refused_s: float | None = None
    counted_s: float = field(default_factory=monotonic_s)
    spent_s: float | None = None
    looked_s: float = NEVER_S
    pinned_s: float = NEVER_S
    told_s: float = NEVER_S
    told: tuple[str, int] = ("", 0)
    waited_for: str = ""

    def begins(self) -> None:
        """It is given to a worker."""
        self.running = True
        self.stop.clear()
        self.waited_for, self.told = self.told[0], ("", 0)

    @property
    def in_line(self) -> InLine:
        return InLine(self.job.id, self.number, self.job.terms.urgent, bool(self.big))


class Waiting:
    """`look` and `tell_places` belong to the thread "clips", `limit_s` to whoever is about to carry the job out."""

    def __init__(self, store: JobStore, rules: Rules, ahead: Ahead | None, tell: Callable[[JobProgress], None]) -> None:
        self._store, self._rules, self._ahead, self._tell = store, rules, ahead, tell

    def look(self, entry: Entry) -> bool:
        """Whether it may be carried out now. Stops one that is running and may not any more. Raises StorageError, IntegrityError."""
        now_s = monotonic_s()
        if not entry.cancelled and now_s - entry.looked_s >= CANCEL_EVERY_S:
            entry.looked_s = now_s
            entry.cancelled = self._store.cancellation(entry.job) is not None
        if entry.running:
            if entry.cancelled or self._rules.permit.hindrance(entry.job.terms.urgent):
                entry.stop.set()
            return False
        if now_s < entry.not_before_s:
            return False
        self._count(entry, now_s)
        if entry.cancelled:
            return True
        late = self._is_late(entry, now_s)
        if not entry.job.planned and not self._plan(entry, now_s, late=late):
            self._say(entry, waits_until(asked_range(entry.job.request)[1]), 0)
            return False
        hindrance = "" if late else self._rules.permit.hindrance(entry.job.terms.urgent)
        if hindrance:
            self._say(entry, hindrance, 0)
            return False
        if entry.big is None:
            entry.big = self._store.kept_bytes(entry.job) > BIG_BYTES
        return True

    def tell_places(self, entries: list[Entry]) -> None:
        """Of those that could be carried out, and wait for others."""
        places = {each.id: place for place, each in enumerate(in_order([entry.in_line for entry in entries]), 1)}
        for entry in entries:
            place = places[entry.job.id]
            self._say(entry, "waits for the clips before it", place)

    def limit_s(self, entry: Entry) -> float:
        """How long it may take in all, on the clock of its Memory, which has the time it waited. Raises StorageError."""
        memory = self._memory(entry)
        spent_s = memory.spent_s + self._since(entry, monotonic_s())
        entry.counted_s = monotonic_s()
        self._store.remember(entry.job, msgspec.structs.replace(memory, spent_s=spent_s))
        entry.spent_s = None
        return self._limit_s(entry, spent_s)

    def _limit_s(self, entry: Entry, spent_s: float) -> float:
        now = self._rules.permit.clock.read()
        return limit_s(entry.job.terms, self._rules.deadline_s, spent_s, now, self._rules.boot)

    def _count(self, entry: Entry, now_s: float) -> None:
        """Keeps how long it has waited, now and then: a power cut costs that much of its deadline at most."""
        if entry.spent_s is None:
            entry.spent_s = self._memory(entry).spent_s
        if self._since(entry, now_s) >= COUNT_EVERY_S:
            entry.spent_s += self._since(entry, now_s)
            entry.counted_s = now_s
            self._store.remember(entry.job, msgspec.structs.replace(self._memory(entry), spent_s=entry.spent_s))

    def _memory(self, entry: Entry) -> Memory:
        """One that is damaged only costs bytes sent again."""
        try:
            return self._store.memory(entry.job)
        except IntegrityError:
            return Memory()

    def _since(self, entry: Entry, now_s: float) -> float:
        return max(0.0, now_s - entry.counted_s)

    def _is_late(self, entry: Entry, now_s: float) -> bool:
        """Its deadline has passed: it is carried out at once, to find out what of it arrived and to say so."""
        spent_s = (entry.spent_s or 0.0) + self._since(entry, now_s)
        return spent_s >= self._limit_s(entry, spent_s)

    def _plan(self, entry: Entry, now_s: float, *, late: bool) -> bool:
        """Whether it has its plan now."""
        if self._ahead is None:
            return False
        if now_s - entry.pinned_s >= PIN_EVERY_S:
            entry.pinned_s = now_s
            self._ahead.grow(entry.job)
        if not late and not self._ahead.is_over(entry.job):
            return False
        try:
            entry.job = self._ahead.plan(entry.job)
        except NotFound as moved:
            log.info("job %s is planned again: %s", entry.job.id, moved)
            return False
        return True

    def _say(self, entry: Entry, text: str, place: int) -> None:
        """What it waits for, when that changes."""
        now_s = monotonic_s()
        if entry.told == (text, place) or (entry.told[0] == text and now_s - entry.told_s < TELL_EVERY_S):
            return
        entry.told, entry.told_s = (text, place), now_s
        try:
            now = msgspec.structs.replace(self._progress(entry), text=text, place=place)
            self._store.save_progress(entry.job, now)
        except StorageError as error:
            log.warning("job %s: progress not stored: %s", entry.job.id, error)
        else:
            self._tell(now)

    def _progress(self, entry: Entry) -> JobProgress:
        fresh = JobProgress(id=entry.job.id, state="accepted")
        try:
            return self._store.progress(entry.job.id) or fresh
        except IntegrityError:
            return fresh
