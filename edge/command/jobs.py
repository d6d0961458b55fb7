"""Verbs about clip jobs: what becomes of them, and calling one off.

    jobs      args: {"recent": most closed ones (optional)}    data: {"jobs": [JobLine], "left_out": closed ones that are not shown}
    cancel    args: {"id": id of the clip, "why": text}

cancel is answered done when the decision is on disk; the clip's own answer tells how it ended: cancelled, or done where the last byte
had arrived before.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from edge.clock import Clock, format_utc
from edge.command.arguments import args_of
from edge.command.looking import Outcome, Seen
from edge.errors import Refused
from edge.messages.wire import CommandClaims, Response
from edge.upload.job_list import job_list
from edge.upload.jobs import JobStore
from edge.upload.terms import Cancellation, check_why

RECENT = 20
RECENT_MAX = 200
"""An answer is a message."""


class JobsArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recent: int = RECENT


class CancelArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    why: str


class JobList:
    """An errand: a thousand closed jobs take a card a moment."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def check(self, claims: CommandClaims) -> Seen | None:
        """Raises Refused: bad_args."""
        args_of(claims, JobsArgs)
        return None

    def do(self, claims: CommandClaims) -> Outcome:
        args = args_of(claims, JobsArgs)
        lines, left_out = job_list(self._store, max(0, min(args.recent, RECENT_MAX)))
        data = {"jobs": [msgspec.to_builtins(line) for line in lines], "left_out": left_out}
        return Outcome(Response(id=claims.id, state="done", text=f"{len(lines)} jobs", data=data))


class CancelVerb:
    """One thread. told: called with the id of the job when the decision is on disk; None where the node delivers nothing."""

    def __init__(self, store: JobStore, clock: Clock, told: Callable[[str], None] | None) -> None:
        self._store, self._clock, self._told = store, clock, told

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused (no_upload, bad_args, bad_words, unknown_job, ended), StorageError. Again, it changes nothing."""
        if self._told is None:
            raise Refused("no_upload", "this node has no [upload] section: no job is carried out")
        args = args_of(claims, CancelArgs)
        check_why(claims.operator, args.why)
        by = Cancellation(by=claims.operator, why=args.why, t=format_utc(self._clock.read().utc_ns), id=claims.id)
        self._store.cancel(args.id, by)
        self._told(args.id)
        return Response(id=claims.id, state="done", text=f"{args.id} is called off; its own answer tells how it ended")
