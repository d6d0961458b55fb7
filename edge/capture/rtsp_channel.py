"""One TCP (or TLS) connection on which RTSP messages and interleaved RTP packets come mixed (RFC 2326, 10.12); or RTP beside it by UDP.

A camera sends a packet every few milliseconds. Waking up for each, as general libraries do, costs more than everything else in recording;
here the kernel gathers (SO_RCVLOWAT, tcp(7)) and one call fetches what came in a fifth of a second.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from edge.capture.address import Address
from edge.capture.rtp_ports import RtpPorts
from edge.capture.rtsp_words import Answer, read_answer
from edge.capture.source import CameraUnreachable
from edge.clock import monotonic_s

Feed = Callable[[bytes, int, int, int], None]
"""(data, start, end, arrival_ns): the packet is data[start:end]."""

SEND_S = 3.0
SILENCE_S = 10.0
GATHER_BYTES = 96 << 10
_RECEIVE_BYTES = 1 << 20
_GARBLED_MAX_BYTES = 256 << 10
_DOLLAR = 0x24


@runtime_checkable
class _Decrypting(Protocol):
    """What an ssl.SSLSocket has more: bytes that are decrypted already and wake nobody. The module is loaded for rtsps only."""

    def pending(self) -> int: ...


class RtspChannel:
    """One thread. Raises CameraUnreachable for whatever goes wrong with the connection."""

    def __init__(self, address: Address, trust: str, timeout_s: float) -> None:
        """Connects. trust: PEM file of the authority behind an rtsps camera's certificate; empty: the system's."""
        self._address = address
        self._socket = _connected(address, trust, timeout_s)
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)
        self._data = b""
        self._answers: list[Answer] = []
        self._feed: Feed | None = None
        self._number = 0
        self._heard_s = monotonic_s()
        self._garbled = 0
        self._ports: RtpPorts | None = None

    def ports(self) -> RtpPorts:
        """A pair of UDP ports on the address that the camera sees; closed with the connection."""
        self._ports = RtpPorts(self._socket.getpeername()[0], self._socket.getsockname()[0])
        self._poller.register(self._ports.rtp, select.POLLIN)
        return self._ports

    def expect(self, number: int, feed: Feed) -> None:
        """From now on packets of this interleaved channel go to `feed`."""
        self._number, self._feed = number, feed

    def gather(self) -> None:
        """From now on data wakes us in large portions; `receive` fetches smaller ones when its time is over."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if self._address.tls else GATHER_BYTES)

    def answers(self) -> list[Answer]:
        """Those that came since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def close(self, last_words: bytes = b"") -> None:
        """Hang up; `last_words` are sent if that is possible at once."""
        try:
            self._socket.send(last_words)
        except OSError:
            last_words = b""
        self._socket.close()
        if self._ports is not None:
            self._ports.close()

    def send(self, data: bytes) -> None:
        connection = self._socket
        until_s = monotonic_s() + SEND_S
        while data:
            try:
                data = data[connection.send(data) :]
            except OSError as broken:
                left_s = until_s - monotonic_s()
                if _not_now(broken) and left_s > 0 and select.select([], [connection], [], left_s)[1]:
                    continue
                raise CameraUnreachable(f"{self._address.shown}: {broken.strerror or broken}") from broken

    def receive(self, timeout_s: float) -> None:
        """Wait for data, fetch it, take it apart. Also fetches the little that did not wake us."""
        if not (isinstance(self._socket, _Decrypting) and self._socket.pending()):
            self._poller.poll(max(0.0, timeout_s) * 1000)
        if self._ports is not None and self._ports.fetch():
            self._heard_s = monotonic_s()
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError as broken:
            if _not_now(broken):
                self._check_silence()
                return
            raise CameraUnreachable(f"{self._address.shown}: {broken.strerror or broken}") from broken
        if not data:
            raise CameraUnreachable(f"{self._address.shown} closed the connection")
        self._heard_s = monotonic_s()
        whole = self._data + data if self._data else data
        self._data = whole[self._take_apart(whole, time.clock_gettime_ns(time.CLOCK_BOOTTIME)) :]

    def _check_silence(self) -> None:
        if self._feed is not None and monotonic_s() - self._heard_s > SILENCE_S:
            raise CameraUnreachable(f"{self._address.shown}: no data for {SILENCE_S:g} s")

    def _take_apart(self, data: bytes, arrival_ns: int) -> int:
        """How much of the data is dealt with."""
        position, size, number = 0, len(data), self._number
        feed = self._feed
        while position < size:
            if data[position] != _DOLLAR:
                following = self._words(data, position)
                if following is None:
                    break
                position = following
                continue
            if position + 4 > size:
                break
            end = position + 4 + (data[position + 2] << 8 | data[position + 3])
            if end > size:
                break
            if feed is not None and data[position + 1] == number:
                feed(data, position + 4, end, arrival_ns)
            position = end
        return position

    def _words(self, data: bytes, position: int) -> int | None:
        """Something that is no packet: an answer, or garbage up to the next packet. None: more data is needed."""
        if data[position] in b"\r\n":
            return position + 1
        if 0x41 <= data[position] <= 0x5A:
            try:
                found = read_answer(data, position)
            except ValueError:
                found = None
            else:
                if found is None:
                    return None
                self._answers.append(found[0])
                return found[1]
        following = data.find(bytes((_DOLLAR, self._number)), position + 1)
        following = following if following >= 0 else len(data)
        self._garbled += following - position
        if self._garbled > _GARBLED_MAX_BYTES:
            raise CameraUnreachable(f"{self._address.shown} sends what is no RTSP")
        return following


def _not_now(error: OSError) -> bool:
    """Non-blocking calls say so in one of these ways; those of TLS are known by name, since its module may not be loaded."""
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


def _connected(address: Address, trust: str, timeout_s: float) -> socket.socket:
    shown = address.shown
    try:
        connection = socket.create_connection((address.host, address.port), timeout=timeout_s)
    except OSError as refused:
        raise CameraUnreachable(f"{shown} does not answer: {refused.strerror or refused}") from refused
    try:
        if address.tls:
            import ssl

            context = ssl.create_default_context(cafile=trust or None)
            connection = context.wrap_socket(connection, server_hostname=address.host)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as refused:
        connection.close()
        raise CameraUnreachable(f"{shown}: no secure connection: {refused.strerror or refused}") from refused
    connection.setblocking(False)
    return connection
