"""Whether a file plays at the speed it was recorded: the container's times against the signed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.seal.gops import Gop

_MS = 1_000_000
ONE_GOP_NS, ONE_GOP_SHARE = 250 * _MS, 10
"""A GOP may be off by 250 ms and a tenth: time stamps of some containers are coarse, and its last picture's length is a guess."""
RUN_NS, RUN_SHARE = 500 * _MS, 1000
"""A run may be off by half a second, and by 0.1 %: more than two crystals run apart, and than a kernel slews its clock (500 ppm)."""


LEADING_NS, TRAILING_NS = 500 * _MS, 250 * _MS
"""A GOP's pictures are shown between its own key picture and the next one; in open GOPs (H.265) some are shown before theirs."""


def out_of_place(gops: Sequence[Gop]) -> Gop | None:
    """The first GOP of which a picture is shown among another GOP's, by the container's times; None where there is none."""
    for number, gop in enumerate(gops):
        if gop.pts_ns is None or gop.earliest_ns is None or gop.latest_ns is None:
            continue
        following = gops[number + 1].pts_ns if number + 1 < len(gops) else None
        if gop.earliest_ns < gop.pts_ns - LEADING_NS:
            return gop
        if following is not None and (following <= gop.pts_ns or gop.latest_ns > following + TRAILING_NS):
            return gop
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """One GOP: how long it lasted by its signature and by the container, nanoseconds."""

    signed_ns: int
    played_ns: int


def plays_true(steps: Sequence[Step]) -> bool:
    """steps: GOPs that follow each other without a hole."""
    if any(abs(step.signed_ns - step.played_ns) > ONE_GOP_NS + step.signed_ns // ONE_GOP_SHARE for step in steps):
        return False
    signed, played = sum(step.signed_ns for step in steps), sum(step.played_ns for step in steps)
    return abs(signed - played) <= RUN_NS + signed // RUN_SHARE
