"""What a live session has done, for its answers."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

from edge.clock import NS_PER_MS
from edge.live.wire import Sent


@dataclass
class Tally:
    """skipped: pictures passed over since the link could not take them. latency: milliseconds from a picture's being taken to its being
    handed to the network, of each that was sent (four bytes a picture: bounded by the session's length)."""

    pictures: int = 0
    bytes: int = 0
    skipped: int = 0
    reconnects: int = 0
    latency_ms: array[int] = field(default_factory=lambda: array("I"))

    def sent(self, sent: Sent) -> None:
        self.pictures += 1
        self.bytes += sent.bytes
        self.latency_ms.append(min(max(0, sent.at_ns - sent.boot_ns) // NS_PER_MS, 0xFFFF_FFFF))

    def document(self) -> dict[str, Any]:
        """For Response.data."""
        return {
            "pictures": self.pictures,
            "bytes": self.bytes,
            "skipped": self.skipped,
            "reconnects": self.reconnects,
            "latency_ms": {"p50": self._percentile(50), "p95": self._percentile(95)},
        }

    def _percentile(self, percent: int) -> int | None:
        """None where nothing was sent."""
        ordered = sorted(self.latency_ms)
        return ordered[(len(ordered) - 1) * percent // 100] if ordered else None
