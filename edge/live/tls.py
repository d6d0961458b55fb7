"""TLS for what does not verify: a loopback address whose one connection is carried on through a verified TLS connection.

FFmpeg's rtmps passes neither an authority nor a wish to verify on to its TLS layer, and would talk to anybody.
"""

from __future__ import annotations

import select
import socket
import ssl
from pathlib import Path

CONNECT_S = 5.0
_PORTION = 1 << 16


class TlsTrouble(Exception):
    """code: tls or unreachable."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def connect(host: str, port: int, ca: str) -> ssl.SSLSocket:
    """Verified: chain and name. ca: path of a PEM file, "" for the system's authorities. Raises TlsTrouble."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise TlsTrouble("tls", f"live.ca {Path(ca).name}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        plain = socket.create_connection((host, port), CONNECT_S)
    except OSError as error:
        raise TlsTrouble("unreachable", f"{host}:{port}: {error.strerror or error}") from error
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise TlsTrouble("tls", f"the certificate of {host} is refused: {error.verify_message}") from error
    except OSError as error:
        plain.close()
        raise TlsTrouble("tls", f"no TLS with {host}: {error}") from error


class Passage:
    """`run` belongs to a thread of its own and ends with either side."""

    def __init__(self, far: ssl.SSLSocket) -> None:
        self._far = far
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port = int(self._listener.getsockname()[1])

    def run(self) -> None:
        with self._far, self._listener:
            self._listener.settimeout(CONNECT_S)
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._listener.close()
            with near:
                self._carry(near)

    def _carry(self, near: socket.socket) -> None:
        """One thread for both directions: a TLS connection is not to be used by two."""
        self._far.settimeout(CONNECT_S * 2)
        near.settimeout(CONNECT_S * 2)
        try:
            while True:
                ready = [self._far] if self._far.pending() else select.select([near, self._far], [], [])[0]
                for source, sink in ((near, self._far), (self._far, near)):
                    if source in ready:
                        data = source.recv(_PORTION)
                        if not data:
                            return
                        sink.sendall(data)
        except OSError:
            return
