"""What a transfer asks before each piece goes to the network: its share of the rate, the day's budget, and whether alarms are waiting."""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import monotonic_s
from edge.errors import EdgeError
from edge.upload.budget import DailyBudget
from edge.upload.pace import FairPace

URGENT_WEIGHT = 4.0
LAG_S = 1.0
"""A message to the centre that is not acknowledged for so long: the link's queue is full, and it is us who fill it."""
YIELD_S = 5.0
"""Receivers give up on a connection that is still for longer than some 15 s."""
_LOOK_S = 0.1

Pause = Callable[[float], None]
"""Waits so many seconds; raises Stopped."""


class Stopped(EdgeError):
    """The upload is to end here, and may go on later."""


class LinkLag:
    """How long messages to the centre wait for the broker's acknowledgement. The agent's main thread tells it, any thread reads it."""

    def __init__(self) -> None:
        self._rest_until_s = float("-inf")

    def tell(self, seconds: float, now_s: float) -> None:
        """seconds: age of the oldest that is under way. now_s: of `monotonic_s`. After a long wait uploads rest as long again: what they
        have put into the link's queue has to drain."""
        if seconds > LAG_S:
            self._rest_until_s = now_s + seconds

    def is_long(self, now_s: float) -> bool:
        return now_s < self._rest_until_s


class Passage:
    """Of one transfer; one thread. yield_s: the longest stretch without a byte while alarms are late."""

    def __init__(
        self,
        pace: FairPace,
        *,
        urgent: bool = False,
        budget: DailyBudget | None = None,
        lag: LinkLag | None = None,
        yield_s: float = YIELD_S,
    ) -> None:
        self._share = pace.share(URGENT_WEIGHT if urgent else 1.0)
        self._urgent = urgent
        self._budget = budget
        self._lag = lag or LinkLag()
        self._yield_s = yield_s
        self.quantum_bytes = pace.quantum_bytes
        self._credit = 0

    def enter(self, count: int, pause: Pause) -> None:
        """Returns when `count` bytes may go, at most quantum_bytes. Raises Stopped, also for a budget that is used up."""
        if self._budget is not None and not self._urgent and not self._budget.reserve(count):
            raise Stopped("today's budget is used up")
        give_way_s = monotonic_s() + self._yield_s
        while self._lag.is_long(now_s := monotonic_s()) and now_s < give_way_s:
            pause(_LOOK_S)
        while self._credit < count:
            self._take_turn(pause)
        self._credit -= count

    def _take_turn(self, pause: Pause) -> None:
        """A whole quantum, however small the pieces are."""
        self._share.ask(self.quantum_bytes)
        try:
            while (wait_s := self._share.wait_s(monotonic_s())) > 0:
                pause(wait_s)
        finally:
            self._share.withdraw()
        self._credit += self.quantum_bytes

    def count(self, count: int) -> None:
        """Bytes that went over the network, in either direction."""
        if self._budget is not None:
            self._budget.add(count)
