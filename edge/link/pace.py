"""How many messages may be in flight: the whole window where the link is fast, less where they only queue in front of it."""

from __future__ import annotations

SLOW_MIN = 5
QUEUED_S = 0.2


class Pace:
    """What is in flight beyond what the link carries waits in socket buffers and modems, and a fresh alarm waits behind it. How long is
    seen from the acknowledgements: their time beyond the fastest of this connection is time in a queue (as in LEDBAT, RFC 6817). Above
    QUEUED_S the window shrinks by one for each acknowledgement, down to SLOW_MIN; below half of it, it grows by one, up to `most`. A
    long way alone (satellite: 600 ms) is no queue and shrinks nothing. One thread."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._fastest_s = float("inf")
        self.window = self._most

    def took(self, seconds: float) -> None:
        """A message was acknowledged after so long."""
        self._fastest_s = min(self._fastest_s, seconds)
        queued_s = seconds - self._fastest_s
        if queued_s > QUEUED_S:
            self.window = max(min(SLOW_MIN, self._most), self.window - 1)
        elif queued_s < QUEUED_S / 2:
            self.window = min(self._most, self.window + 1)
