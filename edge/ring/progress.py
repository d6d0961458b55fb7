"""What a recording has on disk, for whoever wants to look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from edge.ring.gop import Gop

_TIMES_KEPT = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """Replaced as a whole after each fragment, so that any thread may look."""

    segment_seq: int | None = None
    last_fragment_boot_ns: int | None = None
    fragments: int = 0
    frames: int = 0
    bytes_written: int = 0
    bytes_per_s: float = 0.0
    write_ms_p99: float | None = None
    journal_backlog: int = 0
    refusal: str = ""
    """The disk's last word while it refuses."""


class Tally:
    """Counts; `progress` is the sum. One thread calls, any may look at `progress`."""

    def __init__(self) -> None:
        self.progress = Progress()
        self._times_ms: deque[float] = deque(maxlen=_TIMES_KEPT)

    def wrote(self, gop: Gop, took_ms: float, segment_seq: int, bytes_per_s: float, journal_backlog: int) -> None:
        """One fragment more is on disk."""
        self._times_ms.append(took_ms)
        times, before = sorted(self._times_ms), self.progress
        self.progress = Progress(
            segment_seq=segment_seq,
            last_fragment_boot_ns=gop.boot_ns,
            fragments=before.fragments + 1,
            frames=before.frames + len(gop.packets),
            bytes_written=before.bytes_written + gop.size,
            bytes_per_s=bytes_per_s,
            write_ms_p99=times[len(times) * 99 // 100],
            journal_backlog=journal_backlog,
        )

    def refused(self, words: str, journal_backlog: int) -> None:
        """The disk said no; the next fragment that is written takes it back."""
        self.progress = replace(self.progress, refusal=words, journal_backlog=journal_backlog)
