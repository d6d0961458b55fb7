"""A server that says exactly what it is told to, byte for byte, one script per connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Sequence

Step = bytes | int
"""bytes: to be sent. A number: so many bytes are read first; 0 reads one request's head."""


class ScriptedHttp:
    """The n-th connection gets the n-th script, the last one again and again. heads: the request heads that were read."""

    def __init__(self, *scripts: Sequence[Step], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.heads: list[str] = []
        self.connections = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptedHttp:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        with contextlib.ExitStack() as kept:
            while True:
                connection, _ = self._listener.accept()
                kept.callback(connection.close)
                if self._over.is_set():
                    return
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                with contextlib.suppress(OSError):
                    self._play(connection, script)

    def _play(self, connection: socket.socket, script: Sequence[Step]) -> None:
        connection.settimeout(10)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        for step in script:
            if isinstance(step, bytes):
                if step:
                    connection.sendall(step)
                else:
                    connection.close()
                    return
            elif step:
                left = step
                while left and (piece := connection.recv(left)):
                    left -= len(piece)
            else:
                self.heads.append(_head(connection))


def _head(connection: socket.socket) -> str:
    came = b""
    while not came.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            break
        came += piece
    return came.decode()
