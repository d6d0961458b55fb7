"""How soon an outage is known: its open gap record is durable, or the agent raises an alarm, within a minute of the camera's death."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from edge.capture.supervise import state_of
from edge.clock import NS_PER_MS, Clock, ManualClock, format_utc, monotonic_s, parse_utc
from edge.config.model import NodeConfig
from edge.config.read import load_config
from edge.health.probe import camera_status
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.messages.records import Gap, facts_of
from edge.messages.status import CameraStatus
from edge.ring.layout import folders_of, recorder_journal
from edge.services.agent_health import LOOK_EVERY_S, HealthWatch
from edge.services.agent_parts import Inbox
from tests.support import rtsp_camera, video
from tests.support.command import environment

KNOWN_WITHIN_S = 60.0
DEADLINE_S = 60.0
SLOW = "[health]\ninterval_s = 3600.0\n"


def write_node(folder: Path, source: str) -> NodeConfig:
    path = folder / "node.toml"
    text = f'[node]\nid = "pole-1"\ndata = "data"\nrun = "run"\n[[camera]]\nid = "cam0"\nsource = "{source}"\n'
    text += "width = 320\nheight = 180\nfps = 10.0\n"
    path.write_text(text + SLOW + '[clock]\ntrust = "assume"\n')
    return load_config(path).config


@contextmanager
def recorder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", "record", "--camera", "cam0", "--config", str(folder / "node.toml")],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until(true: Callable[[], bool], what: str, within_s: float = DEADLINE_S) -> float:
    """Seconds it took."""
    began_s, turn = monotonic_s(), threading.Event()
    while not true():
        assert monotonic_s() - began_s < within_s, f"not within {within_s:.0f} s: {what}"
        turn.wait(0.1)
    return monotonic_s() - began_s


def records(config: NodeConfig) -> bool:
    status = camera_status(folders_of(config), "cam0")
    return status is not None and status.state == "recording" and status.fragments >= 2


def open_gaps(config: NodeConfig) -> list[tuple[str, Gap]]:
    """(written at, facts), read as after a power cut: only what is synced counts for `durable`."""
    lines = JournalReader(LinuxDisk(), folders_of(config).journal(recorder_journal("cam0"))).read(durable=True)
    found = [(line.record.t, facts_of(line.record, Gap)) for line in lines if line.record.type == "gap"]
    return [(at, gap) for at, gap in found if gap.open]


@pytest.mark.slow
def test_a_camera_that_falls_silent_has_its_open_gap_on_disk_within_a_minute(tmp_path: Path) -> None:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=10)) as camera:
        config = write_node(tmp_path, camera.url)
        with recorder(tmp_path):
            wait_until(lambda: records(config), "the camera is recorded")
            before = len(open_gaps(config))
            camera.kill()
            took_s = wait_until(lambda: len(open_gaps(config)) > before, "the open gap", KNOWN_WITHIN_S)
            written_at, gap = open_gaps(config)[-1]
            assert gap.reason in ("camera_unreachable", "camera_died", "camera_stalled")
            assert gap.start is not None
            assert (parse_utc(written_at) - parse_utc(gap.start)) / 1e9 <= KNOWN_WITHIN_S
            assert took_s <= KNOWN_WITHIN_S


@contextmanager
def watched(config: NodeConfig) -> Iterator[Inbox]:
    told = Inbox()
    watch = HealthWatch(config, folders_of(config), LinuxDisk(), KernelClock("assume"), [], told.put)
    watch.start()
    try:
        yield told
    finally:
        watch.stop(20)


def alarm_of(told: Inbox, code: str, within_s: float) -> bool:
    ends_s = monotonic_s() + within_s
    while True:
        try:
            news = told.get(timeout=max(0.0, ends_s - monotonic_s()))
        except queue.Empty:
            return False
        assert isinstance(news, tuple)
        edges = news[1]
        if isinstance(edges, list) and any(edge.code == code and edge.active for edge in edges):
            return True


@pytest.mark.slow
def test_a_recorder_that_was_killed_says_nothing_and_the_agent_does_within_a_minute(tmp_path: Path) -> None:
    """Documents go out once an hour here: the alarm does not wait for them."""
    config = write_node(tmp_path, "synthetic:")
    with recorder(tmp_path) as process:
        wait_until(lambda: records(config), "the camera is recorded")
        with watched(config) as told:
            status = camera_status(folders_of(config), "cam0")
            assert status is not None
            process.kill()
            process.wait(10)
            began_s = monotonic_s()
            assert alarm_of(told, "recording_stale.cam0", KNOWN_WITHIN_S)
            assert monotonic_s() - began_s <= KNOWN_WITHIN_S
            assert open_gaps(config) == [] or open_gaps(config)[-1][1].reason == "crash"
            if status.worker_pid is not None:
                wait_until(lambda: state_of(status.worker_pid or 0) in ("", "Z"), "the orphaned worker ends")


def frozen_status(config: NodeConfig, clock: Clock) -> None:
    """As a recorder leaves it that is killed now."""
    now = clock.read()
    status = CameraStatus(
        camera="cam0",
        state="recording",
        t=format_utc(now.utc_ns),
        clock="trusted",
        mono_ms=now.boot_ns // NS_PER_MS,
        boot=boot_id(),
        pid=1,
        last_fragment_mono_ms=now.boot_ns // NS_PER_MS,
    )
    folder = folders_of(config).run("cam0")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status.json").write_bytes(msgspec.json.encode(status))


@pytest.mark.parametrize("died_s", [0.0, 0.1, 3.0, 5.0, 9.9])
def test_wherever_between_two_looks_a_recorder_dies_the_alarm_comes_within_a_minute(tmp_path: Path, died_s: float) -> None:
    config, clock, told = write_node(tmp_path, "synthetic:"), ManualClock(), Inbox()
    frozen_status(config, clock)
    watch = HealthWatch(config, folders_of(config), LinuxDisk(), clock, [], told.put)
    watch.look()
    clock.advance(died_s)
    frozen_status(config, clock)
    clock.advance(LOOK_EVERY_S - died_s)
    passed_s = LOOK_EVERY_S - died_s
    while passed_s <= KNOWN_WITHIN_S:
        watch.look()
        if alarm_of(told, "recording_stale.cam0", 0.0):
            return
        clock.advance(LOOK_EVERY_S)
        passed_s += LOOK_EVERY_S
    pytest.fail(f"no alarm within {KNOWN_WITHIN_S:.0f} s")


def test_documents_go_out_at_their_own_pace_while_nothing_changes(tmp_path: Path) -> None:
    config, clock, told = write_node(tmp_path, "synthetic:"), ManualClock(), Inbox()
    watch = HealthWatch(config, folders_of(config), LinuxDisk(), clock, [], told.put)
    for _ in range(round(3600 / LOOK_EVERY_S)):
        frozen_status(config, clock)
        watch.look()
        clock.advance(LOOK_EVERY_S)
    edges = [news[1] for news in [told.get_nowait() for _ in range(told.qsize())] if isinstance(news, tuple) and isinstance(news[1], list)]
    quiet = [each for each in edges if not each]
    assert len(quiet) <= 1
    assert len(edges) >= 1
