"""Verb clip: footage of one camera from start to end, delivered to the address in the node's configuration (never to one in a command).

    args: {"camera": id, "start": RFC 3339, "end": RFC 3339, "basis": legal basis (optional), "recipient": who receives it (optional),
           "urgent": true: first in line, also in quiet hours and over the day's budget (optional),
           "deadline": RFC 3339, or hours as a number: when it is of no use any more (optional)}

The end may lie ahead by a day: the footage is kept as it is recorded, and sent when the end has passed. Hours count from then.

Answers: accepted when the footage is pinned, and the job and the record of the command are on disk; running, then done with the
manifest, failed, or cancelled. Refused: no_upload, no_case, bad_words, bad_args, unknown_camera, bad_range, bad_deadline,
clock_untrusted, no_footage, busy, clip_quota.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from edge.clip.plan import asked_range
from edge.clip.shape import Plan
from edge.clip.warrant import check_warrant
from edge.clock import NS_PER_S, Clock, Reading, format_utc, parse_utc
from edge.command.arguments import args_of, known_camera, range_of
from edge.errors import NotFound, Refused
from edge.messages.clip import ClipRequest
from edge.messages.wire import CommandClaims, Response
from edge.upload.jobs import Job, JobStore, Pin
from edge.upload.terms import AHEAD_MAX_S, Terms, waits_until

CLIP_MAX_S = 4 * 3600
OPEN_MAX = 32
_TRIES = 3
_BYTES_PER_KBIT = 125


class ClipArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str
    start: str
    end: str
    basis: str = ""
    recipient: str = ""
    urgent: bool = False
    deadline: float | str = ""


@dataclass(frozen=True, slots=True)
class ClipSource:
    """What a node can make clips of. rates_kbps: by camera. plan: the ring's footage for a request, as it is now. so_far: what to keep of
    a range that reaches ahead. deadline_s: the configured one; None where nothing can be delivered."""

    rates_kbps: Mapping[str, int]
    plan: Callable[[ClipRequest], Plan]
    so_far: Callable[[ClipRequest], Sequence[Pin]]
    deadline_s: float | None
    boot: str


class ClipVerb:
    """One thread. The job begins when the command is on record: see Dispatcher."""

    def __init__(self, source: ClipSource, jobs: JobStore, clock: Clock) -> None:
        self._source, self._jobs, self._clock = source, jobs, clock

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused, StorageError. The same id again is the same job."""
        job = self._jobs.get(claims.id)
        if job is None:
            request, terms = self._asked(claims)
            if len(self._jobs.open_jobs()) >= OPEN_MAX:
                raise Refused("busy", f"{OPEN_MAX} clips wait for delivery already")
            job = self._accept(request, terms)
        text = "" if job.planned else waits_until(asked_range(job.request)[1])
        return Response(id=claims.id, state="accepted", text=text)

    def _asked(self, claims: CommandClaims) -> tuple[ClipRequest, Terms]:
        if self._source.deadline_s is None:
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
        known_camera(args.camera, self._source.rates_kbps)
        return request, self._terms(args, self._source.deadline_s)

    def _terms(self, args: ClipArgs, most_s: float) -> Terms:
        start_ns, end_ns = range_of(args.start, args.end, CLIP_MAX_S)
        now = self._clock.read()
        ahead_s = (end_ns - now.utc_ns) / NS_PER_S if now.dated else 0.0
        if ahead_s > AHEAD_MAX_S:
            raise Refused("bad_range", f"end is {ahead_s / 3600:.1f} h in the future, at most {AHEAD_MAX_S // 3600} h")
        ahead_s = max(0.0, ahead_s)
        within_s, deadline = within(args.deadline, now, ahead_s, most_s)
        rate = self._source.rates_kbps[args.camera] * _BYTES_PER_KBIT
        return Terms(
            urgent=args.urgent,
            accepted=format_utc(now.utc_ns),
            boot=self._source.boot,
            boot_ns=now.boot_ns,
            deadline=deadline,
            within_s=within_s,
            awaits=ahead_s > 0,
            expects_bytes=round(rate * (end_ns - start_ns) / NS_PER_S) if ahead_s else 0,
        )

    def _accept(self, request: ClipRequest, terms: Terms) -> Job:
        """A segment that is sealed or renamed while it is being pinned makes us look again."""
        for left in reversed(range(_TRIES)):
            try:
                if terms.awaits:
                    return self._jobs.accept(request, None, self._source.so_far(request), terms)
                plan = self._source.plan(request)
                if not plan.parts:
                    raise Refused("no_footage", "there is no footage of that time")
                return self._jobs.accept(request, plan.encode(), [Pin(seq, path) for seq, path in plan.files().items()], terms)
            except NotFound:
                if not left:
                    raise
        raise AssertionError("unreachable")


def within(asked: float | str, now: Reading, ahead_s: float, most_s: float) -> tuple[float, str]:
    """How long the job may take from now, and the instant of its deadline, "" where none was asked for. ahead_s: until its footage is
    recorded. most_s: the longest deadline after that. Raises Refused: bad_deadline, clock_untrusted."""
    if asked == "":
        return ahead_s + most_s, ""
    if isinstance(asked, str):
        if not now.dated:
            raise Refused("clock_untrusted", "this node's clock is not set: it cannot tell when that is", remedy="say hours")
        left_s = (_instant(asked) - now.utc_ns) / NS_PER_S
    else:
        left_s = ahead_s + asked * 3600
    if not ahead_s < left_s <= ahead_s + most_s:
        text = f"the deadline lies {(left_s - ahead_s) / 3600:.1f} h after the footage is there"
        raise Refused("bad_deadline", text, remedy=f"0-{most_s / 3600:g} h: [upload] deadline_h of the node is the longest")
    return left_s, format_utc(now.utc_ns + round(left_s * NS_PER_S)) if now.dated else ""


def _instant(text: str) -> int:
    try:
        return parse_utc(text)
    except (ValueError, OverflowError) as error:
        raise Refused("bad_deadline", f"a deadline is RFC 3339 with an offset, or hours as a number: {error}") from error
