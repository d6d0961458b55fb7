"""Whether a file plays at the speed it was recorded: the container's times against the signed ones.

A signed time is when a picture arrived. A network camera's pictures may come late and in a burst after a stall, but never early: single
late boundaries are forgiven, a shift that stays is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

_MS = 1_000_000
LATE_NS, EARLY_NS, MOST_LATE_NS = 250 * _MS, 500 * _MS, 2500 * _MS
ONE_GOP_SHARE = 10
"""A single GOP may be off by 250 ms and a tenth."""
DRIFT_SHARE = 1000
"""Two clocks may run apart by 0.1 %: more than any crystal, and than the kernel slews (500 ppm)."""
_LONGEST_LATE = 2
"""GOP boundaries in a row."""


@dataclass(frozen=True, slots=True)
class Step:
    """One GOP: how long it lasted by its signature and by the container, nanoseconds."""

    signed_ns: int
    played_ns: int


def plays_true(steps: Sequence[Step]) -> bool:
    """steps: GOPs that follow each other without a hole, at least one."""
    if len(steps) == 1:
        return abs(steps[0].signed_ns - steps[0].played_ns) <= LATE_NS + steps[0].signed_ns // ONE_GOP_SHARE
    behind, signed = [0], 0
    for step in steps:
        signed += step.signed_ns
        behind.append(behind[-1] + step.signed_ns - step.played_ns)
    usual, drift = median_low(behind), signed // DRIFT_SHARE
    off = [each - usual for each in behind]
    late = [each > LATE_NS + drift or each < -EARLY_NS - drift for each in off]
    if any(each < -EARLY_NS - drift or each > MOST_LATE_NS + drift for each in off):
        return False
    return sum(late) * 3 <= len(late) and _longest(late) <= _LONGEST_LATE


def _longest(flags: Sequence[bool]) -> int:
    longest = row = 0
    for flag in flags:
        row = row + 1 if flag else 0
        longest = max(longest, row)
    return longest
