"""The watcher process: one loop over the cameras with motion, one journal. One thread; nothing here can delay recording.

Start-up: open the journal (a torn line is repaired), end what a killed run left open, write the boot record. Records that the disk
refuses wait in order, at most 1,000 of them, and are tried again each second.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Event

from edge import __version__
from edge.clock import NS_PER_S, Clock, Reading, format_utc, monotonic_s
from edge.config.model import Camera, NodeConfig
from edge.errors import StorageError
from edge.host import systemd
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import AlarmRaised, Boot, Facts, Record, Stop
from edge.ring.layout import NodeFolders, folders_of
from edge.services.lifecycle import sole_user
from edge.services.watch_status import WatchPace
from edge.watch.camera import CameraWatch, no_picture_code
from edge.watch.resume import Legacy, legacy_of
from edge.watch.scenes import Scenes
from edge.watch.tamper import KINDS, TamperWatch
from edge.watch.tamper_alarms import code_of, kind_of

log = logging.getLogger(__name__)

WRITER = "watcher"
POLL_S = 0.05
RETRY_S = 1.0
WAITING_MAX = 1000
RETIRE_EVERY_S = 6 * 3600.0


def run_watcher(config: NodeConfig, stop: Event, *, clock: Clock | None = None, disk: Disk | None = None, config_sha256: str = "") -> int:
    """Watch until `stop`. Returns 0. Raises StorageError when the journal cannot be opened at the start, TryAgain when another
    watcher runs on the same data."""
    clock = clock or KernelClock(config.clock.trust, config.clock.max_error_ms)
    folders, disk = folders_of(config), disk or LinuxDisk()
    disk.mkdir(folders.journal(WRITER))
    with sole_user(folders.journal(WRITER), "watches this node's cameras"):
        return Watcher(config, folders, disk, clock, config_sha256).run(stop)


class Watcher:
    """Composition of the watcher; `turn` is one round of the loop."""

    def __init__(self, config: NodeConfig, folders: NodeFolders, disk: Disk, clock: Clock, config_sha256: str = "") -> None:
        self._config = config
        self._clock = clock
        self._boot = boot_id()
        self._config_sha256 = config_sha256
        self._journal = JournalWriter(disk, folders.journal(WRITER), clock, self._boot)
        self._reader = JournalReader(disk, folders.journal(WRITER))
        self._windows = {camera.id: folders.run(camera.id) / "luma" for camera in config.camera if camera.motion}
        self._cameras: list[CameraWatch] = []
        self._waiting: deque[tuple[Facts, str | None, Reading]] = deque()
        self._scenes = Scenes(disk, folders)
        self._pace = WatchPace(folders, clock, self._boot, config.watch.cpu_percent)
        self._retry_ns = 0
        self._retired_ns: int | None = None

    def run(self, stop: Event) -> int:
        self.start()
        systemd.ready(f"watching {len(self._cameras)} cameras")
        interval_s = systemd.watchdog_interval_s()
        fed_s = monotonic_s()
        while not stop.wait(POLL_S):
            self.turn()
            if interval_s is not None and monotonic_s() - fed_s >= interval_s:
                fed_s = monotonic_s()
                systemd.watchdog()
        systemd.stopping()
        self.finish()
        return 0

    def start(self) -> None:
        self._journal.open()
        legacy = legacy_of(self._recent(), self._boot)
        now = self._clock.read()
        for camera, episode in legacy.unfinished:
            log.info("%s: episode %s was left open by a run that was killed: ended", camera, episode.id)
            self._put(episode, camera, now)
        self._put(Boot(version=__version__, ended=legacy.ended, config_sha256=self._config_sha256), None, now)
        standing = self._restate(legacy, now)
        self._cameras = [
            self._watch(camera, now, standing, legacy.starts_ns.get(camera.id, []))
            for camera in self._config.camera
            if camera.id in self._windows
        ]
        self._flush()

    def _watch(self, camera: Camera, now: Reading, standing: set[str], starts_ns: list[int]) -> CameraWatch:
        """standing: codes of alarms."""
        kinds = [kind for code in standing if (kind := kind_of(code, camera.id)) is not None]
        tamper = TamperWatch(self._scenes.load(camera.id), kinds) if self._config.watch.tamper else None
        alarmed = no_picture_code(camera.id) in standing
        window = self._windows[camera.id]
        watch = self._config.watch
        return CameraWatch(camera, watch, window, self._boot, now, alarmed=alarmed, tamper=tamper, starts_ns=starts_ns)

    def turn(self) -> None:
        """One round: a look at each camera, then the journal."""
        for camera in self._cameras:
            now = self._clock.read()
            for facts in camera.turn(now):
                self._put(facts, camera.camera, now)
        self._flush()
        self._scenes.turn(self._cameras, self._clock.boot_ns())
        self._pace.turn(self._cameras)
        self._retire()

    def finish(self) -> None:
        now = self._clock.read()
        for camera in self._cameras:
            for facts in camera.finish(now):
                self._put(facts, camera.camera, now)
        self._put(Stop(reason="stopped in order"), None, now)
        self._retry_ns = 0
        self._flush()
        self._journal.close()

    def _put(self, facts: Facts, camera: str | None, moment: Reading) -> None:
        if len(self._waiting) >= WAITING_MAX:
            lost, _, _ = self._waiting.popleft()
            log.error("the journal takes nothing: %s record lost", type(lost).__name__)
        self._waiting.append((facts, camera, moment))

    def _flush(self) -> None:
        while self._waiting and self._clock.boot_ns() >= self._retry_ns:
            try:
                self._journal.append(*self._waiting[0])
            except StorageError as error:
                self._retry_ns = self._clock.boot_ns() + round(RETRY_S * NS_PER_S)
                log.error("%d records wait for the journal: %s", len(self._waiting), error)
                return
            self._waiting.popleft()

    def _restate(self, legacy: Legacy, now: Reading) -> set[str]:
        """Standing alarms are said again, so that the records since the last boot record tell the whole state; those of cameras that are
        no longer watched are cleared."""
        watched = {no_picture_code(camera): camera for camera in self._windows}
        if self._config.watch.tamper:
            watched |= {code_of(kind, camera): camera for camera in self._windows for kind in KINDS}
        for alarm in legacy.alarms:
            if alarm.code in watched:
                self._put(alarm, watched[alarm.code], now)
            else:
                self._put(AlarmRaised(code=alarm.code, active=False, severity=alarm.severity, text="no longer watched"), None, now)
        return {alarm.code for alarm in legacy.alarms} & set(watched)

    def _recent(self) -> list[Record]:
        """The records of the last two runs (the last one may have died before it said the standing alarms again), oldest first."""
        records, boots = [], 0
        for line in self._reader.back():
            records.append(line.record)
            boots += line.record.type == "boot"
            if boots == 2:
                break
        return records[::-1]

    def _retire(self) -> None:
        """Journals outlive footage, not for ever; only by a clock that can be trusted."""
        now = self._clock.read()
        if self._retired_ns is not None and now.boot_ns - self._retired_ns < RETIRE_EVERY_S * NS_PER_S:
            return
        self._retired_ns = now.boot_ns
        if now.state != "trusted":
            return
        try:
            self._journal.retire(format_utc(now.utc_ns - round(self._config.retention.journal_days * 86_400 * NS_PER_S)))
        except StorageError as error:
            log.warning("old journal files stay: %s", error)
