"""Journal records that must not stop the recording: what the journal refuses now is kept, in order, and offered again."""

from __future__ import annotations

import logging
from collections import deque
from typing import Protocol

from edge.clock import NS_PER_S, Clock, Reading
from edge.errors import StorageError
from edge.messages.records import Facts, Record

log = logging.getLogger(__name__)

LIMIT = 4096
"""Facts kept while the journal refuses: two days of segments. Beyond it the oldest is lost; start-up completes lost segment records
from the ring."""
_RETRY_NS = 2 * NS_PER_S


class Journal(Protocol):
    """The writing side of a journal (edge.journal)."""

    def append(self, facts: Facts, camera: str | None = None, reading: Reading | None = None) -> Record: ...


class Ledger:
    """One thread."""

    def __init__(self, journal: Journal, clock: Clock, camera: str, limit: int = LIMIT) -> None:
        self._journal = journal
        self._clock = clock
        self._camera = camera
        self._limit = limit
        self._waiting: deque[tuple[Facts, Reading]] = deque()
        self._retry_at_ns = 0
        self.lost = 0

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    def put(self, facts: Facts, reading: Reading | None = None) -> None:
        """Never raises. The record carries the time of this call (or `reading`), however late it is written."""
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.lost += 1
            log.error(
                "camera %s: the journal refuses and %d facts wait: the oldest is lost (%d so far)", self._camera, self._limit, self.lost
            )
        self._waiting.append((facts, reading or self._clock.read()))
        self.flush()

    def flush(self, *, now: bool = False) -> bool:
        """Write what waits; True when nothing waits any more. After a refusal it tries again only every two seconds, unless `now`."""
        if not self._waiting:
            return True
        if not now and self._clock.boot_ns() < self._retry_at_ns:
            return False
        while self._waiting:
            facts, reading = self._waiting[0]
            try:
                self._journal.append(facts, camera=self._camera, reading=reading)
            except StorageError as refused:
                if self._retry_at_ns == 0:
                    log.error("camera %s: the journal refuses (%s): recording goes on, facts are kept", self._camera, refused)
                self._retry_at_ns = self._clock.boot_ns() + _RETRY_NS
                return False
            self._waiting.popleft()
        if self._retry_at_ns:
            self._retry_at_ns = 0
            log.warning("camera %s: the journal writes again", self._camera)
        return True
