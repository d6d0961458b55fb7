"""What `edge report month --json` and `edge custody --json` print: accounts of a node, built from its journals alone.

All times are RFC 3339 UTC with milliseconds; durations are seconds. Fields are only ever added while `v` stays.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.clock import ClockState

OutageReason = Literal[
    "power",
    "crash",
    "stopped",
    "camera_stalled",
    "camera_died",
    "camera_unreachable",
    "time_jump",
    "stream_changed",
    "disk_slow",
    "disk_error",
    "damaged",
    "end_of_file",
    "erased",
    "before_first",
    "not_yet",
    "unknown",
    "not_reported",
]
"""A gap's reason (records.GapReason), or not_reported: the journal ends before, and nobody knows yet."""


Source = Literal["node", "centre"]
Begins = Literal["month", "first_record", "journal"]
Ends = Literal["month", "now", "newest_footage", "removed"]


class ChainState(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one journal. whole: each line continues the one before it. head_sha256: hash of the last line that was read; compare
    it with a signed checkpoint, or with the same line elsewhere. lives: how often the journal began anew within what was read (a card was
    changed). faults: in words, the first few."""

    journal: str
    lines: int
    first_seq: int
    last_seq: int
    head_sha256: str
    whole: bool
    lives: int = 1
    faults: list[str] = []


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """Time without footage. planned: the recorder was stopped in order, or had not begun. open: it was not over when the report was made.
    cut_start, cut_end: it reaches beyond the counted time."""

    start: str
    end: str
    seconds: float
    reason: OutageReason
    planned: bool
    open: bool = False
    cut_start: bool = False
    cut_end: bool = False
    text: str = ""


class DayCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the node's time zone. length_s: 82,800 or 90,000 where clocks change. counted_s: of it, what the camera answers for."""

    date: str
    length_s: float
    counted_s: float
    recorded_s: float


class Restarts(msgspec.Struct, frozen=True, kw_only=True):
    """How the recorder's earlier runs had ended, by the Boot records of the month."""

    orderly: int = 0
    crash: int = 0
    power: int = 0
    first: int = 0


class ClipCounts(msgspec.Struct, frozen=True, kw_only=True):
    """asked: commands of the centre, refused ones included. delivered: clips the centre confirmed. exported: files that
    people took from the node itself, by its command line or over HTTPS."""

    asked: int = 0
    delivered: int = 0
    failed: int = 0
    refused: int = 0
    exported: int = 0


class CameraMonth(msgspec.Struct, frozen=True, kw_only=True):
    """counted_from, counted_to: what the camera answers for. begins: why from there: the month does, or the camera's first record, or the
    journal that is left. ends: why to there: the month does, now, the newest sealed footage (a month in progress), or the camera was
    removed. recorded_s + planned_s + unplanned_s = the counted time. availability_percent: recorded of counted.

    erased, erased_early: segments destroyed in this month, and of them before the legal minimum. undated_s: recorded while the clock was
    not trusted (dated later, and counted). undated_left: segments of this time that no clock has dated: they count nowhere.
    unsigned_stretches, unsigned_gops: footage without signatures, as recorded."""

    camera: str
    name: str = ""
    counted_from: str
    counted_to: str
    begins: Begins
    ends: Ends
    counted_s: float
    recorded_s: float
    planned_s: float
    unplanned_s: float
    availability_percent: float
    outages: list[Outage]
    days: list[DayCoverage]
    restarts: Restarts
    clips: ClipCounts
    holds: int = 0
    releases: int = 0
    erased: int = 0
    erased_early: int = 0
    undated_s: float = 0.0
    undated_left: int = 0
    unsigned_stretches: int = 0
    unsigned_gops: int = 0


class MonthReport(msgspec.Struct, frozen=True, kw_only=True):
    """month: "2026-11", in `timezone`. in_progress: it was not over when the report was made. source: the node's own journals, or the copy
    the centre has. other_clips: requests that name no camera of the node (refused before they were understood)."""

    v: int = 1
    node: str
    place: str = ""
    timezone: str
    month: str
    start: str
    end: str
    made: str
    in_progress: bool
    source: Source
    version: str
    cameras: list[CameraMonth]
    other_clips: ClipCounts
    journals: list[ChainState]


class TownRow(msgspec.Struct, frozen=True, kw_only=True):
    """One camera of one node. unreported_s: of unplanned_s, what the node has not told yet. chain_whole: of its recorder's journal."""

    node: str
    camera: str
    availability_percent: float
    counted_s: float
    unplanned_s: float
    planned_s: float
    unreported_s: float
    outages: int
    longest_s: float
    longest_reason: OutageReason | None
    clips: ClipCounts
    erased_early: int
    chain_whole: bool


class TownMonth(msgspec.Struct, frozen=True, kw_only=True):
    """All cameras the centre has journals of. `edge centre report month --json`; the outages are in the nodes' own reports."""

    v: int = 1
    timezone: str
    month: str
    made: str
    in_progress: bool
    version: str
    rows: list[TownRow]


CustodyKind = Literal["view", "export", "hold", "release", "erase", "command", "clip", "decommission"]


class CustodyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looked at footage, took it, locked or freed it, asked for it or was refused; or it was destroyed (one entry for a run of
    erasures of one camera, reason and day).

    t, clock: of the record. local: t in the node's time zone. who, case, recipient: as stated, "" where the record has none. start, end: of
    the footage. sha256: of the journal line (of the last one of a run). count: records in a run."""

    t: str
    local: str
    clock: ClockState
    journal: str
    seq: int
    sha256: str
    kind: CustodyKind
    camera: str = ""
    who: str = ""
    case: str = ""
    recipient: str = ""
    start: str = ""
    end: str = ""
    id: str = ""
    state: str = ""
    text: str = ""
    count: int = 1


class CustodyLog(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    node: str
    place: str = ""
    timezone: str
    start: str
    end: str
    made: str
    source: Source
    version: str
    entries: list[CustodyEntry]
    journals: list[ChainState]
