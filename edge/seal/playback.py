"""Whether a file plays at the speed it was recorded: the container's times against the signed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MS = 1_000_000
ONE_GOP_NS, ONE_GOP_SHARE = 250 * _MS, 10
"""A GOP may be off by 250 ms and a tenth: time stamps of some containers are coarse, and its last picture's length is a guess."""
RUN_NS, RUN_SHARE = 500 * _MS, 1000
"""A run may be off by half a second, and by 0.1 %: more than two crystals run apart, and than a kernel slews its clock (500 ppm)."""


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
