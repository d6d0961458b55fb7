"""How many bytes uploads may still cost on a day of the node's place, where the link is paid by volume. Durable: no restart gives more.

What will be sent is written down before it is sent, a part of the day's budget at a time; after a power cut all of that part counts.
"""

from __future__ import annotations

import logging
import threading
from datetime import tzinfo
from pathlib import Path

import msgspec

from edge.clock import Clock, utc_datetime
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk

_LOG = logging.getLogger(__name__)
_PARTS = 50
_LEAST_PART_BYTES = 64 << 10
_MOST_PART_BYTES = 4 << 20


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """<data>/agent/uploaded.json. day: local date. bytes: sent and read on it, headers included, and what was about to be."""

    day: str = ""
    bytes: int = 0


class DailyBudget:
    """Any thread. A day begins by the clock while it is dated; until then the last known day goes on. A clock that is set back to an
    earlier day takes what was spent with it. A disk that refuses the note stops no upload."""

    def __init__(self, disk: Disk, path: Path, clock: Clock, zone: tzinfo, limit_bytes: int) -> None:
        self._disk, self._path, self._clock, self._zone = disk, path, clock, zone
        self.limit_bytes = limit_bytes
        self._part_bytes = min(max(limit_bytes // _PARTS, _LEAST_PART_BYTES), _MOST_PART_BYTES)
        self._lock = threading.Lock()
        self._day, self._used = "", 0
        self._noted = Spent()
        try:
            self._noted = msgspec.json.decode(disk.read(path), type=Spent)
        except NotFound:
            pass
        except (StorageError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _LOG.error("%s does not read, today's budget begins anew: %s", path, error)
        self._day, self._used = self._noted.day, self._noted.bytes

    def left(self) -> int:
        with self._lock:
            self._turn_the_day()
            return max(0, self.limit_bytes - self._used)

    def add(self, count: int) -> None:
        with self._lock:
            self._turn_the_day()
            self._used += count
            if self._used > self._noted.bytes or self._noted.day != self._day:
                self._note()

    def reserve(self, count: int) -> bool:
        """Whether so many bytes may still be sent today. Written down before they are. Once it is no, the rest of the day has nothing."""
        with self._lock:
            self._turn_the_day()
            if self._used + count > self.limit_bytes:
                self._used = max(self._used, self.limit_bytes)
                return False
            if self._used + count > self._noted.bytes or self._noted.day != self._day:
                self._note(count)
            return True

    def _turn_the_day(self) -> None:
        now = self._clock.read()
        if not now.dated:
            return
        today = f"{utc_datetime(now.utc_ns).astimezone(self._zone):%Y-%m-%d}"
        if today > self._day:
            self._used = 0
        self._day = today

    def _note(self, count: int = 0) -> None:
        note = Spent(day=self._day, bytes=self._used + max(count, self._part_bytes))
        try:
            self._disk.replace(self._path, msgspec.json.encode(note))
        except StorageError as error:
            _LOG.error("%s: what was sent today is not written down: %s", self._path, error)
        self._noted = note
