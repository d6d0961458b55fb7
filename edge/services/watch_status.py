"""<run>/<camera>/watch.json of each camera: how much of what it shows is looked at. On a memory file system: no sync."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, Clock
from edge.messages.status import WatchStatus
from edge.ring.layout import NodeFolders
from edge.watch.budget import Budget
from edge.watch.camera import CameraWatch

log = logging.getLogger(__name__)


class WatchPace:
    """Keeps the watcher within its CPU, and says how. One thread."""

    def __init__(self, folders: NodeFolders, clock: Clock, boot: str, percent: float) -> None:
        self._folders, self._clock, self._boot = folders, clock, boot
        self._budget = Budget(percent)
        self._before: dict[str, tuple[int, int]] = {}
        self._before_ns = clock.boot_ns()
        self._refused = False

    def turn(self, cameras: Sequence[CameraWatch]) -> None:
        now_ns = self._clock.boot_ns()
        every = self._budget.every
        if not self._budget.spent(time.process_time(), now_ns / NS_PER_S):
            return
        if self._budget.every != every:
            which = {1: "every", 2: "every second", 4: "every fourth"}[self._budget.every]
            log.warning("watching took %.0f %% of a core: %s picture is looked at from now on", self._budget.used_percent, which)
        span_s, self._before_ns = max(1e-3, (now_ns - self._before_ns) / NS_PER_S), now_ns
        for camera in cameras:
            camera.every = self._budget.every
            offered, looked = self._before.get(camera.camera, (0, 0))
            self._before[camera.camera] = camera.offered, camera.looked
            status = WatchStatus(
                camera=camera.camera,
                mono_ms=now_ns // NS_PER_MS,
                boot=self._boot,
                offered_fps=round((camera.offered - offered) / span_s, 2),
                looked_fps=round((camera.looked - looked) / span_s, 2),
                every=every,
                cpu_percent=round(self._budget.used_percent, 1),
            )
            self._put(camera.camera, msgspec.json.encode(status))

    def _put(self, camera: str, data: bytes) -> None:
        folder = self._folders.run(camera)
        fresh = folder / ".watch.json.new"
        try:
            fresh.write_bytes(data)
            os.replace(fresh, folder / "watch.json")
        except OSError as error:
            if not self._refused:
                log.warning("health does not learn how much is looked at: %s", error)
            self._refused = True
        else:
            self._refused = False
