"""A TCP relay on loopback that treats connections as a bad network does: cuts them, swallows them, or breaks at a certain word."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """target: port on loopback. poison: a connection that carries these bytes upwards is cut before they are passed on."""

    def __init__(self, target: int, poison: bytes = b"") -> None:
        self._target = target
        self._poison = poison
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.cuts = 0
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def cut(self) -> None:
        """All connections are reset; new ones are taken at once."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for endpoint in pair:
                with contextlib.suppress(OSError):
                    endpoint.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """Connections stay open and nothing passes any more, in either direction."""
        self._open.clear()

    def pass_on(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, work: object, *words: object) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._pairs.append((near, far))
            self._spawn(self._copy, near, far, True)
            self._spawn(self._copy, far, near, False)

    def _copy(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        with source:
            while True:
                try:
                    data = source.recv(65_536)
                    self._open.wait()
                    if upward and self._poison and self._poison in data:
                        self.cuts += 1
                        data = b""
                    if data:
                        sink.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    with contextlib.suppress(OSError):
                        sink.shutdown(socket.SHUT_RDWR)
                    return
