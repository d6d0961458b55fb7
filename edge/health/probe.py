"""Looks at the node: status files, ring, host. Each read is bounded; what cannot be read is None."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.clock import Clock, Reading
from edge.config.model import Camera, NodeConfig
from edge.errors import StorageError
from edge.host import board, identity, power, storage, thermal
from edge.host.disk import Disk
from edge.host.sysfs import read_text
from edge.messages.status import CameraStatus, WatchStatus
from edge.ring.horizon import CameraUse
from edge.ring.layout import NodeFolders
from edge.ring.measure import Measures
from edge.ring.names import RingFolder

log = logging.getLogger(__name__)

_S = TypeVar("_S", CameraStatus, WatchStatus)


@dataclass(frozen=True, slots=True)
class CameraProbe:
    """status: as last written by the recorder. oldest_utc_ms: start of the oldest dated sealed segment. use: what its ring is measured
    by."""

    status: CameraStatus | None = None
    oldest_utc_ms: int | None = None
    use: CameraUse | None = None
    watch: WatchStatus | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    reading: Reading
    boot: str
    cameras: dict[str, CameraProbe]
    partition: storage.Partition | None = None
    wear: list[storage.Wear] = field(default_factory=list)
    cpu_temp_c: float | None = None
    temperatures_c: dict[str, float] = field(default_factory=dict)
    supply: power.Supply = field(default_factory=power.Supply)
    board: board.Board = field(default_factory=lambda: board.Board(None, "", "", 0, None))
    serial: str | None = None
    uptime_s: float | None = None
    memory_available_bytes: int | None = None
    load_1min: float | None = None
    custody_refused: bool = False
    """What a person did on this node could not be recorded, and was not allowed."""


def probe(
    config: NodeConfig, folders: NodeFolders, disk: Disk, clock: Clock, root: Path = Path("/"), measures: Measures | None = None
) -> Probe:
    """One look at everything. `root`: where /sys and /proc are. measures: kept from look to look. Takes milliseconds; up to 2 s where
    vcgencmd must be asked."""
    measures = measures or Measures(disk, folders, clock)
    return Probe(
        reading=clock.read(),
        boot=identity.boot_id(),
        cameras={camera.id: _camera(folders, disk, camera, measures) for camera in config.camera},
        partition=storage.partition(folders.data),
        wear=storage.wear(root),
        cpu_temp_c=thermal.cpu_temp_c(root),
        temperatures_c=thermal.temperatures_c(root),
        supply=power.supply(root, ask_firmware=root == Path("/")),
        board=board.board(root),
        serial=identity.serial(root),
        uptime_s=board.uptime_s(root),
        memory_available_bytes=board.memory_bytes(root).get("MemAvailable"),
        load_1min=board.load_1min(root),
        custody_refused=folders.custody_refused.exists(),
    )


def camera_status(folders: NodeFolders, camera: str) -> CameraStatus | None:
    """The recorder's status file; None where missing or not whole."""
    return _status(folders, camera, "status.json", CameraStatus)


def _status(folders: NodeFolders, camera: str, name: str, kind: type[_S]) -> _S | None:
    text = read_text(folders.run(camera) / name)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        log.warning("%s: %s does not read: %s", camera, name, error)
        return None


def _camera(folders: NodeFolders, disk: Disk, camera: Camera, measures: Measures) -> CameraProbe:
    oldest_ms = _oldest_utc_ms(RingFolder(disk, folders.ring(camera.id)))
    watch = _status(folders, camera.id, "watch.json", WatchStatus)
    return CameraProbe(camera_status(folders, camera.id), oldest_ms, measures.use(camera.id, camera.bitrate_kbps), watch)


def _oldest_utc_ms(ring: RingFolder) -> int | None:
    """Two folders are listed at most, as a rule: that of the rings and the oldest day."""
    try:
        for day in ring.days():
            for name in ring.day(day):
                return name.start_utc_ms
    except StorageError as error:
        log.warning("oldest footage unknown: %s", error)
    return None
