"""The upload receiver: tus 1.0 (creation, expiration, checksum, termination) as an ASGI application.

What it promises a sender: the offset it tells is on disk; one PATCH at a time per upload (423 for the others); a Repr-Digest (RFC 9530,
sha-256) on HEAD once the file is complete, hashed from the stored bytes and, if the announced hash is the same, already in its place.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, Future
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from edge.centre.admission import Admission
from edge.centre.upload_store import Info, Outcome, UploadStore
from edge.clock import utc_datetime
from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import File
from edge.messages.tus import PATCH_TYPE, TUS_VERSION, count_of, decode_metadata, encode_metadata, repr_digest

_LOG = logging.getLogger(__name__)
_WRITE_BYTES = 256 << 10
_ALGORITHMS = ("sha1", "sha256")
_STATUS = {"too_large": 413, "no_space": 507, "too_many": 503, "bad_metadata": 400, "expired": 410, "complete": 403, "quota": 507}

Handler = Callable[[Request], Awaitable[Response]]


class Receiver:
    """`hasher` runs `complete` in the background and must have exactly one thread. admission: who may come in; a node's
    own token opens that node's uploads alone.

    idle_s: a PATCH that brings no byte for so long is ended, so that a dead connection does not keep its upload locked.
    """

    def __init__(self, store: UploadStore, hasher: Executor, admission: Admission, path: str = "/files", idle_s: float = 15.0) -> None:
        self._store = store
        self._hasher = hasher
        self._admission = admission
        self._idle_s = idle_s
        self._writing: set[str] = set()
        self._completing: dict[str, Future[Outcome]] = {}
        routes = [
            Route(path, self._guarded(self._create), methods=["POST"]),
            Route(path + "/", self._guarded(self._create), methods=["POST"]),
            Route(path, self._options, methods=["OPTIONS"]),
            Route(path + "/", self._options, methods=["OPTIONS"]),
            Route(path + "/{uid}", self._guarded(self._head), methods=["HEAD"]),
            Route(path + "/{uid}", self._guarded(self._patch), methods=["PATCH"]),
            Route(path + "/{uid}", self._guarded(self._delete), methods=["DELETE"]),
            Route(path + "/{uid}", self._options, methods=["OPTIONS"]),
        ]
        self.app = Starlette(routes=routes)

    def _guarded(self, handler: Handler) -> Handler:
        """Who asks, which protocol version, and every error of ours as a status."""

        async def guarded(request: Request) -> Response:
            caller = self._admission.caller(request.headers.get("authorization", ""))
            if caller is None:
                return _answer(401, {"WWW-Authenticate": "Bearer"})
            if request.headers.get("tus-resumable") != TUS_VERSION:
                return _answer(412, {"Tus-Version": TUS_VERSION})
            request.state.node = caller
            try:
                return await handler(request)
            except Refused as error:
                return _answer(_STATUS[error.code], text=str(error))
            except NotFound:
                return _answer(404)
            except (StorageError, IntegrityError) as error:
                _LOG.error("%s %s: %s", request.method, request.url.path, error)
                return _answer(507 if isinstance(error, StorageError) and error.number in (errno.ENOSPC, errno.EDQUOT) else 500)

        return guarded

    async def _options(self, request: Request) -> Response:
        return _answer(
            204,
            {
                "Tus-Version": TUS_VERSION,
                "Tus-Extension": "creation,expiration,checksum,termination",
                "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
                "Tus-Max-Size": str(self._store.limits.max_bytes),
            },
        )

    async def _create(self, request: Request) -> Response:
        size = count_of(request.headers, "upload-length")
        if size is None:
            return _answer(400, text="Upload-Length is missing")
        try:
            metadata = decode_metadata(request.headers.get("upload-metadata", ""))
        except ValueError as error:
            return _answer(400, text=str(error))
        if request.state.node not in ("", metadata.get("node")):
            return _answer(403, text=f"this token is {request.state.node}'s: it uploads under no other name")
        info = await run_in_threadpool(self._store.create, size, metadata)
        last = request.url.path.rpartition("/")[2]  # relative, so that it holds behind a proxy that cuts off a prefix
        return _answer(201, {"Location": f"{last}/{info.uid}" if last else info.uid, "Upload-Expires": _expires(info)})

    async def _info(self, request: Request) -> Info:
        """Another node's upload is not there."""
        info = await run_in_threadpool(self._store.info, request.path_params["uid"])
        if request.state.node not in ("", info.node):
            raise NotFound("no such upload")
        return info

    async def _head(self, request: Request) -> Response:
        info = await self._info(request)
        offset = await run_in_threadpool(self._store.offset, info)
        headers = {
            "Upload-Offset": str(offset),
            "Upload-Length": str(info.size),
            "Upload-Metadata": encode_metadata(info.metadata),
            "Upload-Expires": _expires(info),
            "Cache-Control": "no-store",
        }
        if offset == info.size and info.uid not in self._writing:
            outcome = await run_in_threadpool(self._store.outcome, info)
            if outcome is None:
                self._complete(info)
            else:
                headers["Repr-Digest"] = repr_digest(outcome.sha256)
        return _answer(200, headers)

    async def _patch(self, request: Request) -> Response:
        info = await self._info(request)
        if request.headers.get("content-type", "").partition(";")[0].strip() != PATCH_TYPE:
            return _answer(415)
        if info.uid in self._writing or info.uid in self._completing:
            return _answer(423)
        self._writing.add(info.uid)
        try:
            return await self._write(request, info)
        finally:
            self._writing.discard(info.uid)

    async def _delete(self, request: Request) -> Response:
        """Only of what is not complete."""
        info = await self._info(request)
        if info.uid in self._writing or info.uid in self._completing:
            return _answer(423)
        self._writing.add(info.uid)
        try:
            await run_in_threadpool(self._store.terminate, info)
        finally:
            self._writing.discard(info.uid)
        return _answer(204)

    async def _write(self, request: Request, info: Info) -> Response:
        start = await run_in_threadpool(self._store.offset, info)
        length = count_of(request.headers, "content-length")
        if count_of(request.headers, "upload-offset") != start:
            return _answer(409, {"Upload-Offset": str(start)})
        if length is not None and start + length > info.size:
            return _answer(413, text="more bytes than were announced")
        try:
            checksum = _Checksum.of(request.headers.get("upload-checksum", ""))
        except ValueError as error:
            return _answer(400, text=str(error))
        if start == info.size:
            return self._written(info, start)
        file = await run_in_threadpool(self._store.writer, info)
        try:
            return await self._stream(request, info, start, file, checksum)
        finally:
            await run_in_threadpool(file.close)

    async def _stream(self, request: Request, info: Info, start: int, file: File, checksum: _Checksum | None) -> Response:
        """What came before a cut stays: it counts from the next HEAD on."""
        end = start
        whole = False
        try:
            async for piece in _batches(_until_idle(request, self._idle_s)):
                if end + len(piece) > info.size:
                    return _answer(413, text="more bytes than were announced")
                if checksum is not None:
                    checksum.digest.update(piece)
                await run_in_threadpool(file.write, piece)
                end += len(piece)
            whole = True
        except ClientDisconnect:
            return _answer(400)
        except asyncio.TimeoutError:
            _LOG.info("upload %s: nothing came for %.0f s; %d of %d bytes so far", info.uid, self._idle_s, end, info.size)
            return _answer(408, {"Connection": "close"})
        finally:
            if whole and checksum is not None and not checksum.fits():
                await run_in_threadpool(file.truncate, start)
            await run_in_threadpool(file.fsync)
        if checksum is not None and not checksum.fits():
            return _answer(460, text="the checksum does not fit")
        return self._written(info, end)

    def _written(self, info: Info, offset: int) -> Response:
        if offset == info.size:
            self._complete(info)
        return _answer(204, {"Upload-Offset": str(offset), "Upload-Expires": _expires(info)})

    def _complete(self, info: Info) -> None:
        """In the background, once; a failure is logged and tried again at the next HEAD. Runs in the event loop's thread."""
        if info.uid in self._completing:
            return
        loop = asyncio.get_running_loop()
        future = self._hasher.submit(self._store.complete, info)
        self._completing[info.uid] = future
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._completed, info.uid, done))

    def _completed(self, uid: str, future: Future[Outcome]) -> None:
        self._completing.pop(uid, None)
        if not future.cancelled() and (error := future.exception()) is not None:
            _LOG.error("upload %s cannot be completed: %s", uid, error)


