"""How many of the pictures are looked at, so that watching keeps within its share of one core. Pure: times come in."""

from __future__ import annotations

from dataclasses import dataclass

SPAN_S = 10.0
MOST = 4
ROOM = 0.8
"""More pictures are looked at again only where twice the present use leaves this much of the share."""


@dataclass(slots=True)
class Budget:
    """percent: of one core. every: of so many pictures one is looked at: 1, 2 or 4. used_percent: over the last ten seconds."""

    percent: float
    every: int = 1
    used_percent: float = 0.0
    _since: tuple[float, float] | None = None

    def spent(self, cpu_s: float, now_s: float) -> bool:
        """cpu_s: CPU the process has had so far. True every ten seconds, when it was judged."""
        if self._since is None:
            self._since = cpu_s, now_s
        began_cpu_s, began_s = self._since
        if now_s - began_s < SPAN_S:
            return False
        self._since = cpu_s, now_s
        self.used_percent = 100 * (cpu_s - began_cpu_s) / (now_s - began_s)
        if self.used_percent > self.percent:
            self.every = min(MOST, self.every * 2)
        elif self.every > 1 and 2 * self.used_percent < ROOM * self.percent:
            self.every //= 2
        return True
