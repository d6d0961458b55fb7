"""Verbs hold and release: evidence locks, asked for by the centre.

    hold      args: {"camera": id, "start": RFC 3339, "end": RFC 3339, "review": RFC 3339 or null}; the lock gets the command's id
    release   args: {"hold": id of the lock, "why": text}

`review` may be a date alone. Answered done when it is so on disk, or refused with the reason (Holds names them). The case is required: it
stands in the record, as does the operator.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from edge.command.arguments import args_of
from edge.errors import Refused
from edge.messages.wire import CommandClaims, Response
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest


class HoldArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str
    start: str
    end: str
    review: str | None = None


class ReleaseArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hold: str
    why: str


_Args = TypeVar("_Args", HoldArgs, ReleaseArgs)


class HoldVerb:
    """The same id again is the same lock. One thread."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused, StorageError, IntegrityError."""
        args = _args(claims, HoldArgs)
        request = HoldRequest(claims.id, args.camera, args.start, args.end, claims.case, claims.operator, args.review)
        hold = self._holds.add(request)
        return Response(id=claims.id, state="done", text=f"{len(hold.segments)} segments, {hold.bytes} bytes are held")


class ReleaseVerb:
    """One thread."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused, StorageError, IntegrityError."""
        args = _args(claims, ReleaseArgs)
        self._holds.release(args.hold, claims.operator, args.why, claims.case)
        return Response(id=claims.id, state="done", text=f"{args.hold} is released")


def _args(claims: CommandClaims, shape: type[_Args]) -> _Args:
    if not claims.case.strip():
        raise Refused("no_case", f"{claims.verb} is for a case only", remedy="name the case")
    return args_of(claims, shape)
