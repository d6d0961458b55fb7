"""One rate for all transfers, divided fairly: whoever has had least for its weight goes next, and what one leaves the others take.

Start-time fair queueing (Goyal, Vin, Cheng 1996) over a token bucket. The caller brings the time; nothing here waits.
"""

from __future__ import annotations

import threading

_LEAST_BURST_BYTES = 64 << 10
_MOST_BURST_BYTES = 1 << 20
_BURSTS_PER_S = 10
_LEAST_QUANTUM_BYTES = 1 << 10
_MOST_QUANTUM_BYTES = 64 << 10
_QUANTA_PER_S = 4
_LEAST_WAIT_S = 0.002
"""Of one whose turn it is not: the one before it may be a moment late."""

_DUST = 1e-6
"""Of a byte: what adding up fractions leaves."""


class FairPace:
    """At most `bytes_per_s` over any stretch of time, plus one burst. 0: no limit, and the network divides. Any thread."""

    def __init__(self, bytes_per_s: float) -> None:
        self.bytes_per_s = bytes_per_s
        self.burst_bytes = round(min(max(bytes_per_s / _BURSTS_PER_S, _LEAST_BURST_BYTES), _MOST_BURST_BYTES))
        self.quantum_bytes = _MOST_QUANTUM_BYTES
        """Most to ask for at once: small where the rate is low, so that several slow transfers all keep moving."""
        if bytes_per_s > 0:
            self.quantum_bytes = round(min(max(bytes_per_s / _QUANTA_PER_S, _LEAST_QUANTUM_BYTES), _MOST_QUANTUM_BYTES))
        self._lock = threading.Lock()
        self._tokens = float(self.burst_bytes)
        self._at_s: float | None = None
        self._virtual = 0.0
        self._number = 0
        self._asking: list[tuple[float, int, Share]] = []

    def share(self, weight: float = 1.0) -> Share:
        """One transfer's part of the rate: `weight` times that of one with weight 1, while both want more than there is."""
        return Share(self, weight)

    def _ask(self, share: Share, count: int) -> None:
        with self._lock:
            self._number += 1
            share.count = count
            self._asking.append((max(self._virtual, share.finish), self._number, share))
            self._asking.sort(key=lambda asking: asking[:2])

    def _withdraw(self, share: Share) -> None:
        with self._lock:
            self._asking = [asking for asking in self._asking if asking[2] is not share]

    def _wait_s(self, share: Share, now_s: float) -> float:
        with self._lock:
            if self._at_s is not None:
                self._tokens = min(self.burst_bytes, self._tokens + max(0.0, now_s - self._at_s) * self.bytes_per_s)
            self._at_s = now_s
            place = next(place for place, asking in enumerate(self._asking) if asking[2] is share)
            lacking = sum(asking[2].count for asking in self._asking[: place + 1]) - self._tokens
            if lacking > _DUST:
                return max(lacking / self.bytes_per_s, _LEAST_WAIT_S)
            if place > 0:
                return _LEAST_WAIT_S
            self._virtual = start = self._asking.pop(0)[0]
            self._tokens -= share.count
            share.finish = start + share.count / share.weight
            return 0.0


class Share:
    """One thread: `ask`, then `wait_s` until it says 0, each time for `quantum_bytes` of its pace, or little less: many small requests
    cannot use a high rate."""

    def __init__(self, pace: FairPace, weight: float) -> None:
        self._pace = pace
        self.weight = weight
        self.finish = 0.0
        self.count = 0

    def ask(self, count: int) -> None:
        if self._pace.bytes_per_s > 0:
            self._pace._ask(self, count)

    def wait_s(self, now_s: float) -> float:
        """0: the bytes asked for may go, and are booked. Else: when to look again, in seconds."""
        return self._pace._wait_s(self, now_s) if self._pace.bytes_per_s > 0 else 0.0

    def withdraw(self) -> None:
        """What was asked for is not wanted any more."""
        self._pace._withdraw(self)
