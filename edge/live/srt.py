"""SRT through the system's libsrt (Debian: libsrt1.5-gnutls, libsrt1.4-gnutls): the PyAV wheel has none. API: srt/srt.h, docs/API of SRT.

Only what a caller in live mode needs. The passphrase is an option of the socket: it appears neither on a command line nor in a URL.
"""

from __future__ import annotations

import ctypes
import select
import socket
from urllib.parse import parse_qs, urlsplit

from edge.clock import monotonic_s

PAYLOAD_BYTES = 1316
"""Seven packets of MPEG-TS: what live mode carries in one message."""
LIBRARIES = tuple(f"libsrt{tls}.so.{version}" for tls in ("-gnutls", "-openssl", "") for version in ("1.5", "1.4", "1"))
CONNECT_MS = 5000
_SNDTIMEO, _PASSPHRASE, _IPTOS, _CONNTIMEO, _LATENCY, _STREAMID = 13, 26, 30, 36, 23, 46
_BAD_SECRET, _UNSECURE, _NO_ANSWER = 10, 11, (0, 1, 16)
"""SRT_REJECT_REASON; no answer: unknown, of the system, time-out."""
_LATENCY_MS = 120
_DRAIN_S = 0.5
_ERROR = -1


class SrtTrouble(Exception):
    """code: no_srt, unreachable, auth, refused or lost."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class SrtSocket:
    """Connected when made; a file for writing, whole messages of PAYLOAD_BYTES. One thread. Raises SrtTrouble."""

    def __init__(self, url: str, passphrase: str, tos: int) -> None:
        """url: srt://host:port?streamid=...&latency=ms"""
        self._srt = library()
        parts = urlsplit(url)
        words = parse_qs(parts.query)
        self._waiting = bytearray()
        self._number = self._srt.srt_create_socket()
        self._set(_CONNTIMEO, ctypes.c_int(CONNECT_MS))
        self._set(_SNDTIMEO, ctypes.c_int(CONNECT_MS))
        self._set(_IPTOS, ctypes.c_int(tos))
        self._set(_LATENCY, ctypes.c_int(int(words.get("latency", [str(_LATENCY_MS)])[0])))
        stream = words.get("streamid", [""])[0]
        if stream:
            self._set_text(_STREAMID, stream)
        if passphrase:
            self._set_text(_PASSPHRASE, passphrase)
        self._connect(parts.hostname or "", parts.port or 0)

    def write(self, data: bytes) -> int:
        """Sends what fills whole messages; the rest waits for `flush` or more."""
        self._waiting += data
        while len(self._waiting) >= PAYLOAD_BYTES:
            self._send(PAYLOAD_BYTES)
        return len(data)

    def flush(self) -> None:
        if self._waiting:
            self._send(len(self._waiting))

    def close(self) -> None:
        """Waits a moment for what is under way: in live mode libsrt drops it when it closes."""
        blocks, held, ends_s = ctypes.c_size_t(), ctypes.c_size_t(), monotonic_s() + _DRAIN_S
        while monotonic_s() < ends_s and self._srt.srt_getsndbuffer(self._number, ctypes.byref(blocks), ctypes.byref(held)) > 0:
            select.select([], [], [], _DRAIN_S / 50)
        self._srt.srt_close(self._number)

    def _send(self, length: int) -> None:
        message = bytes(self._waiting[:length])
        del self._waiting[:length]
        if self._srt.srt_sendmsg(self._number, message, length, -1, 1) == _ERROR:
            raise SrtTrouble("lost", f"the receiver is gone: {self._reason()}")

    def _connect(self, host: str, port: int) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise SrtTrouble("unreachable", f"{host} has no address: {error.strerror}") from error
        packed = _sockaddr(family, str(address[0]), port)
        if self._srt.srt_connect(self._number, packed, len(packed)) != _ERROR:
            return
        why, reason = self._srt.srt_getrejectreason(self._number), self._reason()
        self._srt.srt_close(self._number)
        if why in (_BAD_SECRET, _UNSECURE):
            raise SrtTrouble("auth", "the receiver has another passphrase")
        raise SrtTrouble("unreachable" if why in _NO_ANSWER else "refused", f"no SRT connection: {reason}")

    def _reason(self) -> str:
        text: bytes = self._srt.srt_getlasterror_str()
        return text.decode(errors="replace")

    def _set(self, option: int, value: ctypes.c_int) -> None:
        if self._srt.srt_setsockflag(self._number, option, ctypes.byref(value), ctypes.sizeof(value)) == _ERROR:
            raise SrtTrouble("refused", f"libsrt does not take option {option}: {self._reason()}")

    def _set_text(self, option: int, text: str) -> None:
        data = text.encode()
        if self._srt.srt_setsockflag(self._number, option, data, len(data)) == _ERROR:
            raise SrtTrouble("refused", f"libsrt does not take option {option}: {self._reason()}")


def _sockaddr(family: int, address: str, port: int) -> bytes:
    """struct sockaddr_in, sockaddr_in6 of Linux."""
    head = family.to_bytes(2, "little") + port.to_bytes(2, "big")  # every Linux we run on is little-endian
    if family == socket.AF_INET:
        return head + socket.inet_pton(family, address) + bytes(8)
    return head + bytes(4) + socket.inet_pton(socket.AF_INET6, address) + bytes(4)


def library() -> ctypes.CDLL:
    for name in LIBRARIES:
        try:
            found = ctypes.CDLL(name)
        except OSError:
            continue
        found.srt_getlasterror_str.restype = ctypes.c_char_p
        found.srt_startup()
        found.srt_setloglevel(0)
        return found
    raise SrtTrouble("no_srt", "this node has no libsrt: install libsrt1.5-gnutls (Debian 12)")
