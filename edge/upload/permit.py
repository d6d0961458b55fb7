"""When uploads may go at all: quiet hours, and a day's budget where the link is paid by volume. Urgent jobs ask for neither."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from edge.clock import Clock, utc_datetime
from edge.upload.budget import DailyBudget
from edge.upload.quiet import quiet_until

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Permit:
    """Any thread. quiet: minutes since local midnight. While the clock is not trusted nobody knows the hour: then no hour is quiet."""

    clock: Clock
    zone: tzinfo
    quiet: frozenset[int] = frozenset()
    budget: DailyBudget | None = None

    def hindrance(self, urgent: bool) -> str:
        """What a job waits for, in words; "" for nothing."""
        if urgent:
            return ""
        now = self.clock.read()
        if self.quiet and now.dated:
            until_ns = quiet_until(self.quiet, self.zone, now.utc_ns)
            if until_ns is not None:
                return f"quiet hours: waits for {utc_datetime(until_ns).astimezone(self.zone):%H:%M}"
        if self.budget is not None and not self.budget.left():
            return f"today's {self.budget.limit_bytes // MB} MB are used: waits for tomorrow"
        return ""
