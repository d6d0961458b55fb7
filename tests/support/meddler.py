"""An HTTP proxy on loopback that passes every request on, except where it is told to meddle: it answers itself, falls silent, drips, loses
the server's answer, cuts in the middle of a body. What a server, a load balancer or a firewall does now and then, at an exact request."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

_PIECE = 16 << 10
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """The server never sees the request. The body is read to its end only where the sender insists."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """Everything is swallowed, nothing is answered, the connection stays."""


@dataclass(frozen=True)
class Sip:
    """The body is read one byte a second, and goes nowhere."""


@dataclass(frozen=True)
class LoseAnswer:
    """The server does it all; its answer never comes, the connection is cut instead."""


@dataclass(frozen=True)
class DripAnswer:
    """The server does it all; its answer comes one byte in `each_s`."""

    each_s: float = 0.4


@dataclass(frozen=True)
class CutBody:
    """So many bytes of the body go up, then the connection is cut on both sides."""

    after_bytes: int


@dataclass(frozen=True)
class Elsewhere:
    """The server is asked for another path."""

    path: str


Fault = Answer | Silence | Sip | LoseAnswer | DripAnswer | CutBody | Elsewhere
Meddle = Callable[[str, str], Fault | None]
"""Of method and path (with query)."""


class Once:
    """The n-th request of that method meets with the fault, all others pass."""

    def __init__(self, method: str, fault: Fault, nth: int = 1) -> None:
        self._method, self._fault, self._nth = method, fault, nth
        self._seen = 0

    @property
    def met(self) -> bool:
        return self._seen >= self._nth

    def __call__(self, method: str, path: str) -> Fault | None:
        if method != self._method:
            return None
        self._seen += 1
        return self._fault if self._seen == self._nth else None


class Meddler:
    """`with Meddler(port, meddle) as meddler: ... meddler.port`. One thread of its own, in which `meddle` is called."""

    def __init__(self, upstream_port: int, meddle: Meddle) -> None:
        self._upstream_port = upstream_port
        self._meddle = meddle
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, name="meddler", daemon=True)

    def __enter__(self) -> Meddler:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the meddling proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=_PIECE))
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._ended())
        self._loop.close()

    async def _ended(self) -> None:
        """Connections end by themselves when their client is gone; what still sips or drips is ended here."""
        await asyncio.sleep(0)  # for tasks that have not begun
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.2)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(3):  # transports close in the turns after
            await asyncio.sleep(0)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server: asyncio.StreamWriter | None = None
        passing: asyncio.Task[None] | None = None
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream_port, limit=_PIECE)
            down = _Down(from_server, writer)
            passing = asyncio.ensure_future(down.run())
            while await self._request(reader, writer, to_server, down):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two ends is gone: so is the connection
        finally:
            if passing is not None:
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)
            for each in (to_server, writer):
                if each is not None:
                    each.close()

    async def _request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_server: asyncio.StreamWriter, down: _Down
    ) -> bool:
        """Whether another one may follow on this connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        fault = self._meddle(method, path)
        if isinstance(fault, Answer):
            await _answer(fault, reader, writer)
            return False
        if isinstance(fault, (Silence, Sip)):
            await _swallow(fault, reader)
            return False
        down.fault = fault
        to_server.write(head.replace(path.encode(), fault.path.encode(), 1) if isinstance(fault, Elsewhere) else head)
        most = min(length, fault.after_bytes) if isinstance(fault, CutBody) else length
        while most:
            piece = await reader.readexactly(min(_PIECE, most))
            most -= len(piece)
            to_server.write(piece)
            await to_server.drain()
        if isinstance(fault, LoseAnswer):
            await down.lost.wait()
        return not isinstance(fault, (CutBody, LoseAnswer))


class _Down:
    """From the server to the client. lost: an answer came and was thrown away."""

    def __init__(self, from_server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._from_server, self._writer = from_server, writer
        self.fault: Fault | None = None
        self.lost = asyncio.Event()

    async def run(self) -> None:
        with suppress(OSError):
            while piece := await self._from_server.read(_PIECE):
                if isinstance(self.fault, LoseAnswer):
                    self.lost.set()
                elif isinstance(self.fault, DripAnswer):
                    for each in piece:
                        self._writer.write(bytes([each]))
                        await self._writer.drain()
                        await asyncio.sleep(self.fault.each_s)
                else:
                    self._writer.write(piece)
                    await self._writer.drain()
        self.lost.set()
        self._writer.close()


async def _answer(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    headers = {"Content-Length": "0", "Connection": "close", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} x", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    writer.write_eof()
    while await reader.read(_PIECE):
        pass


async def _swallow(fault: Silence | Sip, reader: asyncio.StreamReader) -> None:
    if isinstance(fault, Silence):
        while await reader.read(_PIECE):
            pass
    while await reader.read(1):
        await asyncio.sleep(1.0)
