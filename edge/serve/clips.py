"""GET and HEAD of a clip: the virtual file over HTTP, with Range and a strong ETag."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from edge.clip.exported import exported_of
from edge.clip.found import Found
from edge.clip.virtual import VirtualClip
from edge.clock import NS_PER_MS
from edge.errors import IntegrityError, NotFound, Refused
from edge.messages.clip import ClipRequest
from edge.messages.tus import repr_digest
from edge.serve.answers import ALWAYS, Trouble, json_answer
from edge.serve.delivery import CHUNK_BYTES, Delivery
from edge.serve.door import Turnstile
from edge.serve.prepared import PreparedClips, are_there
from edge.serve.ranges import OutOfReach, asked_range, is_another, is_unchanged
from edge.serve.register import Register
from edge.serve.shelf import Shelf, path_of
from edge.serve.words import Words, clip_range, warrant_of
from edge.upload.pace import FairPace

_WORDS = ("start", "end", "case", "basis", "recipient", "part")
_TRIES = 2
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class Clips:
    """The event loop's thread; what waits for the disk runs in the shelf's threads."""

    def __init__(self, shelf: Shelf, prepared: PreparedClips, register: Register, streams: int, rate_kbps: int) -> None:
        self._shelf, self._prepared, self._register = shelf, prepared, register
        self._streams = Turnstile(streams, max(1, streams // 2), "clips")
        self._pace = FairPace(rate_kbps * 125)
        self._numbers = itertools.count(1)

    async def parts(self, request: Request, operator: str) -> Response:
        """The list of a clip's files, without footage. Raises as `clip`."""
        _, found = await self._asked(request, operator)
        return json_answer(parts_of(request, found))

    async def clip(self, request: Request, operator: str) -> Response | Delivery:
        """200, 206, 300, 304, 416. Raises Refused, StorageError, IntegrityError."""
        part, found = await self._asked(request, operator)
        wanted = found.manifest.request
        if not found.clips:
            raise Refused("no_footage", f"{wanted.camera} has no footage from {wanted.start} to {wanted.end}", remedy="see its timeline")
        if part is None and len(found.clips) > 1:
            return _choices(request, found)
        number = part or 1
        if number > len(found.clips):
            raise Refused("no_part", f"this clip has {len(found.clips)} parts", remedy="the address without part lists them")
        return await self._file(request, found, number - 1)

    async def _asked(self, request: Request, operator: str) -> tuple[int | None, Found]:
        """The part that was named, and all that answers the request."""
        words = Words(request.query_params.multi_items(), request.headers, _WORDS)
        start_ns, end_ns = clip_range(words, self._shelf.clock)
        id = f"pull-{self._shelf.clock.read().utc_ns // NS_PER_MS:x}-{next(self._numbers)}"
        wanted = warrant_of(words, operator, request.path_params["camera"], start_ns, end_ns, id)
        part = words.part()
        await self._shelf.look(self._shelf.known, wanted.camera)
        return part, await self._found(wanted)

    async def _found(self, wanted: ClipRequest) -> Found:
        """With all its footage still there."""
        for _ in range(_TRIES):
            found = await self._prepared.find(wanted)
            if await self._shelf.look(are_there, found.clips):
                return found
            self._prepared.forget(wanted)
        raise NotFound(f"a clip of {wanted.camera} is erased while it is prepared")

    async def _file(self, request: Request, found: Found, part: int) -> Response | Delivery:
        clip, file = found.clips[part].anew(), found.manifest.files[part]
        etag = f'"{file.sha256}"'
        headers = _headers(request, found, part, etag)
        if is_another(request.headers, etag):
            raise Refused("changed", "the footage is not the same any more", remedy="begin anew, without If-Match")
        if is_unchanged(request.headers, etag):
            return Response(status_code=304, headers=headers)
        try:
            span = asked_range(request.headers, etag, file.bytes)
        except OutOfReach:
            return _out_of_reach(file.bytes, headers)
        start, end = span or (0, file.bytes)
        headers |= {"Content-Length": str(end - start), "Content-Type": "video/mp4"}
        if span is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.bytes}"
        status = 200 if span is None else 206
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        return await self._delivery((status, headers), found, part, clip, (start, end))

    async def _delivery(
        self, head: tuple[int, Mapping[str, str]], found: Found, part: int, clip: VirtualClip, span: tuple[int, int]
    ) -> Delivery:
        """The first bytes are read before anything is promised, and the record is on disk before they leave."""
        wanted, file = found.manifest.request, found.manifest.files[part]

        def forget() -> None:
            self._prepared.forget(wanted)

        with ExitStack() as place:
            place.enter_context(self._streams.pass_through(wanted.operator))
            try:
                first = await self._shelf.run(self._shelf.reading, clip.read, span[0], min(CHUNK_BYTES, span[1] - span[0]))
            except (NotFound, IntegrityError):
                forget()
                raise
            (export,) = exported_of(msgspec.structs.replace(found.manifest, files=[file], attachments=[]), "pull")
            await self._register.record(export, (wanted.operator, wanted.case, wanted.basis, wanted.recipient, file.sha256))
            return Delivery(head, clip, span, first, self._shelf.reading, self._pace, forget, place.pop_all())


def parts_of(request: Request, found: Found) -> dict[str, Any]:
    """All files of a clip, and what is missing."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "part"]
    path = f"{path_of(found.manifest.request.camera)}/clip"
    parts = [
        {"part": number, "href": f"{path}?{urlencode([*query, ('part', number)])}", **msgspec.to_builtins(file)}
        for number, file in enumerate(found.manifest.files, 1)
    ]
    return {"camera": found.manifest.request.camera, "parts": parts, "gaps": msgspec.to_builtins(found.manifest.gaps)}


def _choices(request: Request, found: Found) -> Response:
    """300 (RFC 9110, 15.4.1): no part is better than another."""
    told = Trouble(
        code="several_parts",
        text=f"this clip has {len(found.clips)} parts: the recording was interrupted, or its format changed",
        remedy="fetch each of them by its href",
    )
    return json_answer(msgspec.to_builtins(told) | parts_of(request, found), 300)


def _headers(request: Request, found: Found, part: int, etag: str) -> dict[str, str]:
    file = found.manifest.files[part]
    return {
        **ALWAYS,
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Repr-Digest": repr_digest(file.sha256),
        "Content-Disposition": f'attachment; filename="{_UNSAFE.sub("_", file.name)}"',
        "Clip-Gaps": str(len(found.manifest.gaps)),
        "Link": f'<{path_of(found.manifest.request.camera)}/clip/parts?{request.url.query}>; rel="describedby"',
    }


def _out_of_reach(size: int, headers: Mapping[str, str]) -> Response:
    told = Trouble(code="out_of_reach", text=f"the file has {size} bytes", remedy="ask for a range within it")
    return json_answer(told, 416, {"Content-Range": f"bytes */{size}", "ETag": headers["ETag"]})
