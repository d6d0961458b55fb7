"""Verb clip: footage of one camera from start to end, delivered to the address in the node's configuration (never to one in a command).

    args: {"camera": id, "start": RFC 3339, "end": RFC 3339, "basis": legal basis (optional), "recipient": who receives it (optional)}

Answers: accepted when the footage is pinned, and the job and the record of the command are on disk; running, then done with the
manifest, or failed. Refused: no_upload, no_case, bad_words, bad_args, unknown_camera, bad_range, no_footage, busy, clip_quota.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from edge.clip.shape import Plan
from edge.clip.warrant import check_warrant
from edge.clock import NS_PER_S, Clock
from edge.command.arguments import args_of, known_camera, range_of
from edge.errors import NotFound, Refused
from edge.messages.clip import ClipRequest
from edge.messages.wire import CommandClaims, Response
from edge.upload.jobs import JobStore, Pin

CLIP_MAX_S = 4 * 3600
OPEN_MAX = 32
_TRIES = 3


class ClipArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str
    start: str
    end: str
    basis: str = ""
    recipient: str = ""


Planner = Callable[[ClipRequest], Plan]


class ClipVerb:
    """One thread. `plan`: the ring's footage for a request. The job begins when the command is on record: see Dispatcher."""

    def __init__(self, cameras: Collection[str], plan: Planner, jobs: JobStore, clock: Clock, *, deliverable: bool) -> None:
        self._cameras, self._plan, self._jobs, self._clock = cameras, plan, jobs, clock
        self._deliverable = deliverable

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused, StorageError. The same id again is the same job."""
        if self._jobs.get(claims.id) is None:
            request = self._request(claims)
            if len(self._jobs.open_jobs()) >= OPEN_MAX:
                raise Refused("busy", f"{OPEN_MAX} clips wait for delivery already")
            self._accept(request)
        return Response(id=claims.id, state="accepted")

    def _request(self, claims: CommandClaims) -> ClipRequest:
        if not self._deliverable:
            raise Refused("no_upload", "this node has no [upload] section: it cannot deliver clips")
        args = args_of(claims, ClipArgs)
        request = ClipRequest(
            id=claims.id,
            camera=args.camera,
            start=args.start,
            end=args.end,
            operator=claims.operator,
            case=claims.case,
            basis=args.basis,
            recipient=args.recipient,
        )
        check_warrant(request)
        known_camera(args.camera, self._cameras)
        self._check_range(args)
        return request

    def _check_range(self, args: ClipArgs) -> None:
        _, end_ns = range_of(args.start, args.end, CLIP_MAX_S)
        now = self._clock.read()
        if now.dated and end_ns > now.utc_ns:
            raise Refused("bad_range", f"end is {(end_ns - now.utc_ns) // NS_PER_S} s in the future")

    def _accept(self, request: ClipRequest) -> None:
        """A segment that is sealed or renamed while it is being pinned makes us plan again."""
        for left in reversed(range(_TRIES)):
            plan = self._plan(request)
            if not plan.parts:
                raise Refused("no_footage", "there is no footage of that time")
            try:
                self._jobs.accept(request, plan.encode(), [Pin(seq, path) for seq, path in plan.files().items()])
                return
            except NotFound:
                if not left:
                    raise
        raise AssertionError("unreachable")
