"""Signs of life of one node: does anything come, do checkpoints cover it, is its clock the centre's. Pure: time is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

INTERVALS = 3.0
HEALTH_S = 60.0
"""Where the node does not say how often it speaks."""
LAGS = 3
"""Looks at its clock that must agree before it is blamed."""
SETTLE_S = 4.0
"""What comes so soon after something else, or after a connection, may have waited at the broker."""


@dataclass(slots=True)
class Pulse:
    """Seconds on the centre's monotonic clock. expected: it did not say good-bye. checkpoint_s, health_s: as its `info` says."""

    expected: bool = True
    checkpoint_s: float | None = None
    health_s: float | None = None
    signs: bool = False
    """Checkpoints have come."""
    _heard_s: float | None = None
    _uncovered_s: float | None = None
    _lagged_s: float = float("-inf")
    _lags_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LAGS))

    @property
    def patience_s(self) -> float:
        return INTERVALS * max(self.checkpoint_s or 0.0, self.health_s or HEALTH_S)

    def heard(self, now_s: float, *, kept: bool = False) -> None:
        """kept: the broker had kept it, who knows since when; from then on something must come."""
        if not kept or self._heard_s is None:
            self._heard_s = now_s

    def record(self, now_s: float) -> None:
        """A record came that no checkpoint vouches for yet."""
        if self._uncovered_s is None:
            self._uncovered_s = now_s

    def checkpoint(self, now_s: float) -> None:
        self.signs = True
        self._uncovered_s = None

    def connected(self, now_s: float) -> None:
        """The centre hears again: what it missed meanwhile is not the node's fault."""
        self._lagged_s = now_s
        self._lags_ms.clear()
        if self._heard_s is not None:
            self._heard_s = now_s
        if self._uncovered_s is not None:
            self._uncovered_s = now_s

    def lag(self, now_s: float, lag_ms: float) -> None:
        """centre - node, at a checkpoint that came just now."""
        fresh = now_s - self._lagged_s >= SETTLE_S
        self._lagged_s = now_s
        if fresh:
            self._lags_ms.append(lag_ms)

    def silent_s(self, now_s: float) -> float | None:
        """How long nothing came from it, where that is too long."""
        if self._heard_s is None or not self.expected:
            return None
        quiet_s = now_s - self._heard_s
        return quiet_s if quiet_s > self.patience_s else None

    def unsigned_s(self, now_s: float) -> float | None:
        """How long records have come without a checkpoint, where that is too long for one that signs."""
        if self._uncovered_s is None or not self.expected or not (self.signs or self.checkpoint_s) or self.silent_s(now_s):
            return None
        waited_s = now_s - self._uncovered_s
        return waited_s if waited_s > self.patience_s else None

    def clock_off_ms(self) -> float | None:
        """centre - node, as the steadiest of the last looks say; None while there are too few. A message may be late, never early."""
        return min(self._lags_ms) if len(self._lags_ms) == LAGS else None
