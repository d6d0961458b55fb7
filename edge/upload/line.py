"""Which job is carried out next. Pure.

Urgent ones first, then the oldest. Nothing is interrupted for another: a job that stops has to read its footage again. Instead there is
always room left - for an urgent job a worker of its own, and big ones never take the last of the others, so that a small one does not
wait behind them. Two big ones side by side would each only arrive later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

BIG_BYTES = 64 << 20
"""Of footage: some two minutes of one camera."""


@dataclass(frozen=True, slots=True)
class InLine:
    """number: of its acceptance; the lower is the older."""

    id: str
    number: int
    urgent: bool = False
    big: bool = False


def in_order(waiting: Collection[InLine]) -> list[InLine]:
    return sorted(waiting, key=lambda each: (not each.urgent, each.number))


def workers_of(jobs: int) -> int:
    """One more than the configured number: only an urgent job may need it."""
    return jobs + 1


def next_ones(waiting: Collection[InLine], running: Collection[InLine], jobs: int) -> list[InLine]:
    """Those to begin now, in order. jobs: the configured number."""
    chosen: list[InLine] = []
    for each in in_order(waiting):
        if _has_room(each, [*running, *chosen], jobs):
            chosen.append(each)
    return chosen


def _has_room(one: InLine, others: list[InLine], jobs: int) -> bool:
    if len(others) >= workers_of(jobs):
        return False
    if one.urgent:
        return True
    plain = [each for each in others if not each.urgent]
    if one.big and jobs > 1 and sum(each.big for each in plain) >= jobs - 1:
        return False
    return len(plain) < jobs
