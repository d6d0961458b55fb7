"""What a node must show under a configuration on trial before it is kept: a link to the centre, and every process at work under it."""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import NS_PER_MS, Clock
from edge.config.model import NodeConfig
from edge.errors import StorageError
from edge.health.probe import camera_status
from edge.health.report import SILENT_S
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.config import Trial
from edge.messages.records import Boot, facts_of
from edge.ring.layout import NodeFolders

_LINES = 200


class Proof:
    """The agent's main thread. online: the link is up, its subscriptions in force."""

    def __init__(self, config: NodeConfig, folders: NodeFolders, disk: Disk, clock: Clock, boot: str, online: Callable[[], bool]) -> None:
        self._cameras = [camera.id for camera in config.camera]
        self._folders, self._disk, self._clock, self._boot, self._online = folders, disk, clock, boot, online

    def __call__(self, trial: Trial) -> bool:
        return self._online() and all(self._records(trial, camera) for camera in self._cameras) and self._watches(trial)

    def pids(self) -> dict[str, int]:
        """Of the recorders that run."""
        found = {camera: camera_status(self._folders, camera) for camera in self._cameras}
        return {camera: status.pid for camera, status in found.items() if status is not None and status.boot == self._boot}

    def _records(self, trial: Trial, camera: str) -> bool:
        """Its process writes its status. Not that pictures come: a camera may be away on the day of a change."""
        status = camera_status(self._folders, camera)
        if status is None or status.boot != self._boot or status.state == "stopped":
            return False
        if self._clock.boot_ns() // NS_PER_MS - status.mono_ms > SILENT_S * 1000:
            return False
        return f"recorder:{camera}" not in trial.units or len(trial.boots) > 1 or status.pid != trial.pids.get(camera)

    def _watches(self, trial: Trial) -> bool:
        """Its newest start was under this configuration."""
        if "watcher" not in trial.units:
            return True
        try:
            for number, line in enumerate(JournalReader(self._disk, self._folders.journal("watcher")).back()):
                if line.record.type == "boot" or number > _LINES:
                    return line.record.type == "boot" and facts_of(line.record, Boot).config_sha256 == trial.wanted_sha256
        except StorageError:
            return False
        return False
