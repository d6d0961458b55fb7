"""Between the capture worker and the disk: packets become GOPs, GOPs wait in a bounded queue. Capture never waits, memory never grows."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from edge.messages.evidence import Throttled
from edge.messages.records import GapReason
from edge.messages.stream import Packet, StreamInfo
from edge.ring.gop import Gop


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The stream has ended for now."""

    reason: GapReason
    text: str = ""


Item = Gop | StreamInfo | Interrupted | Throttled


class GopAssembler:
    """Packets of one epoch, in order, to GOPs. A GOP that grows beyond `limit_bytes` without a key frame is cut off there, and what
    follows up to the next key frame is left out (the hole shows in the packets' `seq`). One thread."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._packets: list[Packet] = []
        self._size = 0
        self._skipping = True

    def add(self, packet: Packet) -> Gop | None:
        """The GOP that `packet` completes."""
        if packet.key:
            done = self._take(packet)
            self._packets, self._size, self._skipping = [packet], len(packet.data), False
            return done
        if self._skipping:
            return None
        if packet.seq != self._packets[-1].seq + 1 or self._size + len(packet.data) > self._limit_bytes:
            self._skipping = True
            return None
        self._packets.append(packet)
        self._size += len(packet.data)
        return None

    def flush(self) -> Gop | None:
        """What there is at the end of the stream; its last picture lasts its nominal duration."""
        done = Gop(self._packets) if self._packets else None
        self._packets, self._size, self._skipping = [], 0, True
        return done

    def _take(self, follower: Packet) -> Gop | None:
        if not self._packets:
            return None
        joins = follower.seq == self._packets[-1].seq + 1
        return Gop(self._packets, follower.dts_ns if joins else None)


class Intake:
    """The bounded queue. When it is full, arriving GOPs are left out until it is half empty again: few long holes instead of many short
    ones, each of which would cost a segment. Words about the stream (`StreamInfo`, `Interrupted`) always find room and are merged. Any
    thread."""

    def __init__(self, limit_gops: int, limit_bytes: int) -> None:
        self._limit_gops, self._limit_bytes = limit_gops, limit_bytes
        self._items: deque[Item] = deque()
        self._gops = 0
        self._bytes = 0
        self._shedding = False
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0
        """GOPs left out since the start."""

    def put(self, gop: Gop) -> bool:
        """False: the queue is full and the GOP is left out."""
        size = gop.size
        with self._changed:
            if self._shedding and self._gops * 2 <= self._limit_gops and self._bytes * 2 <= self._limit_bytes:
                self._shedding = False
            if self._shedding or self._gops >= self._limit_gops or (self._gops and self._bytes + size > self._limit_bytes):
                self._shedding = True
                self.dropped += 1
                return False
            self._items.append(gop)
            self._gops += 1
            self._bytes += size
            self._changed.notify()
            return True

    def say(self, word: StreamInfo | Interrupted | Throttled) -> None:
        with self._changed:
            while self._items and isinstance(self._items[-1], StreamInfo):
                self._items.pop()
            if not (isinstance(word, Interrupted) and self._items and isinstance(self._items[-1], Interrupted)):
                self._items.append(word)
            self._changed.notify()

    def get(self, timeout_s: float) -> Item | None:
        """The oldest item; None when none came in time, or when the queue is closed and empty."""
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            if isinstance(item, Gop):
                self._gops -= 1
                self._bytes -= item.size
            return item

    def close(self) -> None:
        """Nothing more comes; `get` gives what is left and then None at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        with self._changed:
            return self._closed and not self._items

    @property
    def waiting(self) -> int:
        """GOPs."""
        with self._changed:
            return self._gops
