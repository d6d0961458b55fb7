"""Signed times of GOPs that follow each other by link: where one does not begin when the one before it ended.

A time is when a GOP's first picture arrived. A network camera's pictures come late and in a burst after a stall: the times jump and come
back. Only a jump that stays says that the clock was set, or that pictures were never recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median_low

from edge.seal.gops import Gop

SLACK_NS = 250_000_000
_PICTURES_SLACK = 1.5
_AROUND = 3
"""GOPs on either side that show whether a jump stays."""


def lasting_jumps(run: Sequence[Gop]) -> list[tuple[int, int]]:
    """(place, nanoseconds): so much later (or earlier) than the GOP before it ended does GOP number `place` of the run begin, for good.
    run: GOPs with documents."""
    shifts = list(accumulate((_jump(before, after) for before, after in pairwise(run)), initial=0))
    found: list[tuple[int, int]] = []
    for place in range(1, len(run)):
        slack = _slack_ns(run[place - 1])
        if abs(shifts[place] - shifts[place - 1]) <= slack:
            continue
        stays = median_low(shifts[place : place + _AROUND]) - median_low(shifts[max(0, place - _AROUND) : place])
        if abs(stays) > slack:
            found.append((place, stays))
    return found


def _jump(before: Gop, after: Gop) -> int:
    """0 where the times do not tell."""
    one, two = before.document, after.document
    if one is None or two is None or one.end_utc_ns is None or two.start_utc_ns is None:
        return 0
    return two.start_utc_ns - one.end_utc_ns


def _slack_ns(gop: Gop) -> int:
    paper = gop.document
    if paper is None or paper.start_utc_ns is None or paper.end_utc_ns is None:
        return SLACK_NS
    picture_ns = max(0, paper.end_utc_ns - paper.start_utc_ns) // max(1, gop.pictures)
    return SLACK_NS + round(_PICTURES_SLACK * picture_ns)
