"""A thread that waits for a camera so that the worker's loop need not: libraries block beyond the time-outs they are given.

The worker is woken for key frames, for pictures that the watcher is to see, and about every 0.2 s: not for each packet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from edge.capture.source import Picture
from edge.clock import monotonic_s
from edge.errors import EdgeError, TryAgain
from edge.messages.stream import Packet

GATHER_S = 0.2
LIMIT_BYTES = 16 << 20


class Pump:
    """Runs `work(pump)` in a daemon thread, takes what it puts, and hands it to one reader thread. When nobody reads, packets are dropped
    up to the next key frame and counted; of pictures only the newest waits."""

    def __init__(self, name: str, work: Callable[[Pump], None], limit_bytes: int = LIMIT_BYTES) -> None:
        self._work = work
        self._limit_bytes = limit_bytes
        self._packets: deque[Packet] = deque()
        self._waiting_bytes = 0
        self._picture: Picture | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._woken_s = 0.0
        self._dropping = False
        self._ended: EdgeError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.stopping = threading.Event()
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout_s: float) -> bool:
        """Ask the thread to end and wait; False when it is stuck in a library."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def put(self, item: Packet | Picture) -> None:
        """Called by the work."""
        urgent = False
        with self._lock:
            if isinstance(item, Picture):
                self._picture = item
                urgent = True
            elif self._admits(item):
                self._packets.append(item)
                self._waiting_bytes += len(item.data)
                urgent = item.key
            else:
                self.dropped += 1
        now_s = monotonic_s()
        if urgent or now_s - self._woken_s >= GATHER_S:
            self._woken_s = now_s
            self._wake.set()

    def _admits(self, packet: Packet) -> bool:
        full = self._waiting_bytes + len(packet.data) > self._limit_bytes
        self._dropping = full or (self._dropping and not packet.key)
        return not self._dropping

    def get(self, timeout_s: float) -> Packet | Picture | None:
        """Called by the reader. None when nothing came in time; raises what ended the work once everything before it was taken."""
        until_s = monotonic_s() + timeout_s
        while True:
            ended = self._ended  # looked at first: what is put before the end is then seen below
            item = self._take()
            if item is not None:
                return item
            if ended is not None:
                raise ended
            left_s = until_s - monotonic_s()
            if left_s <= 0:
                return None
            self._wake.wait(left_s)
            self._wake.clear()

    def first_packet(self, timeout_s: float, who: str) -> Packet:
        """Called by the reader, before anything else. Pictures until then are let go. Raises TryAgain, and what ended the work."""
        until_s = monotonic_s() + timeout_s
        while (left_s := until_s - monotonic_s()) > 0:
            item = self.get(left_s)
            if isinstance(item, Packet):
                return item
        raise TryAgain(f"{who} gave no picture in {timeout_s:g} s")

    def newest(self) -> Picture | None:
        """Called by a reader that wants pictures only; never waits."""
        with self._lock:
            picture, self._picture = self._picture, None
        return picture

    def _take(self) -> Packet | Picture | None:
        with self._lock:
            if self._packets:
                packet = self._packets.popleft()
                self._waiting_bytes -= len(packet.data)
                return packet
            picture, self._picture = self._picture, None
            return picture

    def _run(self) -> None:
        try:
            self._work(self)
        except EdgeError as error:
            self._ended = error
        finally:
            if self._ended is None:
                self._ended = TryAgain("the camera's thread ended")
            self._wake.set()
