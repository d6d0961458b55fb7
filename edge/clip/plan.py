"""From a clip request to a plan: asks the ring which footage there is, and leaves the arranging to edge/clip/arrange.py."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from edge.bmff.index import SegmentIndex
from edge.clip.arrange import arrange
from edge.clip.cuts import Footage, Lost
from edge.clip.holes import Missing
from edge.clip.shape import Plan
from edge.clock import NS_PER_S, parse_utc
from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.messages.clip import ClipRequest

_LOG = logging.getLogger(__name__)
CLOSING_NS = 30 * NS_PER_S
"""How far behind the asked end the segment with the closing access unit may begin: longer than any GOP."""
LATEST_UTC_NS = parse_utc("2200-01-01T00:00:00Z")
_TRIES = 3


class Name(Protocol):
    @property
    def start_utc_ms(self) -> int | None: ...


class Ref(Protocol):
    """A segment in time, as ring.query.SegmentRef is. name: None while it is open."""

    @property
    def seq(self) -> int: ...

    @property
    def path(self) -> Path: ...

    @property
    def name(self) -> Name | None: ...

    @property
    def start_utc_ns(self) -> int: ...


R = TypeVar("R", bound=Ref)


class Ring(Protocol[R]):
    """What planning needs of ring.query.RingReader."""

    def segments(self, camera: str, start_ns: int, end_ns: int) -> Sequence[R]:
        """Those that overlap [start, end) UTC, in time order, the open one too."""

    def index(self, ref: R) -> SegmentIndex:
        """NotFound when the segment was sealed, dated or erased meanwhile."""


MissingOf = Callable[[int, int], Sequence[Missing]]
"""From [start, end) UTC nanoseconds to what is known to be missing there."""


def plan_clip(
    ring: Ring[R], request: ClipRequest, *, missing: MissingOf = lambda start_ns, end_ns: (), lost: Collection[Lost] = ()
) -> Plan:
    """missing: reasons for gaps, from the ring's timeline. lost: fragments to leave out.

    A segment that cannot be read is left out, as a gap. Raises Refused("bad_range") where start and end make no range, StorageError.
    """
    start_ns, end_ns = asked_range(request)
    footage = _footage(ring, request.camera, start_ns, end_ns + CLOSING_NS)
    return arrange(request.camera, start_ns, end_ns, footage, lost, missing(start_ns, end_ns))


def asked_range(request: ClipRequest) -> tuple[int, int]:
    """[start, end) in UTC nanoseconds. Raises Refused("bad_range")."""
    try:
        start_ns, end_ns = parse_utc(request.start), parse_utc(request.end)
    except (ValueError, OverflowError) as error:
        remedy = "give both as RFC 3339 with an offset, e.g. 2026-11-22T13:05:00Z"
        raise Refused("bad_range", f"{request.start[:80]!r} to {request.end[:80]!r} is no range: {error}", remedy=remedy) from error
    if not 0 <= start_ns < end_ns <= LATEST_UTC_NS:
        raise Refused("bad_range", f"{request.start} to {request.end} is no range of time between 1970 and 2200")
    return start_ns, end_ns


def _footage(ring: Ring[R], camera: str, start_ns: int, end_ns: int) -> list[Footage]:
    """A segment that moves while we look (sealed, dated, erased) makes us look again."""
    for _ in range(_TRIES - 1):
        try:
            return _look(ring, camera, start_ns, end_ns)
        except NotFound as error:
            _LOG.info("planning a clip of %s again: %s", camera, error)
    return _look(ring, camera, start_ns, end_ns)


def _look(ring: Ring[R], camera: str, start_ns: int, end_ns: int) -> list[Footage]:
    found: list[Footage] = []
    for ref in ring.segments(camera, start_ns, end_ns):
        try:
            index = ring.index(ref)
        except NotFound:
            raise
        except (StorageError, IntegrityError) as error:
            _LOG.error("segment %d (%s) cannot be used for a clip: %s", ref.seq, ref.path, error)
            continue
        dated = ref.name is not None and ref.name.start_utc_ms is not None
        found.append(Footage(ref.seq, str(ref.path), ref.start_utc_ns, dated, index))
    return found
