"""A token bucket: how long to wait before the next bytes may go. Pure: the caller brings the time."""

from __future__ import annotations


class Pace:
    """At most `bytes_per_s` over any long stretch, `burst_bytes` at once. 0 bytes_per_s: no limit. One thread."""

    def __init__(self, bytes_per_s: float, burst_bytes: int = 64 << 10) -> None:
        self._rate = bytes_per_s
        self._burst = burst_bytes
        self._tokens = float(burst_bytes)
        self._at_s: float | None = None

    def take(self, now_s: float, count: int) -> float:
        """Seconds to wait before sending `count` bytes; they are booked. A count above the burst is paid off by a longer wait."""
        if self._rate <= 0:
            return 0.0
        if self._at_s is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._rate)
        self._at_s = now_s
        self._tokens -= count
        return max(0.0, -self._tokens / self._rate)
