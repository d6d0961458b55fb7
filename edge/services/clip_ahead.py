"""Clips whose end lay ahead: what is recorded in their range is pinned as it comes, and planned when the range is over."""

from __future__ import annotations

import logging
from collections.abc import Collection

from edge.clip.holes import Missing, missing_of
from edge.clip.plan import CLOSING_NS, LATEST_UTC_NS, asked_range, plan_clip
from edge.clip.shape import Plan
from edge.clock import Clock
from edge.errors import NotFound
from edge.messages.clip import ClipRequest
from edge.ring.held_ranges import MARGIN_NS
from edge.ring.query import RingReader
from edge.upload.jobs import Job, JobStore, Pin
from edge.upload.terms import is_over

log = logging.getLogger(__name__)

PIN_EVERY_S = 30.0
"""Un-held footage is weeks old before it is erased, on a full disk hours: as often as an evidence lock is completed."""


def plan_of(ring: RingReader, request: ClipRequest) -> Plan:
    """Of the footage there is now."""

    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(ring.timeline(request.camera, start_ns, end_ns), end_ns)

    return plan_clip(ring, request, missing=missing)


def recorded_so_far(ring: RingReader, request: ClipRequest, known: Collection[int] = ()) -> list[Pin]:
    """What a plan may use of the range, but for the segments `known`."""
    start_ns, end_ns = asked_range(request)
    refs = ring.segments(request.camera, start_ns - MARGIN_NS, end_ns + CLOSING_NS)
    return [Pin(ref.seq, ref.path) for ref in refs if ref.seq not in known]


class Ahead:
    """One thread, the one that reads `ring`."""

    def __init__(self, store: JobStore, ring: RingReader, clock: Clock, boot: str) -> None:
        self._store, self._ring, self._clock, self._boot = store, ring, clock, boot

    def grow(self, job: Job) -> None:
        """Pins what was recorded since. Raises StorageError; a segment that is sealed meanwhile comes with the next look."""
        try:
            self._store.pin(job, recorded_so_far(self._ring, job.request, self._store.pinned_seqs(job)))
        except NotFound as moved:
            log.info("job %s: %s", job.id, moved)

    def is_over(self, job: Job) -> bool:
        start_ns, end_ns = asked_range(job.request)
        if not is_over(job.terms, end_ns, LATEST_UTC_NS, self._clock.read(), self._boot):
            return False  # however far the footage reaches: the ring need not be looked at
        refs = self._ring.segments(job.request.camera, end_ns - CLOSING_NS, end_ns + CLOSING_NS)
        newest_ns = max((ref.end_utc_ns for ref in refs), default=start_ns)
        return is_over(job.terms, end_ns, newest_ns, self._clock.read(), self._boot)

    def plan(self, job: Job) -> Job:
        """The job with its plan: of what there is, the rest as gaps. Raises StorageError; NotFound for a segment that moved: ask again."""
        plan = plan_of(self._ring, job.request)
        return self._store.plan(job, plan.encode(), [Pin(seq, path) for seq, path in plan.files().items()])
