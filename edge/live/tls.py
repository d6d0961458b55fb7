"""TLS for what does not verify: a loopback address whose one connection is carried on through a verified TLS connection.

FFmpeg's rtmps passes neither an authority nor a wish to verify on to its TLS layer, and would talk to anybody.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from pathlib import Path

from edge.host.child import die_with_parent

CONNECT_S = 5.0
_STEP_S = 10.0
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
    """A process of its own, forked from one that has a single thread: PyAV does not let other threads run while it opens a connection.
    It ends with either side."""

    def __init__(self, far: ssl.SSLSocket) -> None:
        self._far = far
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port = int(self._listener.getsockname()[1])
        parent = os.getpid()
        if not os.fork():
            try:
                die_with_parent(parent)
                self._run()
            finally:
                os._exit(0)
        self._listener.close()
        self._far.close()

    def _run(self) -> None:
        self._listener.settimeout(CONNECT_S)
        near, _ = self._listener.accept()
        self._listener.close()
        self._carry(near)

    def _carry(self, near: socket.socket) -> None:
        """One thread for both directions: a TLS connection is not to be used by two."""
        near.settimeout(_STEP_S)
        try:
            while True:
                ready = [self._far] if self._far.pending() else select.select([near, self._far], [], [])[0]
                for source, sink in ((near, self._far), (self._far, near)):
                    if source not in ready:
                        continue
                    data = source.recv(_PORTION) if source is near else self._heard()
                    if data == b"":
                        return
                    if data:
                        self._far.settimeout(_STEP_S)
                        sink.sendall(data)
        except OSError:
            return

    def _heard(self) -> bytes | None:
        """None where what came was TLS's own (a session ticket): waiting for more would hold up the other direction."""
        self._far.settimeout(0)
        try:
            return self._far.recv(_PORTION)
        except ssl.SSLWantReadError:
            return None
