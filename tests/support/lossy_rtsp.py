"""A network camera's bad link on loopback: RTSP passes, RTP by UDP loses packets, repeats them, brings them out of order."""

from __future__ import annotations

import random
import re
import select
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

_PORTS = re.compile(rb"client_port=(\d+)-(\d+)")


@dataclass(frozen=True)
class Badness:
    """Parts of all packets. swapped: the packet comes after the next one."""

    lost: float = 0.0
    twice: float = 0.0
    swapped: float = 0.0


class LossyRtsp:
    """One session; `with` runs it. port: where the camera seems to be. passed, lost: packets so far."""

    def __init__(self, camera: int, badness: Badness, seed: int = 7) -> None:
        self._camera, self._badness, self._chance = camera, badness, random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._rtp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._rtp[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 << 20)
        self._client = 0
        self._held: bytes | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.passed = self.lost = 0

    def __enter__(self) -> LossyRtsp:
        while True:
            self._rtp[0].bind(("127.0.0.1", 0))
            port = int(self._rtp[0].getsockname()[1])
            with suppress(OSError):
                self._rtp[1].bind(("127.0.0.1", port + 1))
                break
            self._rtp[0].close()
            self._rtp[0] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        for each in (self._listener, *self._rtp):
            each.close()

    def _run(self) -> None:
        self._listener.settimeout(20)
        with suppress(OSError):
            near, _ = self._listener.accept()
            with near, socket.create_connection(("127.0.0.1", self._camera)) as far:
                self._carry(near, far)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        watched: Sequence[socket.socket] = [near, far, self._rtp[0]]
        while not self._over.is_set():
            for ready in select.select(watched, [], [], 0.2)[0]:
                if ready is self._rtp[0]:
                    self._packet(self._rtp[0].recv(65_536))
                    continue
                said = ready.recv(65_536)
                if not said:
                    return
                (far if ready is near else near).sendall(self._reworded(said, ready is near))

    def _reworded(self, said: bytes, ours: bool) -> bytes:
        """Each side is told the proxy's ports, the client its own."""
        found = _PORTS.search(said)
        if found is None:
            return said
        own = int(self._rtp[0].getsockname()[1])
        if ours:
            self._client = int(found[1])
            return _PORTS.sub(b"client_port=%d-%d" % (own, own + 1), said)
        return _PORTS.sub(b"client_port=%d-%d" % (self._client, self._client + 1), said)

    def _packet(self, packet: bytes) -> None:
        draw = self._chance.random()
        bad = self._badness
        if draw < bad.lost:
            self.lost += 1
            return
        held, self._held = self._held, None
        if held is None and draw < bad.lost + bad.swapped:
            self._held = packet
            return
        self._send(packet)
        if held is not None:
            self._send(held)
        if draw > 1 - bad.twice:
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        self.passed += 1
        self._rtp[0].sendto(packet, ("127.0.0.1", self._client))
