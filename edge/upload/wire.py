"""A TCP or TLS connection on which nothing waits for ever: every send and receive gives up when the network stops moving.

Progress is what the peer's kernel acknowledged, not what our own kernel swallowed: the send queue is kept short (TCP_NOTSENT_LOWAT)
and looked at (SIOCOUTQ), so that a slow link is told from a dead one. tcp(7).
"""

from __future__ import annotations

import fcntl
import io
import logging
import re
import socket
import ssl
import struct
import termios
from collections.abc import Callable

from edge.clock import monotonic_s

_LOG = logging.getLogger(__name__)
_NOTSENT_LOWAT = 25
_NOTSENT_BYTES = 128 << 10
_SLICES = 8
_LOWER_EFFORT = 1 << 2
"""DSCP LE in the byte of IP_TOS and IPV6_TCLASS: below everything else, where routers look at it (RFC 8622)."""
_BULK = 2
"""SO_PRIORITY (tc-prio(8)): behind the alarms in this node's own queue, too."""

_END = b"\r\n\r\n"
_CONTINUE = re.compile(rb"HTTP/1\.\d 100\b")
_MOST_HEAD_BYTES = 64 << 10

Count = Callable[[int], None]


class Wire:
    """What http.client needs of a socket (sendall, makefile, close), with a progress deadline on each step. One thread. count: told of all
    bytes that go and come."""

    def __init__(self, sock: socket.socket, progress_timeout_s: float, count: Count = lambda count: None) -> None:
        self._sock = sock
        self._timeout_s = progress_timeout_s
        self._count = count
        self._give_up_s = 0.0
        self._queued = 0
        self._readers = 0
        self._closing = False
        self._came = b""
        """Of an answer that was looked at: read before anything else."""

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Raises TimeoutError when nothing at all was acknowledged for the progress timeout; other OSErrors as they come."""
        view = memoryview(data)
        while view:
            piece = view
            self.expect()
            sent = self._patiently(lambda piece=piece: self._sock.send(piece))  # type: ignore[misc]
            self._count(sent)
            view = view[sent:]

    def expect(self) -> None:
        """The deadline starts anew: for the whole of the answer that is awaited now."""
        self._give_up_s = monotonic_s() + self._timeout_s
        self._queued = self._unacknowledged()

    def invited(self, wait_s: float) -> bool:
        """After a head with `Expect: 100-continue`: whether to send the body. 100 says so, and so does silence for `wait_s` (RFC 9110,
        10.1.1); any other answer, or the end of the connection, is left to be read. Raises OSError."""
        until_s = monotonic_s() + wait_s
        while _END not in self._came and len(self._came) < _MOST_HEAD_BYTES:
            left_s = until_s - monotonic_s()
            if left_s <= 0:
                return True
            self._sock.settimeout(left_s)
            try:
                piece = self._sock.recv(4096)
            except TimeoutError:
                return True
            self._count(len(piece))
            if not piece:
                return False
            self._came += piece
        if not _CONTINUE.match(self._came):
            return False
        self._came = self._came.partition(_END)[2]
        return True

    def receive_into(self, buffer: bytearray | memoryview) -> int:
        if self._came:
            piece = self._came[: len(buffer)]
            self._came = self._came[len(piece) :]
            buffer[: len(piece)] = piece
            return len(piece)
        received = self._patiently(lambda: self._sock.recv_into(buffer))
        self._count(received)
        return received

    def makefile(self, mode: str) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_Reading(self))

    def close(self) -> None:
        """Once no answer is being read any more: http.client closes as soon as it knows that this one is the last."""
        self._closing = True
        if not self._readers:
            self._sock.close()

    def release(self) -> None:
        """One reader less."""
        self._readers -= 1
        if self._closing:
            self.close()

    def _patiently(self, step: Callable[[], int]) -> int:
        while True:
            left_s = self._give_up_s - monotonic_s()
            if left_s <= 0:
                raise TimeoutError(f"nothing moved for {self._timeout_s:g} s")
            self._sock.settimeout(min(left_s, self._timeout_s / _SLICES))
            try:
                return step()
            except TimeoutError:
                queued = self._unacknowledged()
                if queued < self._queued:
                    self._give_up_s = monotonic_s() + self._timeout_s
                self._queued = queued

    def _unacknowledged(self) -> int:
        if self._sock.fileno() < 0:  # closed after its last answer
            return 0
        answer = fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])


class _Reading(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._wire.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._wire.release()
        super().close()


def dial(
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    connect_timeout_s: float,
    progress_timeout_s: float,
    count: Count = lambda count: None,
) -> Wire:
    """Connects, TLS handshake included. Raises OSError (ssl.SSLError is one). Resolving the name is bounded by resolv.conf(5)."""
    sock = socket.create_connection((host, port), timeout=connect_timeout_s)
    try:
        _tune(sock, progress_timeout_s)
        return Wire(tls.wrap_socket(sock, server_hostname=host) if tls else sock, progress_timeout_s, count)
    except BaseException:
        sock.close()
        raise


def _tune(sock: socket.socket, progress_timeout_s: float) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(progress_timeout_s * 1000))
    sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _NOTSENT_BYTES)
    _give_way(sock)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
    except OSError as error:
        _LOG.debug("no BBR congestion control, the kernel's default stays: %s", error)


def _give_way(sock: socket.socket) -> None:
    """Uploads are less urgent than anything else this node says."""
    level, option = (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if sock.family == socket.AF_INET6 else (socket.IPPROTO_IP, socket.IP_TOS)
    sock.setsockopt(level, option, _LOWER_EFFORT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _BULK)
