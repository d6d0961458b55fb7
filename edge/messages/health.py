"""The health document: topic `health`, retained, one a node. Names by meaning and unit; null where unknown, never 0 for unknown."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.clock import ClockState

CameraState = Literal["starting", "recording", "stalled", "failed", "stopped", "silent"]


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """state: the recorder's own word; silent: its status file is missing, of another boot, or older than 10 s. target_fps: what the
    configuration asks of a raw source, null for streams that come ready-made. Counters since the recorder started."""

    camera: str
    state: CameraState
    source_name: str = ""
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    target_fps: float | None = None
    bitrate_kbps: float | None = None
    status_age_s: float | None = None
    last_fragment_age_s: float | None = None
    gops_dropped: int | None = None
    worker_restarts: int | None = None
    write_ms_p99: float | None = None
    oldest_footage: str | None = None
    """UTC start of the oldest dated segment that is still there."""
    kept_days: float | None = None
    forecast_days: float | None = None
    """How old its un-held footage will get before room runs out, at the rate of the last day, at most retention_days."""
    next_erasure: str | None = None
    """UTC at which its oldest un-held footage will be erased, as things look now."""
    next_erasure_reason: str | None = None
    """"age", "space" or "budget"."""
    fault: str = ""
    offered_fps: float | None = None
    looked_fps: float | None = None
    """Pictures a second that the watcher could look at, and did: fewer where CPU is short."""


class StorageHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The data partition. free_bytes: for the product, before the reserve. forecast_days: how old footage will get before space runs
    out, at the measured bitrates, at most retention_days; of the camera that is worst off. fits_days: the same without that bound. wear_*:
    eMMC only, of the device most used."""

    total_bytes: int | None = None
    free_bytes: int | None = None
    reserve_bytes: int | None = None
    read_only: bool | None = None
    kept_days: float | None = None
    oldest_footage: str | None = None
    forecast_days: float | None = None
    fits_days: float | None = None
    retention_days: float
    minimum_days: float
    wear_used_percent: int | None = None
    wear_near_end: bool | None = None
    journals_refused: dict[str, bool] = {}
    """Journal -> whether its newest records cannot be written: "recorder.<camera>", "local" (what people do here), "agent"."""


class HeatHealth(msgspec.Struct, frozen=True, kw_only=True):
    cpu_temp_c: float | None = None
    temperatures_c: dict[str, float] = {}


class PowerHealth(msgspec.Struct, frozen=True, kw_only=True):
    under_voltage: bool | None = None
    throttled: bool | None = None
    under_voltage_since_boot: bool | None = None
    throttled_since_boot: bool | None = None
    power_w: float | None = None


class ClockHealth(msgspec.Struct, frozen=True, kw_only=True):
    """error_ms: bound of the UTC error, null while untrusted or assumed."""

    state: ClockState
    error_ms: float | None = None
    source: str = ""


class LinkHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Filled by the agent. unsent_records: journal records not yet confirmed by the centre."""

    connected: bool
    session: int | None = None
    connects: int | None = None
    last_confirmed_age_s: float | None = None
    unsent_records: int | None = None
    oldest_unsent_s: float | None = None
    interface: str | None = None
    carrier: bool | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None


class SoftwareHealth(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    boot: str
    uptime_s: float | None = None
    config_sha256: str = ""
    board: str | None = None
    kernel: str = ""
    serial: str | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    load_1min: float | None = None


class HealthDocument(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    node: str
    t: str
    boot: str
    mono_ms: int
    cameras: list[CameraHealth]
    storage: StorageHealth
    heat: HeatHealth
    power: PowerHealth
    clock: ClockHealth
    link: LinkHealth | None = None
    software: SoftwareHealth
    alarms: list[str] = []
    """Codes of the alarms that are active."""
