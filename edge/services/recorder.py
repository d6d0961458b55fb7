"""`edge record`: one camera's recorder. Needs the camera and the disk, nothing else.

Threads: main (starts and replaces the capture worker, status, watchdog), one reader per worker life (worker's socket -> whole GOPs ->
intake), one writer (intake -> ring). Main only looks: it takes no lock that a stuck disk or a stuck camera could hold.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from pathlib import Path

import edge
from edge.capture.board import temperature_c
from edge.capture.restart import Limits, RestartLadder
from edge.clock import Clock, monotonic_s
from edge.config.masks import masks_sha256
from edge.config.model import Camera, NodeConfig
from edge.errors import ConfigError, StorageError, TryAgain
from edge.host import systemd
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.sentinel import check_one_file_system, check_sentinel
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.evidence import ConfigFault, Throttled
from edge.messages.records import GapReason, Stop
from edge.messages.stream import CameraSettings
from edge.ring.history import read_history
from edge.ring.layout import NodeFolders, folders_of, recorder_journal
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.names import RingFolder
from edge.ring.retain import policy_of
from edge.ring.startup import make_folders, start_ring
from edge.ring.sweep import Sweeper
from edge.seal.chain import Maker
from edge.seal.opening import identity_opener
from edge.services.camera_life import CameraLife, gap_reason, status_words
from edge.services.camera_settings import settings_of
from edge.services.camera_status import StatusFile
from edge.services.cooling import Cooling, Thermometer
from edge.services.intake import Intake, Interrupted
from edge.services.interrupted import find_interrupted
from edge.services.lifecycle import ServiceThread, settle_memory, sole_user
from edge.services.retention import Retention
from edge.services.sealing import Sealer
from edge.services.signing import SigningDesk
from edge.services.stack_restart import StackRestart
from edge.services.writing import IDLE_S, Writing

log = logging.getLogger(__name__)

_TURN_S = 0.25
_STATUS_S = 1.0
_WRITER_STUCK_S = IDLE_S + 15.0
_LAST_WRITES_S = 20.0
_LAST_SIGNATURE_S = 2.0
_EXIT_BROKEN = 1
"""A thread of ours ended by an exception: a bug; the service manager starts a fresh process."""


def run_recorder(
    config: NodeConfig,
    camera_id: str,
    stop: threading.Event,
    *,
    config_sha256: str = "",
    config_fault: ConfigFault | None = None,
    thermometer: Thermometer = temperature_c,
    disk: Disk | None = None,
) -> int:
    """Record until `stop` is set; the exit code. config_fault: why the configuration in force is an older one. Raises ConfigError for
    an unknown camera or an unusable secret, StorageError where the ring cannot be read, TryAgain when another recorder has the
    camera."""
    camera = next((each for each in config.camera if each.id == camera_id), None)
    if camera is None:
        raise ConfigError(
            f"camera {camera_id!r} is not in the configuration", remedy=f"known: {', '.join(each.id for each in config.camera)}"
        )
    folders = folders_of(config)
    settings = settings_of(camera, folders)
    disk = disk or LinuxDisk()
    if config.node.sentinel:
        check_sentinel(disk, folders.data, config.node.id)
    make_folders(disk, folders, camera.id)
    check_links(disk, folders.data)
    folders.run(camera.id).mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        held.enter_context(sole_user(folders.open(camera.id), f"records camera {camera.id}"))
        cooling = Cooling(settings, config.node.hw, thermometer)
        return _Recorder(config, camera, settings, folders, disk, config_sha256, cooling).run(stop, config_fault)


def check_links(disk: Disk, data: Path) -> None:
    """Holds and jobs need hard links. A disk that is too full to try is no reason not to record: the sweep makes room."""
    try:
        check_one_file_system(disk, data)
    except StorageError as refused:
        log.error("%s: whether hard links work cannot be told now: %s", data, refused)


class _Recorder:
    """Composition and main thread of a recorder."""

    def __init__(
        self,
        config: NodeConfig,
        camera: Camera,
        settings: CameraSettings,
        folders: NodeFolders,
        disk: Disk,
        config_sha256: str,
        cooling: Cooling,
    ) -> None:
        self._config, self._camera, self._cooling = config, camera, cooling
        self._clock: Clock = KernelClock(config.clock.trust, config.clock.max_error_ms)
        boot = boot_id()
        self._journal = JournalWriter(disk, folders.journal(recorder_journal(camera.id)), self._clock, boot)
        self._ledger = Ledger(self._journal, self._clock, camera.id)
        try:
            self._journal.open()
        except StorageError as refused:
            log.error("camera %s: the journal cannot be opened yet: %s", camera.id, refused)
        ring = RingFolder(disk, folders.ring(camera.id))
        sweeper = Sweeper(disk, ring, self._journal, policy_of(config), self._clock, camera.id)
        limits = RingLimits(
            config.ring.segment_s,
            config.ring.sync,
            camera.bitrate_kbps,
            config_sha256=config_sha256,
            masks_sha256=masks_sha256(settings.masks),
            masks_in_camera=camera.masks_in_camera,
            version=edge.__version__,
        )
        retention = Retention(sweeper, self._journal, self._clock, config.retention.journal_days)
        recording = start_ring(disk, folders, camera.id, self._clock, boot, self._ledger, retention, limits, edge.__version__)
        self._intake = Intake(config.ring.queue_gops, config.ring.queue_bytes)
        opener = identity_opener(config.seal, self._clock)
        self._desk = SigningDesk(camera.id, opener, config.seal.signer) if opener and config.seal else None
        self._writing = Writing(recording, self._intake, self._sealer(disk, folders, boot))
        self._writer = ServiceThread(f"write-{camera.id}", self._writing.run)
        self._status = StatusFile(folders.run(camera.id), camera.id, self._clock, boot)
        self._ladder = RestartLadder(Limits(stall_s=camera.stall_s))
        self._stack = StackRestart(camera.stack_restart)
        self._life: CameraLife | None = None
        self._start_at_s = 0.0
        self._status_at_s = 0.0
        self._fault = ""
        self._ended = False
        """A replayed file is over: nothing more comes from this camera."""

    def _sealer(self, disk: Disk, folders: NodeFolders, boot: str) -> Sealer:
        camera, seal = self._camera.id, self._config.seal
        maker = Maker(f"{self._config.node.id}/{camera}", edge.__version__)
        if self._desk is None or seal is None:
            return Sealer(None, self._ledger.put, self._clock, maker, 0.0)
        interrupted = None
        try:
            history = read_history(JournalReader(disk, folders.journal(recorder_journal(camera))), boot)
            interrupted = find_interrupted(disk, folders.ring(camera), history, maker)
        except StorageError as refused:
            log.error("camera %s: the last GOP before the restart stays unsigned: %s", camera, refused)
        return Sealer(self._desk, self._ledger.put, self._clock, maker, seal.deadline_s, interrupted)

    def run(self, stop: threading.Event, config_fault: ConfigFault | None) -> int:
        if config_fault is not None:
            self._ledger.put(config_fault)
        if self._desk is not None:
            self._desk.thread.start()
        self._writer.start()
        settle_memory()
        systemd.ready(f"camera {self._camera.id}")
        code = 0
        while not stop.wait(_TURN_S):
            self._turn(monotonic_s())
            if self._writer.broken or (self._life is not None and self._life.broken):
                log.critical("camera %s: a thread of the recorder broke: starting anew", self._camera.id)
                code = _EXIT_BROKEN
                break
        return self._end(code)

    def _turn(self, now_s: float) -> None:
        """Look at everything once; nothing here waits but the replacement of a worker (a few seconds)."""
        if throttled := self._cooling.look(now_s):
            self._throttle(throttled, now_s)
        if self._life is not None:
            self._look_at(self._life, now_s)
        elif now_s >= self._start_at_s and not self._ended:
            self._start_worker(now_s)
        if now_s >= self._status_at_s:
            self._status_at_s = now_s + _STATUS_S
            self._stack.look()
            self._tell()
            if now_s - self._writing.turned_s < _WRITER_STUCK_S:
                systemd.watchdog()

    def _look_at(self, life: CameraLife, now_s: float) -> None:
        if life.last_packet_s is not None:
            self._ladder.stream(life.info.fps if life.info else None)
            self._ladder.packet(life.last_packet_s)
            self._fault = ""
        if life.over:
            self._replace(life, "camera_died", "the capture worker ended")
        elif self._ladder.stalled(now_s):
            waited_s = now_s - (life.last_packet_s or life.started_s)
            self._replace(life, "camera_stalled", f"no picture for {waited_s:.1f} s")

    def _throttle(self, throttled: Throttled, now_s: float) -> None:
        """Ask the camera for less, or for more again: in a new worker, at once; it counts as no failure."""
        log.warning("camera %s: %s", self._camera.id, throttled.describe())
        if self._life is not None:
            self._life.end()
            self._life, self._start_at_s = None, now_s
            self._intake.say(Interrupted("stream_changed", throttled.describe()))
        self._intake.say(throttled)

    def _start_worker(self, now_s: float) -> None:
        self._ladder.started(now_s)
        try:
            self._life = CameraLife(self._cooling.settings, self._intake, self._config.ring.queue_bytes // 2)
        except TryAgain as refused:
            self._interrupted("camera_died", str(refused))

    def _replace(self, life: CameraLife, reason: GapReason, text: str) -> None:
        """The worker is of no more use. Its last words, where it had any, say why better than what was seen from here."""
        ending = life.end()
        self._life = None
        if life.fault is not None and reason != "camera_stalled":
            reason, text = gap_reason(life.fault.kind), life.fault.text
        elif ending.how == "exited" and ending.status:
            text = f"{text} ({status_words(ending.status)})"
        elif ending.how == "unkillable":
            text = f"{text}; the capture worker cannot be killed: a reboot is needed"
        self._ended = reason == "end_of_file"
        self._interrupted(reason, text)

    def _interrupted(self, reason: GapReason, text: str) -> None:
        self._intake.say(Interrupted(reason, text))
        now_s = monotonic_s()
        decision = self._ladder.ended(now_s)
        if decision.stack:
            self._stack.run()
        self._start_at_s = now_s + decision.wait_s
        self._fault = text
        again = "the recording is over" if self._ended else f"next try in {decision.wait_s:.1f} s"
        log.warning("camera %s: %s: %s; %s", self._camera.id, reason, text, again)

    def _tell(self, state: str | None = None) -> None:
        progress = self._writing.recording.progress
        life = self._life
        stuck_s = monotonic_s() - self._writing.turned_s
        stuck = f"the disk has not answered for {stuck_s:.0f} s" if stuck_s >= _WRITER_STUCK_S else ""
        self._status.put(
            state or self._state(life, stuck or progress.refusal),
            progress,
            info=life.info if life else None,
            worker_pid=life.pid if life else None,
            gops_dropped=self._intake.dropped,
            restarts=self._ladder.restarts,
            fault=stuck or progress.refusal or self._fault,
        )

    def _state(self, life: CameraLife | None, trouble: str) -> str:
        """trouble: why nothing gets to the disk, whatever the camera sends."""
        if life is not None and life.last_packet_s is not None:
            return "stalled" if trouble else "recording"
        if self._ended:
            return "stopped"
        if self._ladder.failed:
            return "failed"
        return "stalled" if self._ladder.restarts else "starting"

    def _end(self, code: int) -> int:
        """Worker, writer, journal, in this order: what the camera still gave is written, what is written is sealed, what is sealed is
        recorded."""
        systemd.stopping()
        if self._life is not None:
            self._life.end()
            self._life = None
        self._writing.stop()
        ended = self._writer.join(_LAST_WRITES_S)
        if ended and not self._writer.broken:
            self._ledger.put(Stop(reason="asked to stop" if code == 0 else "a thread broke"))
            self._ledger.flush(now=True)
        if self._desk is not None:
            self._desk.stop(_LAST_SIGNATURE_S)
        self._tell("stopped")
        if ended:  # a writer stuck in the disk may have the journal's lock, and it goes with the process
            self._journal.close()
        log.info("camera %s: stopped", self._camera.id)
        return code
