"""What became of UTC since it was last looked at: steps, drift and changes of trust, as facts for the journal. Pure but for its memory."""

from __future__ import annotations

from edge.clock import NS_PER_MS, NS_PER_S, Reading
from edge.messages.records import ClockStep

STEP_NS = 100 * NS_PER_MS
"""Between two looks a second apart: NTP daemons slew slower than this, so it is a step."""
DRIFT_NS = NS_PER_S
"""Slewing that has added up to this is worth a record too."""
_QUIET_NS = 60 * NS_PER_S
"""A source that comes and goes (trusted, holdover, trusted ...) is recorded at most once a minute."""


class ClockWatch:
    """One thread."""

    def __init__(self, first: Reading) -> None:
        self._recorded = first
        self._last = first

    def look(self, now: Reading) -> ClockStep | None:
        """The fact to record, None where nothing happened."""
        before, last = self._recorded, self._last
        self._last = now
        stepped = abs(now.offset_ns - last.offset_ns) >= STEP_NS or abs(now.offset_ns - before.offset_ns) >= DRIFT_NS
        if not stepped:
            if now.state == before.state:
                return None
            if now.dated and before.dated and now.boot_ns - before.boot_ns < _QUIET_NS:
                return None
        self._recorded = now
        step_ms = round((now.offset_ns - before.offset_ns) / NS_PER_MS)
        return ClockStep(step_ms=step_ms, before=before.state, after=now.state, error_ms=now.error_ms, source=now.source)
