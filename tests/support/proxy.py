"""A TCP proxy on loopback that does to an uplink what the world does: cuts it, swallows everything, slows down, refuses, flips a bit,
buffers whole HTTP requests. Faults happen at exact byte positions of what came from the client, so that tests need no timing."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_PIECE = 16 << 10
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Proxy:
    """Attributes may be set from any thread at any time.

    cut_every: each connection is reset after that many bytes from the client (0: never), at most `cuts_left` times. hole: everything is
    swallowed, new connections too. refusing: new connections are reset. buffering: an HTTP request is passed on only when it is whole.
    bytes_per_s: from the client (0: no limit). flip_at: positions (of all bytes from clients) whose byte arrives inverted.
    Readable: up_bytes (passed on to the server), connections, cuts.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.cut_every = 0
        self.cuts_left = 1 << 30
        self.hole = False
        self.refusing = False
        self.buffering = False
        self.bytes_per_s = 0.0
        self.flip_at: set[int] = set()
        self.up_bytes = 0
        self.connections = 0
        self.cuts = 0
        self._at: list[tuple[int, Callable[[], None]]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")

    def at(self, up_bytes: int, act: Callable[[], None]) -> None:
        """`act` runs once, in the proxy's thread, when so many bytes went up."""
        self._at.append((up_bytes, act))

    def drop_all(self) -> None:
        """Resets every connection."""
        self._loop.call_soon_threadsafe(self._cancel_all)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listener.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accepted, sock=self._listener, limit=_PIECE))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))  # a task that has not begun yet would not close its connection
        self._cancel_all()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(_Link(self, reader, writer).run())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def took(self, piece: bytes) -> bytes:
        """Counts what goes up, flips what is to be flipped, runs what is due."""
        begin, self.up_bytes = self.up_bytes, self.up_bytes + len(piece)
        for position in [where for where in self.flip_at if begin <= where < self.up_bytes]:
            self.flip_at.discard(position)
            changed = bytearray(piece)
            changed[position - begin] ^= 0xFF
            piece = bytes(changed)
        due = [act for where, act in self._at if where <= self.up_bytes]
        self._at = [(where, act) for where, act in self._at if where > self.up_bytes]
        for act in due:
            act()
        return piece


class _Link:
    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        proxy = self._proxy
        proxy.connections += 1
        upstream: asyncio.StreamWriter | None = None
        downward: asyncio.Task[None] | None = None
        upward: asyncio.Task[None] | None = None
        try:
            if proxy.refusing:
                return
            await self._unswallowed()
            from_server, upstream = await asyncio.open_connection("127.0.0.1", proxy.upstream_port, limit=_PIECE)
            downward = asyncio.ensure_future(self._down(from_server))
            upward = asyncio.ensure_future(self._buffered(upstream) if proxy.buffering else self._up(upstream))
            await asyncio.wait({downward, upward}, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            return
        finally:
            server_ended = downward is not None and downward.done()
            halves = [half for half in (upward, downward) if half is not None]
            for half in halves:
                half.cancel()
            if upstream is not None:
                upstream.close()
            if server_ended:
                self._writer.close()
            else:
                _reset(self._writer)
            await asyncio.gather(*halves, return_exceptions=True)

    async def _unswallowed(self) -> None:
        while self._proxy.hole:
            await asyncio.sleep(0.01)

    async def _up(self, upstream: asyncio.StreamWriter) -> None:
        proxy = self._proxy
        passed = 0
        while True:
            most = min(_PIECE, proxy.cut_every - passed) if proxy.cut_every and proxy.cuts_left > 0 else _PIECE
            if most <= 0:
                return self._cut()
            piece = await self._reader.read(most)
            await self._unswallowed()
            if not piece:
                return None
            passed += len(piece)
            upstream.write(proxy.took(piece))
            await upstream.drain()
            if proxy.bytes_per_s:
                await asyncio.sleep(len(piece) / proxy.bytes_per_s)

    async def _buffered(self, upstream: asyncio.StreamWriter) -> None:
        """Like a reverse proxy with request buffering: of a request that is cut, nothing goes up."""
        proxy = self._proxy
        came = bytearray()
        total = 0
        while True:
            while (whole := _request_bytes(came)) is None or len(came) < whole:
                most = min(_PIECE, proxy.cut_every - total) if proxy.cut_every and proxy.cuts_left > 0 else _PIECE
                if most <= 0:
                    return self._cut()
                piece = await self._reader.read(most)
                await self._unswallowed()
                if not piece:
                    return None
                total += len(piece)
                came += proxy.took(piece)
            upstream.write(bytes(came[:whole]))
            del came[:whole]
            await upstream.drain()

    def _cut(self) -> None:
        self._proxy.cuts_left -= 1
        self._proxy.cuts += 1

    async def _down(self, from_server: asyncio.StreamReader) -> None:
        while piece := await from_server.read(_PIECE):
            await self._unswallowed()
            self._writer.write(piece)
            await self._writer.drain()


def _request_bytes(came: bytes | bytearray) -> int | None:
    end = came.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = _LENGTH.search(came, 0, end)
    return end + 4 + (int(found[1]) if found else 0)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST, not FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
