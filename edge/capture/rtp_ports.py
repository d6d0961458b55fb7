"""RTP over UDP: a pair of ports, and packets put back in order (RFC 3550). For links where TCP would fall ever further behind."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from edge.clock import NS_PER_MS
from edge.errors import TryAgain

HOLD_NS = 100 * NS_PER_MS
"""A packet that is missing is waited for so long, then it is lost."""
HOLD_PACKETS = 256
BUFFER_BYTES = 2 << 20
"""A key frame comes in one burst."""
_HEAD_BYTES = 12
_DATAGRAM_BYTES = 65_536
_BACK = 0x8000
_TRIES = 20

Feed = Callable[[bytes, int, int, int], None]


class Reorder:
    """Packets of one stream in the order of their sequence numbers; each once. Pure: times come in."""

    def __init__(self, feed: Feed) -> None:
        """feed: as in rtsp_channel."""
        self._feed = feed
        self._next: int | None = None
        self._ahead: dict[int, tuple[bytes, int]] = {}
        self.late = 0
        """Came again, or after they were given up."""

    def put(self, packet: bytes, at_ns: int) -> None:
        if len(packet) < _HEAD_BYTES:
            return
        number = packet[2] << 8 | packet[3]
        if self._next is None:
            self._next = number
        if (number - self._next) & 0xFFFF >= _BACK or number in self._ahead:
            self.late += 1
            return
        self._ahead[number] = packet, at_ns
        self._drain()
        if len(self._ahead) > HOLD_PACKETS:
            self._skip()

    def turn(self, now_ns: int) -> None:
        """Gives up what has been waited for long enough."""
        while self._ahead and now_ns - min(at_ns for _, at_ns in self._ahead.values()) >= HOLD_NS:
            self._skip()

    def _skip(self) -> None:
        assert self._next is not None
        begin = self._next
        self._next = min(self._ahead, key=lambda number: (number - begin) & 0xFFFF)
        self._drain()

    def _drain(self) -> None:
        while (found := self._ahead.pop(self._next, None)) is not None:  # type: ignore[arg-type]
            packet, at_ns = found
            self._next = (self._next + 1) & 0xFFFF  # type: ignore[operator]
            self._feed(packet, 0, len(packet), at_ns)


class RtpPorts:
    """Two UDP sockets with neighbouring numbers, RTP even, RTCP odd. One thread."""

    def __init__(self, host: str, local: str) -> None:
        """host: of the camera: nothing of anybody else is taken. local: address of ours that the camera sees. Raises TryAgain."""
        self._host = host
        self.rtp, self.rtcp = _pair(local)
        self._reorder: Reorder | None = None
        self._report_to: tuple[str, int] | None = None

    @property
    def numbers(self) -> str:
        """As in a Transport header."""
        port = int(self.rtp.getsockname()[1])
        return f"{port}-{port + 1}"

    def start(self, feed: Feed, report_to: tuple[str, int] | None) -> None:
        """From now on packets go to `feed`, in order. report_to: where receiver reports go."""
        self._reorder, self._report_to = Reorder(feed), report_to

    def fetch(self) -> bool:
        """All that came; whether anything did."""
        now_ns, some = time.clock_gettime_ns(time.CLOCK_BOOTTIME), False
        while (packet := self._received()) is not None:
            some = True
            if self._reorder is not None:
                self._reorder.put(packet, now_ns)
        if self._reorder is not None:
            self._reorder.turn(now_ns)
        return some

    def report(self, words: bytes) -> None:
        """Lost like any datagram."""
        if self._report_to is not None:
            try:
                self.rtcp.sendto(words, self._report_to)
            except OSError:
                return

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def _received(self) -> bytes | None:
        while True:
            try:
                packet, (host, *_) = self.rtp.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                return None
            except ConnectionError:
                continue
            if host == self._host:
                return packet


def _pair(local: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(_TRIES):
        rtp = _bound(local, 0)
        port = int(rtp.getsockname()[1])
        try:
            if port % 2 == 0:
                return rtp, _bound(local, port + 1)
        except OSError:
            rtp.close()
            continue
        rtp.close()
    raise TryAgain("no two neighbouring UDP ports are free")


def _bound(local: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.bind((local, port))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
