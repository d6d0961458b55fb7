"""Waits between connection attempts: full jitter, so that a town of nodes does not come back as one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

FIRST_S = 1.0
STABLE_S = 60.0


class Backoff:
    """uniform(0, min(max_s, 2^n s)). n returns to 0 after a connection that lasted STABLE_S, and falls by log2 of the seconds that a
    shorter one lasted: a broker that accepts and drops at once is not hammered, and a link that is cut every few seconds is used in
    between. (Full jitter: Brooker, "Exponential Backoff And Jitter", 2015.)"""

    def __init__(self, max_s: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._max_s = max_s
        self._uniform = uniform
        self._failures = 0

    def wait_s(self) -> float:
        """How long to wait now; each call counts as one more failure."""
        ceiling = min(self._max_s, FIRST_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._uniform(0.0, ceiling)

    def lasted(self, connection_s: float) -> None:
        """A connection has ended after so long."""
        earned = self._failures if connection_s >= STABLE_S else int(math.log2(1.0 + max(0.0, connection_s)))
        self._failures = max(0, self._failures - earned)
