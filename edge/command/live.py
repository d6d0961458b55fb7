"""The verb `live`: args {"camera": id, "minutes": number (optional)}, or {"stop": id of the command that began it}.

What it shows is footage: it is for a case, and the journal has who looked (a `view` record) before anything leaves the node.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from edge.clip.warrant import check_warrant
from edge.clock import NS_PER_S, Clock, format_utc
from edge.command.arguments import args_of, known_camera
from edge.config.on_request import Live
from edge.errors import Refused
from edge.messages.clip import ClipRequest
from edge.messages.evidence import Viewed
from edge.messages.wire import CommandClaims


class LiveArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str = ""
    minutes: float | None = None
    stop: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """seconds: how long. viewed: what the journal must have before it begins."""

    camera: str
    seconds: float
    viewed: Viewed


def wanted_of(claims: CommandClaims, live: Live | None, cameras: Collection[str], clock: Clock) -> Wanted | str:
    """What is to be shown, or the id of the session that is to end. Raises Refused: no_live, bad_args, no_case, bad_words,
    unknown_camera, bad_minutes."""
    if live is None:
        raise Refused("no_live", "this node has no address for live pictures", remedy="add [live] to its configuration")
    args = args_of(claims, LiveArgs)
    if bool(args.stop) == bool(args.camera) or (args.stop and args.minutes is not None):
        raise Refused("bad_args", "live takes camera and minutes, or stop")
    now_ns = clock.read().utc_ns
    minutes = live.max_minutes if args.minutes is None else args.minutes
    if not 0 < minutes <= live.max_minutes:
        raise Refused("bad_minutes", f"{minutes:g} minutes: this node shows at most {live.max_minutes:g}")
    start, end = format_utc(now_ns), format_utc(now_ns + round(minutes * 60) * NS_PER_S)
    check_warrant(ClipRequest(id=claims.id, camera=args.camera, start=start, end=end, operator=claims.operator, case=claims.case))
    if args.stop:
        return args.stop
    known_camera(args.camera, cameras)
    viewed = Viewed(operator=claims.operator, case=claims.case, what="live", camera_id=args.camera, start=start, end=end)
    return Wanted(args.camera, minutes * 60, viewed)
