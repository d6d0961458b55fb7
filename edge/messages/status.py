"""Volatile status files under the run folder; health is made from them."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.clock import ClockState


class CameraStatus(msgspec.Struct, frozen=True, kw_only=True):
    """<run>/<camera>/status.json, replaced about once a second by the recorder. null where unknown, never 0 for unknown."""

    camera: str
    state: Literal["starting", "recording", "stalled", "failed", "stopped"]
    t: str
    clock: ClockState
    mono_ms: int
    boot: str
    pid: int
    worker_pid: int | None = None
    source_name: str = ""
    codec: str = ""
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_kbps: float | None = None
    segment_seq: int | None = None
    last_fragment_mono_ms: int | None = None
    fragments: int = 0
    frames: int = 0
    bytes_written: int = 0
    gops_dropped: int = 0
    worker_restarts: int = 0
    write_ms_p99: float | None = None
    journal_backlog: int = 0
    fault: str = ""


class WatchStatus(msgspec.Struct, frozen=True, kw_only=True):
    """<run>/<camera>/watch.json, replaced every ten seconds by the watcher. offered_fps: pictures a second in the luma window; looked_fps:
    of those looked at; every: of how many it means to look at one. cpu_percent: of one core, the whole watcher."""

    camera: str
    mono_ms: int
    boot: str
    offered_fps: float
    looked_fps: float
    every: int
    cpu_percent: float
