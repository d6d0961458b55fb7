"""How the node keeps the law of retention now: rule, reach and forecast of each camera, holds, what went early, what is suspended."""

from __future__ import annotations

from dataclasses import dataclass

from edge.clock import NS_PER_MS, NS_PER_S, Clock, format_utc
from edge.config.legal import PROFILES
from edge.config.model import NodeConfig
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.hold import Hold
from edge.messages.records import AlarmRaised, Erase, facts_of
from edge.ring.alarms import SUSPENDED
from edge.ring.hold import Holds
from edge.ring.horizon import Horizon, Room, horizons
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.measure import Measures
from edge.ring.names import RingFolder
from edge.ring.retain import policy_of

EARLY_DAYS = 30
"""Early erasures are counted over so long."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """horizon: None for a camera that is configured no more: it has footage and no rate. oldest_utc_ms: of all its dated footage, held or
    not. early: segments erased before the legal minimum in the last EARLY_DAYS. suspended: why nothing is erased by age now, "" if it
    is."""

    camera: str
    horizon: Horizon | None
    oldest_utc_ms: int | None
    undated: int
    early: int
    suspended: str
    holds: list[Hold]


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """bounds: the profile's, in days. now_utc_ns, dated: the clock that all of it rests on. late: ids of holds past their review date."""

    profile: str
    basis: str
    bounds: tuple[float, float]
    days: float
    minimum_days: float
    now_utc_ns: int
    dated: bool
    total_bytes: int
    free_bytes: int
    reserve_bytes: int
    held_bytes: int
    quota_bytes: int
    late: list[str]
    cameras: list[CameraReport]


def retention_report(
    config: NodeConfig, disk: Disk, folders: NodeFolders, clock: Clock, holds: Holds, cameras: list[str]
) -> RetentionReport:
    """cameras: those to report, configured or not. Reads a month of each recorder's journal. Raises StorageError."""
    now, space = clock.read(), disk.space(folders.data)
    reserve_bytes, measures = policy_of(config).reserve_of(space.total_bytes), Measures(disk, folders, clock)
    uses = [measures.use(camera.id, camera.bitrate_kbps) for camera in config.camera]
    room = Room(space.free_bytes, reserve_bytes, config.ring.budget_bytes)
    now_ms = now.utc_ns // NS_PER_MS if now.dated else None
    reach = {each.camera: each for each in horizons(uses, room, config.retention.days, now_ms)}
    bounds = PROFILES[config.retention.profile]
    return RetentionReport(
        profile=config.retention.profile,
        basis=config.retention.basis,
        bounds=(bounds.minimum_days, bounds.maximum_days),
        days=config.retention.days,
        minimum_days=config.retention.minimum_days,
        now_utc_ns=now.utc_ns,
        dated=now.dated,
        total_bytes=space.total_bytes,
        free_bytes=space.free_bytes,
        reserve_bytes=reserve_bytes,
        held_bytes=holds.held_bytes(),
        quota_bytes=holds.quota_bytes(),
        late=[hold.id for hold in holds.past_review()],
        cameras=[_camera(disk, folders, camera, reach.get(camera), holds.holds(), now.utc_ns) for camera in cameras],
    )


def _camera(disk: Disk, folders: NodeFolders, camera: str, horizon: Horizon | None, holds: list[Hold], now_ns: int) -> CameraReport:
    folder = RingFolder(disk, folders.ring(camera))
    oldest = next(folder.dated(), None)
    early, suspended = _journal(JournalReader(disk, folders.journal(recorder_journal(camera))), camera, now_ns)
    return CameraReport(
        camera=camera,
        horizon=horizon,
        oldest_utc_ms=None if oldest is None else oldest.start_utc_ms,
        undated=len(folder.undated()),
        early=early,
        suspended=suspended,
        holds=[hold for hold in holds if hold.camera == camera],
    )


def _journal(journal: JournalReader, camera: str, now_ns: int) -> tuple[int, str]:
    early, suspended = 0, ""
    for line in journal.since(format_utc(max(0, now_ns - EARLY_DAYS * 86_400 * NS_PER_S))):
        if line.record.type == "erase":
            early += facts_of(line.record, Erase).early
        elif line.record.type == "alarm":
            alarm = facts_of(line.record, AlarmRaised)
            if alarm.code == f"{SUSPENDED.kind}.{camera}":
                suspended = alarm.text if alarm.active else ""
    return early, suspended
