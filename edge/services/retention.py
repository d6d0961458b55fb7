"""A recorder's retention: footage before each segment, and now and then the journal, which outlives it."""

from __future__ import annotations

import logging

from edge.clock import NS_PER_S, Clock, format_utc
from edge.errors import StorageError
from edge.journal.writer import JournalWriter
from edge.ring.sweep import Sweeper, SweepReport

log = logging.getLogger(__name__)

_EVERY_NS = 6 * 3600 * NS_PER_S
_DAY_NS = 86_400 * NS_PER_S


class Retention:
    """Used by the writer thread in the sweeper's place. Records go by age only when footage may, so a clock that jumped costs neither."""

    def __init__(self, sweeper: Sweeper, journal: JournalWriter, clock: Clock, journal_days: float) -> None:
        self._sweeper, self._journal, self._clock, self._journal_days = sweeper, journal, clock, journal_days
        self._due_at_ns = 0

    def sweep(self, needed_bytes: int) -> SweepReport:
        """Raises StorageError as the sweeper does; a journal that cannot be shortened is logged."""
        report = self._sweeper.sweep(needed_bytes)
        now = self._clock.read()
        if not report.suspended and now.state == "trusted" and now.boot_ns >= self._due_at_ns:
            self._due_at_ns = now.boot_ns + _EVERY_NS
            try:
                removed = self._journal.retire(format_utc(max(0, now.utc_ns - round(self._journal_days * _DAY_NS))))
            except StorageError as refused:
                log.error("%s: old records cannot be removed: %s", self._journal.folder, refused)
            else:
                if removed:
                    log.info("%s: %d files of records older than %g days removed", self._journal.folder, len(removed), self._journal_days)
        return report