class _Checksum:
    """Upload-Checksum of one PATCH."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self.digest = hashlib.new(algorithm)
        self._expected = expected

    @staticmethod
    def of(header: str) -> _Checksum | None:
        """None without the header. Raises ValueError for one that cannot be checked."""
        if not header:
            return None
        algorithm, _, text = header.partition(" ")
        if algorithm not in _ALGORITHMS:
            raise ValueError("Upload-Checksum: sha1 and sha256 are offered")
        try:
            return _Checksum(algorithm, base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise ValueError("Upload-Checksum is not base64") from error

    def fits(self) -> bool:
        return hmac.compare_digest(self.digest.digest(), self._expected)


async def _until_idle(request: Request, idle_s: float) -> AsyncIterator[bytes]:
    """Raises ClientDisconnect, asyncio.TimeoutError."""
    stream = aiter(request.stream())
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), idle_s)
        except StopAsyncIteration:
            return


async def _batches(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Bigger writes; what was gathered before an error comes out before it."""
    gathered = bytearray()
    try:
        async for piece in pieces:
            gathered += piece
            if len(gathered) >= _WRITE_BYTES:
                yield bytes(gathered)
                gathered.clear()
    except (ClientDisconnect, asyncio.TimeoutError):
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


def _answer(status: int, headers: dict[str, str] | None = None, text: str = "") -> Response:
    return Response(text, status, {"Tus-Resumable": TUS_VERSION, **(headers or {})}, media_type="text/plain" if text else None)


def _expires(info: Info) -> str:
    """RFC 9110 date."""
    return format_datetime(utc_datetime(info.expires_utc_ns), usegmt=True)
