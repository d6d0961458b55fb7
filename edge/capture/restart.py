"""Run for ever: when is a capture worker stuck, when is it started again, when has the camera failed. Pure: time comes in as numbers.

Full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015): nodes that lost the same switch must not come back in step.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Uniform = Callable[[float, float], float]

FRAMES_MISSED = 5
"""A slow camera is not a stalled one: at 1 frame/s the limit is 5 s."""


def stall_limit_s(configured_s: float, fps: float | None) -> float:
    """max(configured, 5 frames)."""
    return max(configured_s, FRAMES_MISSED / fps) if fps else configured_s


class Backoff:
    """Waits of uniform(0, min(max_s, first_s * 2^n)): full jitter."""

    def __init__(self, first_s: float = 0.5, max_s: float = 30.0, uniform: Uniform = random.uniform) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._uniform = uniform
        self._attempts = 0

    def next_s(self) -> float:
        bound = min(self._max_s, self._first_s * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return self._uniform(0.0, bound)

    def reset(self) -> None:
        self._attempts = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """After a worker's end: start the next one in `wait_s`; `failed`: raise the alarm "camera failed" and go on trying, slowly. stack: it
    is time to restart the camera's stack."""

    wait_s: float
    failed: bool
    restarts: int
    """Ends of workers within the window, this one included."""
    stack: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """open_s: from start to the first packet (a source opens within 10 s). stable_s: packets for this long forget the past.
    failures ends within window_s: the camera has failed. Without a picture it is tried every retry_s; with some, after ever longer waits;
    and at once, as long as each try gives useful_s of footage: waiting would cost more than the fault does."""

    stall_s: float = 2.0
    open_s: float = 15.0
    stable_s: float = 60.0
    failures: int = 5
    window_s: float = 600.0
    retry_s: float = 60.0
    useful_s: float = 1.0
    settle_s: float = 2.0
    """For so long after its first packet a worker may also pause so long: it starts on a machine that is busy with starting it."""
    fruitless: int = 3
    """Starts in a row without a picture after which the fault is not the worker's."""


class RestartLadder:
    """One camera's history. `now_s` is any monotonic clock, the same in all calls. One thread."""

    def __init__(self, limits: Limits = Limits(), *, backoff: Backoff | None = None, uniform: Uniform = random.uniform) -> None:
        self._limits = limits
        self._backoff = backoff or Backoff(uniform=uniform)
        self._uniform = uniform
        self._ends: deque[float] = deque()
        self._started_s: float | None = None
        self._first_s: float | None = None
        self._last_s: float | None = None
        self._stall_s = limits.stall_s
        self._fruitless = 0
        self.failed = False
        self.restarts = 0
        """Ends of workers since the ladder was made."""

    def started(self, now_s: float) -> None:
        """A worker was started."""
        self._started_s, self._first_s, self._last_s = now_s, None, None

    def stream(self, fps: float | None) -> None:
        """The stream's frame rate is known: the stall limit follows it."""
        self._stall_s = stall_limit_s(self._limits.stall_s, fps)

    def packet(self, now_s: float) -> None:
        """A packet arrived. Only packets count as life, never heartbeats."""
        if self._first_s is None:
            self._first_s = now_s
        self._last_s = now_s
        if now_s - self._first_s >= self._limits.stable_s:
            self._ends.clear()
            self._backoff.reset()
            self.failed = False

    def deadline_s(self) -> float | None:
        """When the worker counts as stuck if no packet comes before; None when no worker runs."""
        if self._started_s is None:
            return None
        if self._first_s is None or self._last_s is None:
            return self._started_s + self._limits.open_s
        settling = self._last_s - self._first_s < self._limits.settle_s
        return self._last_s + (max(self._stall_s, self._limits.settle_s) if settling else self._stall_s)

    def stalled(self, now_s: float) -> bool:
        deadline_s = self.deadline_s()
        return deadline_s is not None and now_s >= deadline_s

    def ended(self, now_s: float) -> Decision:
        """A worker ended or was killed. Call once per worker."""
        pictures = self._first_s is not None
        useful = self._first_s is not None and self._last_s is not None and self._last_s - self._first_s >= self._limits.useful_s
        self._fruitless = 0 if pictures else self._fruitless + 1
        stack = self._fruitless > 0 and self._fruitless % self._limits.fruitless == 0
        self._started_s = self._first_s = self._last_s = None
        self.restarts += 1
        self._ends.append(now_s)
        while self._ends and now_s - self._ends[0] > self._limits.window_s:
            self._ends.popleft()
        if len(self._ends) >= self._limits.failures:
            self.failed = True
        if useful:
            self._backoff.reset()
        elif self.failed and not pictures:
            return Decision(self._uniform(self._limits.retry_s / 2, self._limits.retry_s), True, len(self._ends), stack)
        return Decision(self._backoff.next_s(), self.failed, len(self._ends), stack)
