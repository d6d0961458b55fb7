"""The ASGI application: who comes in, which way, and what becomes of every error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.clip.snapshot import Snapshot, take_snapshot
from edge.clock import format_utc, monotonic_s
from edge.command.looking import TIMELINE_MAX_S
from edge.config.on_request import Serve
from edge.errors import EdgeError, Refused
from edge.messages.clip import ClipRequest
from edge.messages.evidence import Viewed
from edge.messages.tus import repr_digest
from edge.serve.answers import ALWAYS, json_answer, trouble
from edge.serve.clips import Clips
from edge.serve.door import REQUESTS_MAX, Turnstile, operator_of
from edge.serve.peer import ABORT, CERTIFICATE
from edge.serve.register import Register
from edge.serve.shelf import V1, Shelf
from edge.serve.words import Words, warrant_of

log = logging.getLogger(__name__)

_OPERATOR = "operator"
Handler = Callable[[Request, str], Awaitable[Any]]


class Pull:
    """`app` is what a server runs. All methods belong to the event loop's thread."""

    def __init__(self, serve: Serve, shelf: Shelf, clips: Clips, register: Register) -> None:
        self._operators, self._shelf, self._register = serve.operators, shelf, register
        self._inside = Turnstile(REQUESTS_MAX, REQUESTS_MAX // 4, "requests")
        camera = f"{V1}/cameras/{{camera}}"
        ways: dict[str, Handler] = {
            "/": self._index,
            V1: self._index,
            f"{V1}/cameras": self._cameras,
            f"{camera}/timeline": self._timeline,
            f"{camera}/snapshot": self._snapshot,
            f"{camera}/clip": clips.clip,
            f"{camera}/clip/parts": clips.parts,
        }
        routes = [Route(path, _answered(handler), methods=["GET"]) for path, handler in ways.items()]
        self._app = Starlette(routes=routes, exception_handlers={404: _no_path, 405: _no_method})

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Nobody without a name from TLS comes further than here."""
        said = _Said(send)
        began_s, operator = monotonic_s(), "?"
        try:
            operator = operator_of(scope["state"].get(CERTIFICATE, {}), self._operators)
            _no_body(scope["headers"])
            with self._inside.pass_through(operator):
                await self._app({**scope, "state": {**scope["state"], _OPERATOR: operator}}, receive, said)
        except Refused as refused:
            await trouble(refused, {"Connection": "close"})(scope, receive, said)
        except asyncio.CancelledError:  # the server stops
            scope["state"][ABORT]()
        took_s = monotonic_s() - began_s
        log.info("%s: %s %s: %d, %d bytes, %.1f s", operator, scope["method"], _path(scope), said.status, said.bytes, took_s)

    async def _index(self, request: Request, operator: str) -> Response:
        _words(request)
        return json_answer(self._shelf.index())

    async def _cameras(self, request: Request, operator: str) -> Response:
        _words(request)
        return json_answer(await self._shelf.look(self._shelf.cameras))

    async def _timeline(self, request: Request, operator: str) -> Response:
        """Metadata need no case (see custody); with one, the look is on record before the answer."""
        words = _words(request, "start", "end", "case")
        start_ns, end_ns = words.range(TIMELINE_MAX_S)
        camera = await self._shelf.look(self._shelf.known, request.path_params["camera"])
        if words.case:
            await self._register.record(_viewed(warrant_of(words, operator, camera, start_ns, end_ns, ""), "timeline"))
        return json_answer(await self._shelf.look(self._shelf.timeline, camera, start_ns, end_ns))

    async def _snapshot(self, request: Request, operator: str) -> Response:
        words = _words(request, "at", "case")
        at_ns = words.instant("at", self._shelf.clock.read().utc_ns)
        camera = await self._shelf.look(self._shelf.known, request.path_params["camera"])
        wanted = warrant_of(words, operator, camera, at_ns, at_ns, "")
        taken: Snapshot = await self._shelf.look(take_snapshot, self._shelf.ring(), self._shelf.disk, camera, at_ns)
        await self._register.record(_viewed(wanted, "snapshot"))
        name = f"{camera}_{format_utc(taken.utc_ns).replace('-', '').replace(':', '')}.jpg"
        headers = {
            **ALWAYS,
            "Picture-UTC": format_utc(taken.utc_ns),
            "Repr-Digest": repr_digest(sha256(taken.jpeg).hexdigest()),
            "Content-Disposition": f'inline; filename="{name}"',
        }
        return Response(taken.jpeg, headers=headers, media_type="image/jpeg")


class _Said:
    """What was sent, for the log."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Mapping[str, Any]) -> None:
        await self._send(message)
        self.status = message.get("status", self.status)
        self.bytes += len(message.get("body", b""))


def _answered(handler: Handler) -> Callable[[Request], Awaitable[Any]]:
    """Every error as an answer."""

    async def answered(request: Request) -> Any:
        try:
            return await handler(request, request.scope["state"][_OPERATOR])
        except EdgeError as error:
            level = logging.INFO if isinstance(error, Refused) else logging.ERROR
            log.log(level, "%s: %s", _path(request.scope), error)
            return trouble(error)
        except Exception:
            log.exception("%s met a fault of this program", _path(request.scope))
            return trouble(EdgeError("a fault of this program"))

    return answered


def _path(scope: Mapping[str, Any]) -> str:
    """Fit for a line of the log: as it came, percent-encoded and without the query, which holds the case."""
    return bytes(scope["raw_path"])[:200].decode("ascii", errors="replace")


def _words(request: Request, *allowed: str) -> Words:
    return Words(request.query_params.multi_items(), request.headers, allowed)


def _viewed(request: ClipRequest, what: str) -> Viewed:
    return Viewed(operator=request.operator, case=request.case, what=what, camera_id=request.camera, start=request.start, end=request.end)


def _no_body(headers: list[tuple[bytes, bytes]]) -> None:
    """Raises Refused: no_body."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0"):
            raise Refused("no_body", "requests have no body here", remedy="put everything into the address")


async def _no_path(request: Request, error: Exception) -> Response:
    return trouble(Refused("unknown_path", "there is nothing of that name", remedy=f"begin with {V1}"))


async def _no_method(request: Request, error: Exception) -> Response:
    return trouble(Refused("bad_method", f"{request.method[:20]} does nothing here", remedy="use GET or HEAD"), {"Allow": "GET, HEAD"})
