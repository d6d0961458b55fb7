"""What a transfer asks before each piece goes to the network: its share of the rate, the day's budget, and whether alarms are waiting."""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import monotonic_s
from edge.errors import EdgeError
from edge.upload.budget import DailyBudget
from edge.upload.pace import FairPace

URGENT_WEIGHT = 4.0
LAG_S = 2.0
"""A message to the centre that is not acknowledged for so long: the link is full, and it is us who fill it."""
_YIELD_S = 5.0
"""The longest stretch without a byte: receivers give up on a connection that is still for longer than some 15 s."""
_LOOK_S = 0.1

Pause = Callable[[float], None]
"""Waits so many seconds; raises Stopped."""


class Stopped(EdgeError):
    """The upload is to end here, and may go on later."""


class LinkLag:
    """How long the oldest message to the centre has been waiting for the broker's acknowledgement. The agent's main thread sets it, any
    thread reads it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @property
    def is_long(self) -> bool:
        return self.seconds > LAG_S


class Passage:
    """Of one transfer; one thread."""

    def __init__(self, pace: FairPace, *, urgent: bool = False, budget: DailyBudget | None = None, lag: LinkLag | None = None) -> None:
        self._share = pace.share(URGENT_WEIGHT if urgent else 1.0)
        self._urgent = urgent
        self._budget = budget
        self._lag = lag or LinkLag()
        self.quantum_bytes = pace.quantum_bytes

    def enter(self, count: int, pause: Pause) -> None:
        """Returns when `count` bytes may go, at most quantum_bytes. Raises Stopped, also for a budget that is used up."""
        if self._budget is not None and not self._urgent and not self._budget.reserve(count):
            raise Stopped("today's budget is used up")
        give_way_s = monotonic_s() + _YIELD_S
        while self._lag.is_long and monotonic_s() < give_way_s:
            pause(_LOOK_S)
        self._share.ask(count)
        try:
            while (wait_s := self._share.wait_s(monotonic_s())) > 0:
                pause(wait_s)
        finally:
            self._share.withdraw()

    def count(self, count: int) -> None:
        """Bytes that went over the network, in either direction."""
        if self._budget is not None:
            self._budget.add(count)
