"""The node's real clock: CLOCK_BOOTTIME, UTC, and what the kernel says of UTC (adjtimex(2)).

chrony (with `rtcsync`), systemd-timesyncd and ntpd all tell the kernel when they are synchronised and bound the error; the kernel lets the
bound grow by 500 ppm until it is told anew, and gives up (STA_UNSYNC) at 16 s or when somebody sets the clock by hand. So one system call
answers for all of them. A systemd unit with ProtectClock=yes may not make this call: the clock is then untrusted and `source` says why.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.clock import NS_PER_MS, NS_PER_S, ClockState, Reading

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_TOLERANCE = 500e-6
"""The kernel's own bound of a free-running oscillator (MAXFREQ), seconds per second."""
_SLACK_NS = 50 * NS_PER_MS
"""Reading two clocks is not one instant: a task switch between them must not look like a step."""
_TIGHT_NS = 20_000


@dataclass(frozen=True, slots=True)
class KernelTime:
    """One look: both clocks and adjtimex. max_error_us: the kernel's bound. refused: why there was no answer, else ""."""

    boot_ns: int
    utc_ns: int
    synchronised: bool
    max_error_us: int
    refused: str = ""


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>, 64-bit ABI."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_s", ctypes.c_long),
        ("time_fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


_libc = ctypes.CDLL(None, use_errno=True)


def _both_clocks() -> tuple[int, int]:
    """(boot_ns, utc_ns) of one instant: the tightest of at most four tries."""
    best: tuple[int, int, int] | None = None
    for _ in range(4):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        utc = time.clock_gettime_ns(time.CLOCK_REALTIME)
        width = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - before
        if best is None or width < best[0]:
            best = (width, before + width // 2, utc)
        if width < _TIGHT_NS:
            break
    assert best is not None
    return best[1], best[2]


def kernel_time() -> KernelTime:
    """Ask the kernel; any thread."""
    boot_ns, utc_ns = _both_clocks()
    timex = _Timex()
    state = _libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        return KernelTime(boot_ns, utc_ns, False, 0, f"adjtimex: {os.strerror(ctypes.get_errno())}")
    return KernelTime(boot_ns, utc_ns, state != _TIME_ERROR and not timex.status & _STA_UNSYNC, timex.maxerror)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The last trusted look of this boot."""

    boot_ns: int
    offset_ns: int
    error_ms: float


class KernelClock:
    """The Clock of the product.

    trust "kernel": trusted while the kernel says synchronised with a bound of at most `max_error_ms`. Afterwards holdover, with a bound
    that grows by 500 ppm, as long as UTC keeps to the mapping within that bound; a step in holdover makes it untrusted until the next
    synchronisation. Untrusted before the first synchronisation this process saw. trust "assume": always trusted, bound unknown.
    """

    def __init__(
        self, trust: Literal["kernel", "assume"], max_error_ms: float = 1000.0, *, look: Callable[[], KernelTime] = kernel_time
    ) -> None:
        self._trust = trust
        self._max_error_ms = max_error_ms
        self._look = look
        self._anchor: _Anchor | None = None
        self._lock = threading.Lock()

    def boot_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def read(self) -> Reading:
        if self._trust == "assume":
            boot_ns, utc_ns = _both_clocks()
            return Reading(boot_ns, utc_ns, "trusted", None, "assumed")
        with self._lock:
            now = self._look()
            state, error_ms = self._judge(now)
        return Reading(now.boot_ns, now.utc_ns, state, error_ms, now.refused or "kernel")

    def _judge(self, now: KernelTime) -> tuple[ClockState, float | None]:
        error_ms = now.max_error_us / 1000
        offset_ns = now.utc_ns - now.boot_ns
        if now.synchronised and error_ms <= self._max_error_ms:
            self._anchor = _Anchor(now.boot_ns, offset_ns, error_ms)
            return "trusted", error_ms
        if self._anchor is None:
            return "untrusted", None
        held_ms = self._anchor.error_ms + (now.boot_ns - self._anchor.boot_ns) / NS_PER_S * _TOLERANCE * 1000
        if abs(offset_ns - self._anchor.offset_ns) > held_ms * NS_PER_MS + _SLACK_NS:
            self._anchor = None
            return "untrusted", None
        return "holdover", held_ms
