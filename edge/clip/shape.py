"""What a plan holds: stored as plan.json beside a job's pinned footage."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.errors import IntegrityError
from edge.messages.clip import GapSpan


class PlanSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment the plan needs. path: where it lay when the plan was made. start_utc_ns: of its first picture. dated: its name says so."""

    seq: int
    path: str
    start_utc_ns: int
    dated: bool


class FragmentRange(msgspec.Struct, frozen=True, kw_only=True):
    """Fragments `first` to `last` (inclusive) of segment `seq`, by the numbers they are stamped with."""

    seq: int
    first: int
    last: int


class PlanPart(msgspec.Struct, frozen=True, kw_only=True):
    """One file to be: one span, one parameter set, no hole.

    span: boot id and boot_ns of the first picture, "<boot id>/<boot_ns>". closing: the fragment whose first sample is the access unit
    behind the last GOP. edit_*: what players show, in ticks of 1/90,000 s from the first picture: from the picture on display at the
    asked start to the end of the file. asked_*: the part of the request it answers; delivered_*: its first and last picture. frames:
    samples in the file. clock: the least trusted state its fragments were written with; "dated" where that was "untrusted" and the time
    was found later.
    """

    span: str
    codec: str
    width: int
    height: int
    params_sha256: str
    fragments: list[FragmentRange]
    closing: FragmentRange | None
    edit_start_ticks: int
    edit_duration_ticks: int
    asked_start_utc_ns: int
    asked_end_utc_ns: int
    delivered_start_utc_ns: int
    delivered_end_utc_ns: int
    frames: int
    clock: str

    def segments(self) -> list[int]:
        """Sequence numbers, in order, of all whose bytes are in the file."""
        return list(dict.fromkeys(each.seq for each in (*self.fragments, *([self.closing] if self.closing else []))))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """camera, start_utc_ns, end_utc_ns: as asked. segments: all that must be kept for the plan to be carried out. gaps: what of the asked
    range no part covers."""

    camera: str
    start_utc_ns: int
    end_utc_ns: int
    segments: list[PlanSegment]
    parts: list[PlanPart]
    gaps: list[GapSpan]

    def files(self) -> dict[int, Path]:
        """Sequence number -> where the segment lay, of all that must be kept."""
        return {each.seq: Path(each.path) for each in self.segments}

    def encode(self) -> bytes:
        """JSON."""
        return msgspec.json.encode(self)


def decode_plan(data: bytes) -> Plan:
    """Raises IntegrityError where the bytes are no plan."""
    try:
        return msgspec.json.decode(data, type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"a stored clip plan is damaged: {error}") from error
