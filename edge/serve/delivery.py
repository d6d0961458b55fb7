"""A stretch of a clip on its way to a client that may be slow, may leave, or may ask for footage that is erased meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Any

from edge.clip.virtual import VirtualClip
from edge.clock import monotonic_s
from edge.errors import EdgeError
from edge.serve.peer import ABORT
from edge.upload.pace import FairPace, Share

log = logging.getLogger(__name__)

CHUNK_BYTES = 128 << 10
STALL_S = 30.0
"""A client that does not take CHUNK_BYTES in this time is cut off: it keeps others out."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class ClientStalled(Exception):
    pass


class Delivery:
    """An ASGI response. clip: for this delivery alone. first: the bytes at the span's start, read before. reading: the threads that read
    footage. spoilt: called where the footage cannot be read to the end. place: closed when it is over."""

    def __init__(
        self,
        head: tuple[int, Mapping[str, str]],
        clip: VirtualClip,
        span: tuple[int, int],
        first: bytes,
        reading: Executor,
        pace: FairPace,
        spoilt: Callable[[], None],
        place: ExitStack,
    ) -> None:
        self._status, self._headers = head
        self._clip, self._first, self._reading, self._pace, self._spoilt = clip, first, reading, pace, spoilt
        self._start, self._end = span
        self._place = place

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """What cannot be delivered whole is cut: fewer bytes than Content-Length says are no answer to any client."""
        with self._place:
            gone = asyncio.ensure_future(_gone(receive))
            try:
                headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self._headers.items()]
                await send({"type": "http.response.start", "status": self._status, "headers": headers})
                await self._send_all(send, gone)
            except (EdgeError, ClientStalled) as error:
                if isinstance(error, EdgeError):
                    self._spoilt()
                log.warning("%s is cut: %s", scope["path"], error)
                scope["state"][ABORT]()
                await gone
            finally:
                gone.cancel()

    async def _send_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        at, piece, share = self._start, self._first, self._pace.share()
        while not gone.done():
            at += len(piece)
            await self._turn(share, len(piece))
            try:
                await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": at < self._end}), STALL_S)
            except asyncio.TimeoutError:
                raise ClientStalled(f"nothing was taken for {STALL_S:.0f} s; {at - self._start} bytes are gone or on their way") from None
            if at >= self._end:
                return
            piece = await asyncio.get_running_loop().run_in_executor(self._reading, self._read, at)

    async def _turn(self, share: Share, count: int) -> None:
        """Until so many bytes may go."""
        while count > 0:
            share.ask(min(count, self._pace.quantum_bytes))
            count -= self._pace.quantum_bytes
            try:
                while (wait_s := share.wait_s(monotonic_s())) > 0:
                    await asyncio.sleep(wait_s)
            finally:
                share.withdraw()

    def _read(self, at: int) -> bytes:
        return self._clip.read(at, min(CHUNK_BYTES, self._end - at))


async def _gone(receive: Receive) -> None:
    """Until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
