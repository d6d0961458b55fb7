"""One probe -> one health document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from edge import __version__
from edge.clock import NS_PER_MS, Reading, format_utc
from edge.config.model import Camera, NodeConfig
from edge.health.probe import CameraProbe, Probe
from edge.messages.health import (
    CameraHealth,
    CameraState,
    ClockHealth,
    HealthDocument,
    HeatHealth,
    LinkHealth,
    PowerHealth,
    SoftwareHealth,
    StorageHealth,
)
from edge.ring.horizon import CameraUse, Horizon, Room, configured_bytes_per_day, horizons
from edge.ring.layout import recorder_journal

SILENT_S = 10.0
WATCH_MS = 30_000
"""The watcher tells every ten seconds."""
_DAY_MS = 86_400_000
_RAW_SOURCES = ("synthetic:", "v4l2:", "picamera:", "jetson:")


def health_document(
    config: NodeConfig,
    probe: Probe,
    *,
    link: LinkHealth | None = None,
    config_sha256: str = "",
    alarms: Sequence[str] = (),
    agent_refused: bool = False,
) -> HealthDocument:
    """What goes out on topic `health`. `alarms`: codes now active (alarms.Alarms.active). agent_refused: the agent's own journal takes
    nothing."""
    now = probe.reading
    cameras = [_camera(camera, probe.cameras.get(camera.id, CameraProbe()), now, probe.boot) for camera in config.camera]
    reach = _horizons(config, probe, cameras)
    if reach:
        cameras = [_with_horizon(*pair) for pair in zip(cameras, reach, strict=True)]
    return HealthDocument(
        node=config.node.id,
        t=format_utc(now.utc_ns),
        boot=probe.boot,
        mono_ms=now.boot_ns // NS_PER_MS,
        cameras=cameras,
        storage=msgspec.structs.replace(_storage(config, probe, cameras, reach), journals_refused=_refused(probe, agent_refused)),
        heat=HeatHealth(cpu_temp_c=probe.cpu_temp_c, temperatures_c=probe.temperatures_c),
        power=PowerHealth(
            under_voltage=probe.supply.under_voltage,
            throttled=probe.supply.throttled,
            under_voltage_since_boot=probe.supply.under_voltage_since_boot,
            throttled_since_boot=probe.supply.throttled_since_boot,
            power_w=probe.supply.power_w,
        ),
        clock=ClockHealth(state=now.state, error_ms=now.error_ms, source=now.source),
        link=link,
        software=SoftwareHealth(
            version=__version__,
            boot=probe.boot,
            uptime_s=probe.uptime_s,
            config_sha256=config_sha256,
            board=probe.board.model,
            kernel=probe.board.kernel,
            serial=probe.serial,
            memory_total_bytes=probe.board.memory_bytes,
            memory_available_bytes=probe.memory_available_bytes,
            load_1min=probe.load_1min,
        ),
        alarms=sorted(alarms),
    )


def _camera(camera: Camera, seen: CameraProbe, now: Reading, boot: str) -> CameraHealth:
    now_ms = now.boot_ns // NS_PER_MS
    target_fps = camera.fps if camera.source.startswith(_RAW_SOURCES) else None
    oldest = None if seen.oldest_utc_ms is None else format_utc(seen.oldest_utc_ms * NS_PER_MS)
    kept_days = _kept_days(seen.oldest_utc_ms, now)
    status = seen.status
    if status is None or status.boot != boot:
        return CameraHealth(camera=camera.id, state="silent", target_fps=target_fps, oldest_footage=oldest, kept_days=kept_days)
    age_s = max(0, now_ms - status.mono_ms) / 1000
    fragment_ms = status.last_fragment_mono_ms
    state: CameraState = "silent" if age_s > SILENT_S else status.state
    fresh = state != "silent"
    watch = seen.watch if seen.watch is not None and seen.watch.boot == boot and now_ms - seen.watch.mono_ms <= WATCH_MS else None
    return CameraHealth(
        camera=camera.id,
        state=state,
        source_name=status.source_name,
        width=status.width,
        height=status.height,
        fps=status.fps if fresh else None,
        target_fps=target_fps,
        bitrate_kbps=status.bitrate_kbps if fresh else None,
        status_age_s=age_s,
        last_fragment_age_s=None if fragment_ms is None else max(0, now_ms - fragment_ms) / 1000,
        gops_dropped=status.gops_dropped,
        worker_restarts=status.worker_restarts,
        write_ms_p99=status.write_ms_p99,
        oldest_footage=oldest,
        kept_days=kept_days,
        fault=status.fault,
        offered_fps=watch.offered_fps if watch else None,
        looked_fps=watch.looked_fps if watch else None,
    )


def _kept_days(oldest_utc_ms: int | None, now: Reading) -> float | None:
    """Unknown while the clock is: an age by an untrusted clock would be invented."""
    if oldest_utc_ms is None or not now.dated:
        return None
    return round(max(0, now.utc_ns // NS_PER_MS - oldest_utc_ms) / _DAY_MS, 3)


def _storage(config: NodeConfig, probe: Probe, cameras: list[CameraHealth], reach: list[Horizon]) -> StorageHealth:
    ages = [camera.kept_days for camera in cameras if camera.kept_days is not None]
    starts = [camera.oldest_footage for camera in cameras if camera.oldest_footage is not None]
    worn = max(probe.wear, key=lambda wear: wear.used_percent or 0, default=None)
    partition = probe.partition
    return StorageHealth(
        total_bytes=partition.total_bytes if partition else None,
        free_bytes=partition.free_bytes if partition else None,
        reserve_bytes=reserve_bytes(config, partition.total_bytes) if partition else None,
        read_only=partition.read_only if partition else None,
        kept_days=min(ages, default=None),
        oldest_footage=min(starts, default=None),
        forecast_days=min((round(each.forecast_days, 2) for each in reach), default=None),
        fits_days=min((round(each.fits_days, 2) for each in reach), default=None),
        retention_days=config.retention.days,
        minimum_days=config.retention.minimum_days,
        wear_used_percent=worn.used_percent if worn else None,
        wear_near_end=worn.near_end if worn else None,
    )


def _refused(probe: Probe, agent_refused: bool) -> dict[str, bool]:
    """A recorder that is silent does not say."""
    found = {recorder_journal(camera): seen.status.journal_backlog > 0 for camera, seen in probe.cameras.items() if seen.status is not None}
    return found | {"local": probe.custody_refused, "agent": agent_refused}


def reserve_bytes(config: NodeConfig, total_bytes: int) -> int:
    """[ring] reserve_bytes; 0 means 2 percent of the partition, at least 64 MB."""
    return config.ring.reserve_bytes or max(64_000_000, total_bytes // 50)


def _horizons(config: NodeConfig, probe: Probe, cameras: list[CameraHealth]) -> list[Horizon]:
    """Of each camera, in their order; none where the partition does not answer."""
    if probe.partition is None:
        return []
    uses = [_use(camera, probe.cameras.get(camera.id, CameraProbe()), seen) for camera, seen in zip(config.camera, cameras, strict=True)]
    room = Room(probe.partition.free_bytes, reserve_bytes(config, probe.partition.total_bytes), config.ring.budget_bytes)
    now_ms = probe.reading.utc_ns // NS_PER_MS if probe.reading.dated else None
    return horizons(uses, room, config.retention.days, now_ms)


def _use(camera: Camera, probe: CameraProbe, seen: CameraHealth) -> CameraUse:
    """At the rate of the last day, else at that of this minute, else as configured."""
    use = probe.use or CameraUse(camera.id, 0.0, measured=False, oldest_ms=probe.oldest_utc_ms)
    return use if use.measured else replace(use, bytes_per_day=configured_bytes_per_day(seen.bitrate_kbps or camera.bitrate_kbps))


def _with_horizon(camera: CameraHealth, horizon: Horizon) -> CameraHealth:
    return msgspec.structs.replace(
        camera,
        forecast_days=round(horizon.forecast_days, 2),
        next_erasure=None if horizon.next_ms is None else format_utc(horizon.next_ms * NS_PER_MS),
        next_erasure_reason=horizon.next_reason,
    )
