"""The node's uplink as a TCP forwarder on loopback: it can be throttled, cut and restored like a modem on a pole."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from dataclasses import dataclass, field

from edge.clock import monotonic_s

log = logging.getLogger("edge.demo.uplink")

_CHUNK_BYTES = 16 * 1024
_TURN_S = 0.05


@dataclass(eq=False)
class _Pipe:
    """One direction of one connection: bytes read from `source` that wait for `sink`."""

    source: socket.socket
    sink: socket.socket
    target: int
    upward: bool
    waiting: bytearray = field(default_factory=bytearray)
    ended: bool = False


class Uplink:
    """Forwards each port of `routes` (local port -> target port, both on loopback) while it is up.

    rate_bytes_s throttles the upward direction over all connections. One thread; `cut` and `restore` may be called from any.
    """

    def __init__(self, targets: list[int], rate_bytes_s: int) -> None:
        self._rate_bytes_s = rate_bytes_s
        self._listeners = {self._listen(): target for target in targets}
        self.ports = [listener.getsockname()[1] for listener in self._listeners]
        self._pipes: list[_Pipe] = []
        self._up = threading.Event()
        self._up.set()
        self._stop = threading.Event()
        self._allowance = 0.0
        self.sent_bytes = 0
        self.first_up_s: dict[int, float] = {}
        """Target port -> when the first byte ever went up to it."""
        self._thread = threading.Thread(target=self._run, name="demo-uplink", daemon=True)
        self._thread.start()

    @staticmethod
    def _listen() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        return listener

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    def cut(self) -> None:
        """Every connection dies at once; new ones are reset until `restore`."""
        self._up.clear()

    def restore(self) -> None:
        self._up.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        last_s = monotonic_s()
        while not self._stop.is_set():
            now_s = monotonic_s()
            self._allowance = min(self._allowance + (now_s - last_s) * self._rate_bytes_s, self._rate_bytes_s / 4)
            last_s = now_s
            if not self._up.is_set():
                self._drop_all()
            self._turn()
        self._drop_all()
        for listener in self._listeners:
            listener.close()

    def _turn(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            interest: dict[socket.socket, int] = {}
            for pipe in self._pipes:
                if not pipe.ended and len(pipe.waiting) < 4 * _CHUNK_BYTES and not (pipe.upward and self._allowance < 1):
                    interest[pipe.source] = interest.get(pipe.source, 0) | selectors.EVENT_READ
                if pipe.waiting:
                    interest[pipe.sink] = interest.get(pipe.sink, 0) | selectors.EVENT_WRITE
            for endpoint, events in interest.items():
                selector.register(endpoint, events)
            ready = {key.fileobj: events for key, events in selector.select(_TURN_S)}
        for listener in self._listeners:
            if listener in ready:
                self._accept(listener)
        for pipe in list(self._pipes):
            self._move(pipe, ready.get(pipe.source, 0), ready.get(pipe.sink, 0))

    def _accept(self, listener: socket.socket) -> None:
        near, _ = listener.accept()
        if not self._up.is_set():
            near.close()
            return
        target = self._listeners[listener]
        try:
            far = socket.create_connection(("127.0.0.1", target), timeout=2.0)
        except OSError as trouble:
            log.info("uplink: target %s is not there: %s", target, trouble)
            near.close()
            return
        for endpoint in (near, far):
            endpoint.setblocking(False)
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pipes += [_Pipe(near, far, target, upward=True), _Pipe(far, near, target, upward=False)]

    def _move(self, pipe: _Pipe, readable: int, writable: int) -> None:
        try:
            if readable & selectors.EVENT_READ and not pipe.ended:
                limit = min(_CHUNK_BYTES, max(1, int(self._allowance))) if pipe.upward else _CHUNK_BYTES
                data = pipe.source.recv(limit)
                pipe.ended = not data
                pipe.waiting += data
                if pipe.upward:
                    self._allowance -= len(data)
                    self.sent_bytes += len(data)
                    if data:
                        self.first_up_s.setdefault(pipe.target, monotonic_s())
            if writable & selectors.EVENT_WRITE and pipe.waiting:
                del pipe.waiting[: pipe.sink.send(pipe.waiting)]
            if pipe.ended and not pipe.waiting:
                self._drop(pipe)
        except BlockingIOError:
            return
        except OSError:
            self._drop(pipe)

    def _drop(self, pipe: _Pipe) -> None:
        """Both directions of the connection that `pipe` is one half of."""
        self._pipes = [other for other in self._pipes if other.source not in (pipe.source, pipe.sink)]
        for endpoint in (pipe.source, pipe.sink):
            with contextlib.suppress(OSError):
                endpoint.close()

    def _drop_all(self) -> None:
        while self._pipes:
            self._drop(self._pipes[0])
