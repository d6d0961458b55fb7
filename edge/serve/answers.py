"""What an asker gets instead of footage: one shape of JSON for every trouble."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from edge.errors import EdgeError, IntegrityError, NotFound, Refused, StorageError, TryAgain

ALWAYS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
"""Footage is not kept on the way, and is what it says it is."""
_STATUS = {
    "no_operator": 403,
    "not_admitted": 403,
    "unknown_camera": 404,
    "unknown_path": 404,
    "no_footage": 404,
    "no_part": 404,
    "bad_method": 405,
    "changed": 412,
    "no_body": 413,
    "out_of_reach": 416,
    "quota": 429,
    "no_decoder": 501,
    "no_picture": 500,
    "fault": 500,
    "busy": 503,
    "preparing": 503,
    "not_recorded": 503,
}
"""By the code of a Refused; 400 for all others: the words of the request are off."""
RETRY_S = {"busy": 5, "preparing": 3, "not_recorded": 60, "quota": 600}


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """code: stable, for programs. text: what is wrong. remedy: what to do about it, may be empty."""

    code: str
    text: str
    remedy: str


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(document)
    return Response(content, status, {**ALWAYS, **(headers or {})}, media_type="application/json")


def trouble(error: EdgeError, headers: dict[str, str] | None = None) -> Response:
    """What the disk or the evidence says in detail stays in the log: it names files of the node."""
    if isinstance(error, Refused):
        status, told = _STATUS.get(error.code, 400), Trouble(code=error.code, text=error.message, remedy=error.remedy)
    elif isinstance(error, NotFound):
        text = "the footage was erased, or moved, while it was looked at"
        status, told = 503, Trouble(code="moved", text=text, remedy="ask again: what is left is answered")
    elif isinstance(error, (StorageError, TryAgain)):
        text = "the node's disk does not give it"
        status, told = (
            503,
            Trouble(code="disk", text=text, remedy="try again; if it lasts, the crew finds the cause in the log"),
        )
    else:
        code, text = ("damaged", "what is stored does not add up") if isinstance(error, IntegrityError) else ("fault", "this node cannot")
        status, told = 500, Trouble(code=code, text=text, remedy="the crew finds the cause in the node's log")
    retry = {"Retry-After": str(RETRY_S[told.code])} if told.code in RETRY_S else {}
    return json_answer(told, status, {**retry, **(headers or {})})
