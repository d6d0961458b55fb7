"""Leaving out what turns out to be damaged: the clip gets a gap with a reason instead of failing as a whole."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from edge.clip.arrange import arrange
from edge.clip.cuts import Footage, Lost, cuts_of
from edge.clip.holes import Missing
from edge.clip.shape import Plan
from edge.clip.source import DamagedFragment, Opener, Segments
from edge.clip.virtual import VirtualClip, open_part
from edge.clock import parse_utc
from edge.errors import IntegrityError, NotFound

_LOG = logging.getLogger(__name__)


def sound_plan(plan: Plan, opener: Opener) -> tuple[Plan, list[VirtualClip]]:
    """The plan without what cannot be read, and the clips of its parts, each with its etag known.

    A plan without damage comes back as it is, after one read of everything; damage costs two more. The same files give the same result, so
    it may be done again after a reboot. A segment that is gone becomes a gap too. Raises StorageError for any other trouble of the disk.
    """
    lost: set[Lost] = set()
    while True:
        try:
            clips = [open_part(part, opener) for part in plan.parts]
            for clip in clips:
                clip.etag()
        except (NotFound, IntegrityError) as trouble:
            _LOG.error("a clip of %s must do without footage: %s", plan.camera, trouble)
        else:
            return plan, clips
        footage = _footage(plan, opener)
        lost |= _damaged(plan, footage, opener)
        missing = [Missing(parse_utc(gap.start), parse_utc(gap.end), gap.reason) for gap in plan.gaps]
        less = arrange(plan.camera, plan.start_utc_ns, plan.end_utc_ns, footage, lost, missing)
        if less == plan:
            raise IntegrityError(f"a clip of {plan.camera} cannot be made of its segments")
        plan = less


def _footage(plan: Plan, opener: Opener) -> list[Footage]:
    """The plan's segments as far as they can be opened."""
    segments = Segments(opener)
    found: list[Footage] = []
    for each in plan.segments:
        try:
            index = segments.find(each.seq).index
        except (NotFound, IntegrityError) as trouble:
            _LOG.error("segment %d of %s is left out of a clip: %s", each.seq, plan.camera, trouble)
        else:
            found.append(Footage(each.seq, each.path, each.start_utc_ns, each.dated, index))
    return found


def _damaged(plan: Plan, footage: Sequence[Footage], opener: Opener) -> set[Lost]:
    """All fragments among those the plan uses whose bytes do not check."""
    segments = Segments(opener)
    wanted = [each for part in plan.parts for each in (*part.fragments, *([part.closing] if part.closing else []))]
    found: set[Lost] = set()
    for each in footage:
        for cut in cuts_of(each):
            number = cut.entry.number
            if not any(part.seq == each.seq and part.first <= number <= part.last for part in wanted):
                continue
            try:
                segments.find(each.seq).payload(cut.entry)
            except DamagedFragment as damage:
                found.add((damage.seq, damage.number))
    return found
