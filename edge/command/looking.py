"""Verbs by which somebody looks at what a node has: timeline, snapshot, report. They take a while, and are carried out as errands.

    timeline  args: {"camera": id, "start": RFC 3339, "end": RFC 3339}    data: as `edge timeline --json`, of each list the newest 200
    snapshot  args: {"camera": id, "at": RFC 3339 (optional)}             data: utc, age_ms, sha256 ...; the JPEG on snapshot/<camera>
    report    args: {"month": "2026-11", "camera": id (optional)}         data: as `edge report month --json`, of outages the newest 200

timeline and snapshot are for a case only, and the journal has who looked (a `view` record) before the answer leaves the node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from edge.audit.journals import NodeJournals
from edge.audit.month import Node, month_report
from edge.audit.months import Month, month_of
from edge.clip.snapshot import take_snapshot
from edge.clip.warrant import check_warrant
from edge.clock import NS_PER_MS, Clock, format_utc
from edge.command.arguments import args_of, known_camera, range_of, utc_of
from edge.errors import Refused, UsageError
from edge.host.disk import Disk
from edge.link.publish import Direct
from edge.link.topics import SNAPSHOT, address
from edge.messages.clip import ClipRequest
from edge.messages.evidence import Viewed
from edge.messages.wire import CommandClaims, Response
from edge.ring.query import RingReader
from edge.ring.timeline import Timeline
from edge.ring.timeline_document import as_document

MOST = 200
"""Entries of each list: an answer is a message."""
MOST_BYTES = 48_000
TIMELINE_MAX_S = 31 * 86_400

Seen = tuple[Viewed, str]
"""What is recorded before the answer, and of which camera."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """messages: what goes out before the answer."""

    response: Response
    messages: tuple[Direct, ...] = ()


class TimelineArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str
    start: str
    end: str


class SnapshotArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    camera: str
    at: str = ""


class ReportArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: str
    camera: str = ""


class Timelines:
    """`check` belongs to the agent's main thread, `do` to that of the errands."""

    def __init__(self, cameras: Collection[str], ring: Callable[[], RingReader]) -> None:
        self._cameras, self._ring = cameras, ring

    def check(self, claims: CommandClaims) -> Seen:
        """Raises Refused: bad_args, no_case, bad_words, unknown_camera, bad_range."""
        args = args_of(claims, TimelineArgs)
        range_of(args.start, args.end, TIMELINE_MAX_S)
        return _seen(claims, self._cameras, args.camera, args.start, args.end)

    def do(self, claims: CommandClaims) -> Outcome:
        args = args_of(claims, TimelineArgs)
        found = self._ring().timeline(args.camera, *range_of(args.start, args.end, TIMELINE_MAX_S))
        return Outcome(Response(id=claims.id, state="done", data=_fitting(found)))


class Snapshots:
    """As above."""

    def __init__(self, org: str, node: str, cameras: Collection[str], ring: Callable[[], RingReader], disk: Disk, clock: Clock) -> None:
        self._org, self._node, self._cameras = org, node, cameras
        self._ring, self._disk, self._clock = ring, disk, clock

    def check(self, claims: CommandClaims) -> Seen:
        """Raises Refused: bad_args, no_case, bad_words, unknown_camera, bad_range."""
        args = args_of(claims, SnapshotArgs)
        at = format_utc(self._at_ns(args))
        return _seen(claims, self._cameras, args.camera, at, at)

    def do(self, claims: CommandClaims) -> Outcome:
        """Raises Refused: no_footage, no_decoder, no_picture; StorageError, IntegrityError."""
        args = args_of(claims, SnapshotArgs)
        at_ns = self._at_ns(args)
        taken = take_snapshot(self._ring(), self._disk, args.camera, at_ns)
        data: dict[str, Any] = {
            "camera": args.camera,
            "utc": format_utc(taken.utc_ns),
            "age_ms": (at_ns - taken.utc_ns) // NS_PER_MS,
            "source_width": taken.source_width,
            "source_height": taken.source_height,
            "bytes": len(taken.jpeg),
            "sha256": hashlib.sha256(taken.jpeg).hexdigest(),
        }
        topic = address(self._org, self._node, SNAPSHOT, args.camera)
        picture = Direct(f"{topic} {claims.id}", topic, taken.jpeg, qos=SNAPSHOT.qos, expiry_s=SNAPSHOT.expiry_s)
        return Outcome(Response(id=claims.id, state="done", data=data), (picture,))

    def _at_ns(self, args: SnapshotArgs) -> int:
        return utc_of(args.at) if args.at else self._clock.read().utc_ns


class Reports:
    """Counts, not pictures: no case is needed, and no view is recorded."""

    def __init__(self, node: str, place: str, cameras: Mapping[str, str], journals: NodeJournals, zone: str, clock: Clock) -> None:
        self._node, self._place, self._cameras = node, place, cameras
        self._journals, self._zone, self._clock = journals, zone, clock

    def check(self, claims: CommandClaims) -> Seen | None:
        """Raises Refused: bad_args, bad_month."""
        self._month(args_of(claims, ReportArgs))
        return None

    def do(self, claims: CommandClaims) -> Outcome:
        args = args_of(claims, ReportArgs)
        asked = (args.camera,) if args.camera else ()
        node = Node(self._node, self._place, "node", self._cameras, asked)
        report = month_report(node, self._month(args), self._journals, self._clock.read().utc_ns)
        if asked and not report.cameras:
            raise Refused("no_records", f"camera {args.camera[:80]!r} has no records in {args.month}")
        short = [msgspec.structs.replace(each, outages=each.outages[-MOST:]) for each in report.cameras]
        document: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(report, cameras=short))
        return Outcome(Response(id=claims.id, state="done", data=document))

    def _month(self, args: ReportArgs) -> Month:
        try:
            return month_of(args.month, ZoneInfo(self._zone))
        except UsageError as error:
            raise Refused("bad_month", str(error), remedy="write 2026-11") from error
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Refused("no_time_zone", f"this node does not know {self._zone}: {error}", remedy="install tzdata") from error


def _fitting(found: Timeline) -> dict[str, Any]:
    """With fewer entries of each list where the reasons of gaps are long."""
    most = MOST
    while len(msgspec.json.encode(document := as_document(found, most))) > MOST_BYTES and most > 1:
        most = most * 3 // 4
    return document


def _seen(claims: CommandClaims, cameras: Collection[str], camera: str, start: str, end: str) -> Seen:
    check_warrant(ClipRequest(id=claims.id, camera=camera, start=start, end=end, operator=claims.operator, case=claims.case))
    known_camera(camera, cameras)
    return Viewed(operator=claims.operator, case=claims.case, what=claims.verb, camera_id=camera, start=start, end=end), camera
