"""Journal records: one JSON object a line, chained by SHA-256, at most 32 KiB.

A record's `facts` is one of the structs below; its `type` is that struct's tag word (FACTS maps one to the other).
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from edge.clock import ClockState
from edge.messages import evidence

RECORD_MAX_BYTES = 32 * 1024

GapReason = Literal[
    "power",  # the boot id changed: power cut or reboot
    "crash",  # same boot, the recorder did not stop in order
    "stopped",  # the recorder was stopped in order
    "camera_stalled",  # no packet within the stall limit
    "camera_died",  # the capture worker ended or could not open its source
    "camera_unreachable",  # network camera does not answer
    "time_jump",  # the source's time stamps jumped
    "stream_changed",  # parameter sets changed; the pictures between two streams
    "disk_slow",  # the queue was full: whole GOPs dropped
    "disk_error",  # the disk refused
    "damaged",  # bytes on disk did not check and were left out
    "end_of_file",  # a replayed file ended
    "erased",  # it was recorded and destroyed by a retention decision (in answers; a destruction has its own record)
    "before_first",  # before the camera's first footage on this node (in answers)
    "not_yet",  # it is recorded later, or lies in the future (in answers about a range that reaches so far)
    "unknown",
]
EraseReason = Literal["age", "space", "budget", "decommission"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """seq: from 1, no holes. t: UTC, RFC 3339 ms, as far as `clock` lets one believe it. mono_ms: CLOCK_BOOTTIME.
    prev: SHA-256 hex of the previous line's bytes without its newline; 64 zeros in the first."""

    seq: int
    t: str
    clock: ClockState
    mono_ms: int
    boot: str
    type: str
    camera: str | None = None
    facts: msgspec.Raw
    prev: str


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """A process (writer of this journal) started. ended: how the previous run ended, as far as can be seen. Of recorders - masks_sha256: of
    the privacy masks burnt in, "" for none; masks_in_camera: the camera is said to mask by itself."""

    version: str
    ended: Literal["first", "orderly", "crash", "power"]
    config_sha256: str = ""
    masks_sha256: str = ""
    masks_in_camera: bool = False


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Orderly end of the process that writes this journal."""

    reason: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed segment. name: path below ring/<camera>/. start/end: UTC by the mapping at sealing, None if undated."""

    seq: int
    name: str
    span: str
    """Boot id and recorder start, one per power-up to power-down: "<boot id>/<boot_ns of the recorder's start>"."""
    start: str | None
    end: str | None
    start_mono_ms: int
    duration_ms: int
    frames: int
    fragments: int
    bytes: int
    sha256: str
    params_sha256: str
    times_sha256: str
    clock: ClockState
    clock_error_ms: float | None
    codec: str
    width: int
    height: int
    config_sha256: str = ""
    masks_sha256: str = ""
    """Of the privacy masks burnt in by this node; "" for none."""
    version: str = ""
    clock_source: str = ""
    clock_offset_ms: int | None = None
    """utc - monotonic by the mapping at sealing, None if undated."""
    first_gop: int | None = None
    last_gop: int | None = None
    """Counters of its first and last GOP in the span's signatures; None where nothing is signed or not known (recovered)."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Missing footage. begin: it started and still lasts (`end` fields None); otherwise both ends are known.

    start/end: UTC or None; *_mono_ms are of `boot` (start_boot differs from the record's boot after a power cut)."""

    reason: GapReason
    start: str | None
    end: str | None
    start_mono_ms: int | None
    end_mono_ms: int | None
    start_boot: str
    frames_lost: int | None = None
    after_seq: int | None = None
    """The last segment before the gap."""
    open: bool = False
    text: str = ""


class StreamChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Codec, size or parameter sets changed: a new segment begins."""

    before: str
    after: str
    new_seq: int


class ClockStep(msgspec.Struct, frozen=True, kw_only=True):
    """UTC moved against the monotonic clock, or its state changed. step_ms: new minus old mapping."""

    step_ms: int
    before: ClockState
    after: ClockState
    error_ms: float | None
    source: str


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """Footage of `of_boot` recorded without a trusted clock got its names. offset_ms = utc - monotonic."""

    of_boot: str
    offset_ms: int
    segments: list[int]


class Erase(msgspec.Struct, frozen=True, kw_only=True):
    """A segment was destroyed by a retention decision; range and hash stay so that destruction can be proved."""

    seq: int
    name: str
    start: str | None
    end: str | None
    bytes: int
    sha256: str
    reason: EraseReason
    policy: str
    early: bool = False
    """Before the legal minimum (space pressure): an alarm goes with it."""


class Recover(msgspec.Struct, frozen=True, kw_only=True):
    """An unfinished segment was closed after a crash or a power cut."""

    seq: int
    kept_bytes: int
    cut_bytes: int
    fragments: int
    boot: str


class HoldAdded(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    camera_id: str
    start: str
    end: str
    case: str
    by: str
    review: str | None
    segments: list[int]
    bytes: int


class HoldReleased(msgspec.Struct, frozen=True, kw_only=True):
    """case: reference under which it was released; the hold's own where none was named."""

    id: str
    by: str
    why: str
    case: str = ""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """Motion. Start and end share `id`. state: "start" | "end". Times are UTC with the record's clock quality."""

    id: str
    state: Literal["start", "end"]
    since: str
    until: str | None
    since_mono_ms: int
    until_mono_ms: int | None
    score: float
    zones: list[str] = []
    boxes: list[list[float]] = []
    """[x, y, width, height] in 0..1 of the picture, at the peak."""
    peak: str | None = None
    path: list[float] = []
    """x, y where what went farthest was first seen, x, y where it was last; 0..1 of the picture."""
    passages: int = 1
    """How often something moved again after stillness: more than one where the limit of episodes an hour joined them."""
    mark_from: str | None = None
    mark_until: str | None = None
    """The stretch of footage that shows it, with some time before and after."""


class AlarmRaised(msgspec.Struct, frozen=True, kw_only=True):
    """active: raised (True) or cleared (False). todo: what to do, for a person."""

    code: str
    active: bool
    severity: Literal["info", "warning", "critical"]
    text: str
    todo: str = ""
    value: float | None = None
    threshold: float | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command arrived; what was decided. state as in ClipState, or "refused"."""

    id: str
    verb: str
    operator: str
    case: str
    state: str
    code: str = ""
    text: str = ""


class ClipDone(msgspec.Struct, frozen=True, kw_only=True):
    """The final word on a clip job (done/failed/cancelled). files: of the manifest, ClipFile and then Attachment."""

    id: str
    state: str
    code: str = ""
    text: str = ""
    files: list[dict[str, Any]] = []


Facts = (
    Boot
    | Stop
    | Segment
    | Gap
    | StreamChanged
    | ClockStep
    | Dated
    | Erase
    | Recover
    | HoldAdded
    | HoldReleased
    | Episode
    | AlarmRaised
    | Command
    | ClipDone
    | evidence.EvidenceFacts
)

FACTS: dict[str, type[msgspec.Struct]] = {
    "boot": Boot,
    "stop": Stop,
    "segment": Segment,
    "gap": Gap,
    "stream_changed": StreamChanged,
    "clock_step": ClockStep,
    "dated": Dated,
    "erase": Erase,
    "recover": Recover,
    "hold": HoldAdded,
    "release": HoldReleased,
    "episode": Episode,
    "alarm": AlarmRaised,
    "command": Command,
    "clip": ClipDone,
    **evidence.FACTS,
}
TYPE_OF: dict[type[msgspec.Struct], str] = {shape: word for word, shape in FACTS.items()}

_F = TypeVar("_F", bound=msgspec.Struct)


def facts_of(record: Record, shape: type[_F]) -> _F:
    """Decode a record's facts. Raises msgspec.ValidationError where they do not fit."""
    return msgspec.json.decode(record.facts, type=shape)
