"""One picture of a camera out of its ring: the newest key frame, or the one on display at a given time. Recording does not notice.

The picture is decoded in a process of its own, and small enough for a message. What the sensor sees beyond the ring is not shown: a
picture is at most one GOP and one segment write old while the camera records.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from edge.bmff.index import SegmentIndex
from edge.capture.stills import Coded
from edge.clip.cuts import Cut, Footage, cuts_of
from edge.clip.sheet import NoDecoder, decoded, first_picture
from edge.clip.source import DiskFile, Segment
from edge.clock import NS_PER_S
from edge.errors import NotFound, Refused
from edge.host.disk import Disk
from edge.ring.query import SegmentRef

WIDTH = 1920
"""Pixels; less where the JPEG would not fit a message of 64 kB."""
BACK_NS = 300 * NS_PER_S
"""An older picture does not answer what there is to see at a time."""
_TRIES = 3


class Ring(Protocol):
    """What it needs of ring.query.RingReader."""

    def segments(self, camera: str, start_ns: int, end_ns: int) -> Sequence[SegmentRef]: ...

    def index(self, ref: SegmentRef) -> SegmentIndex: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """utc_ns: when it was taken. source: pixels of the stream it comes from."""

    utc_ns: int
    jpeg: bytes
    source_width: int
    source_height: int


def take_snapshot(ring: Ring, disk: Disk, camera: str, at_ns: int, width: int = WIDTH) -> Snapshot:
    """The last key frame that began at or before `at_ns` UTC. Raises Refused: no_footage (none within the five minutes before), no_decoder,
    no_picture (it does not decode); StorageError, IntegrityError."""
    cut, coded = coded_at(ring, disk, camera, at_ns)
    try:
        (jpeg,) = decoded([coded], width=width) or [b""]
    except NoDecoder:
        raise Refused("no_decoder", "this node cannot decode pictures", remedy="install PyAV (the package av)") from None
    if not jpeg:
        raise Refused("no_picture", "the picture does not decode")
    index = cut.footage.index
    return Snapshot(cut.start_utc_ns, jpeg, index.width, index.height)


def coded_at(ring: Ring, disk: Disk, camera: str, at_ns: int) -> tuple[Cut, Coded]:
    """The key frame that a snapshot shows, not decoded yet. Raises as above."""
    for _ in range(_TRIES - 1):
        with suppress(NotFound):  # sealed, renamed or erased while it was looked at
            return _coded(ring, disk, camera, at_ns)
    return _coded(ring, disk, camera, at_ns)


def _coded(ring: Ring, disk: Disk, camera: str, at_ns: int) -> tuple[Cut, Coded]:
    for ref in reversed(ring.segments(camera, at_ns - BACK_NS, at_ns + 1)):
        index = ring.index(ref)
        footage = Footage(ref.seq, str(ref.path), ref.start_utc_ns, not ref.undated, index)
        for cut in reversed(list(cuts_of(footage))):
            if cut.entry.key and at_ns - BACK_NS < cut.start_utc_ns <= at_ns:
                coded = first_picture(cut, Segment(ref.seq, DiskFile(disk, ref.path), index))
                if coded is not None:
                    return cut, coded
    raise Refused("no_footage", f"camera {camera} has no picture of the last {BACK_NS // NS_PER_S} s before that time")
