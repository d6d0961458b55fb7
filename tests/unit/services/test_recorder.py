"""The recorder as a whole: real processes, a real worker, a real disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from edge.clock import monotonic_s
from edge.config.model import Camera, ClockTrust, Node, NodeConfig, Ring
from edge.errors import ConfigError, NotFound, TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.host.sentinel import write_sentinel
from edge.journal.reader import JournalReader
from edge.messages.evidence import Throttled
from edge.messages.records import TYPE_OF, Boot, Gap, Segment, Stop, facts_of
from edge.messages.status import CameraStatus
from edge.ring.check import check
from edge.ring.layout import folders_of
from edge.services.camera_settings import settings_of
from edge.services.cooling import Thermometer
from edge.services.recorder import run_recorder

DEADLINE_S = 60.0


def config(folder: Path, *, sentinel: bool = False, **camera: object) -> NodeConfig:
    kept = {"id": "cam0", "source": "synthetic:", "width": 320, "height": 180, "fps": 10.0, "motion": False, "stall_s": 1.0} | camera
    return NodeConfig(
        node=Node(id="pole-1", data=str(folder / "data"), run=str(folder / "run"), sentinel=sentinel),
        camera=[msgspec.convert(kept, Camera)],
        ring=Ring(segment_s=3.0, reserve_bytes=1_000_000),
        clock=ClockTrust(trust="assume"),
    )


class Running:
    """A recorder in a thread of this process."""

    def __init__(self, config: NodeConfig, thermometer: Thermometer) -> None:
        self.folders = folders_of(config)
        self.stop = threading.Event()
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(config, thermometer))
        self._thread.start()

    def _run(self, config: NodeConfig, thermometer: Thermometer) -> None:
        self.code = run_recorder(config, "cam0", self.stop, config_sha256="abc", thermometer=thermometer)

    def end(self) -> int | None:
        self.stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        return self.code

    def status(self) -> CameraStatus | None:
        try:
            return msgspec.json.decode((self.folders.run("cam0") / "status.json").read_bytes(), type=CameraStatus)
        except FileNotFoundError:
            return None

    def until(self, holds: Callable[[CameraStatus], bool]) -> CameraStatus:
        deadline_s = monotonic_s() + DEADLINE_S
        while monotonic_s() < deadline_s:
            status = self.status()
            if status is not None and status.pid == os.getpid() and holds(status):
                return status
            threading.Event().wait(0.05)
        raise AssertionError(f"not within {DEADLINE_S} s: {self.status()}")


@contextmanager
def running(config: NodeConfig, thermometer: Thermometer = lambda zones: 40.0) -> Iterator[Running]:
    made = Running(config, thermometer)
    try:
        yield made
    finally:
        made.end()


def facts(recorder: Running, shape: type[msgspec.Struct]) -> list[msgspec.Struct]:
    lines = JournalReader(LinuxDisk(), recorder.folders.journal("recorder.cam0")).read()
    return [facts_of(line.record, shape) for line in lines if line.record.type == TYPE_OF[shape]]


def test_a_camera_is_recorded_until_asked_to_stop(tmp_path: Path) -> None:
    with running(config(tmp_path)) as recorder:
        status = recorder.until(lambda status: status.fragments >= 4)
        assert status.state == "recording"
        assert (status.codec, status.width, status.height) == ("h264", 320, 180)
        assert status.worker_pid is not None
        assert recorder.end() == 0
        assert recorder.until(lambda status: status.state == "stopped").worker_pid is None
        segments = facts(recorder, Segment)
        assert len(segments) >= 2
        assert {segment.config_sha256 for segment in segments if isinstance(segment, Segment)} == {"abc"}
        assert facts(recorder, Gap) == []
        assert len(facts(recorder, Stop)) == 1
        assert check(LinuxDisk(), recorder.folders.data, deep=True).findings == []


def test_a_worker_that_is_killed_or_freezes_is_replaced_and_the_gaps_are_explained(tmp_path: Path) -> None:
    with running(config(tmp_path)) as recorder:
        first = recorder.until(lambda status: status.fragments >= 1)
        assert first.worker_pid is not None
        os.kill(first.worker_pid, signal.SIGKILL)
        second = recorder.until(lambda status: status.worker_restarts == 1 and status.state == "recording")
        assert second.worker_pid is not None
        recorder.until(lambda status: status.fragments > second.fragments + 1)
        os.kill(second.worker_pid, signal.SIGSTOP)
        third = recorder.until(lambda status: status.worker_restarts == 2 and status.state == "recording")
        recorder.until(lambda status: status.fragments > third.fragments + 1)
        recorder.end()
        ended = [gap for gap in facts(recorder, Gap) if isinstance(gap, Gap) and not gap.open]
        assert [gap.reason for gap in ended] == ["camera_died", "camera_stalled"]
        assert "signal 9" in ended[0].text
        assert check(LinuxDisk(), recorder.folders.data, deep=True).findings == []


def test_a_board_that_gets_hot_slows_its_camera_which_is_journaled_and_no_failure(tmp_path: Path) -> None:
    with running(config(tmp_path), thermometer=lambda zones: 82.0) as recorder:
        status = recorder.until(lambda _: bool(facts(recorder, Throttled)))
        after = recorder.until(lambda later: later.fragments > status.fragments + 2)
        recorder.end()
    assert after.worker_restarts == 0
    (step,) = (step for step in facts(recorder, Throttled) if isinstance(step, Throttled))
    assert step == Throttled(level=1, celsius=82.0, fps=5.0, width=320, height=180)
    gaps = [gap for gap in facts(recorder, Gap) if isinstance(gap, Gap) and not gap.open]
    assert [(gap.reason, gap.text) for gap in gaps] == [("stream_changed", step.describe())]
    assert check(LinuxDisk(), recorder.folders.data, deep=True).findings == []


def test_a_disk_that_refuses_is_told_although_the_camera_sends(tmp_path: Path) -> None:
    with running(config(tmp_path)) as recorder:
        recorder.until(lambda status: status.fragments >= 2)
        opened = recorder.folders.open("cam0")
        opened.rename(opened.with_name("aside"))
        refused = recorder.until(lambda status: status.state != "recording")
        assert refused.state == "stalled"
        assert "not there" in refused.fault
        opened.with_name("aside").rename(opened)
        recorder.until(lambda status: status.state == "recording" and not status.fault and status.fragments > refused.fragments)
        assert recorder.end() == 0
        assert {gap.reason for gap in facts(recorder, Gap) if isinstance(gap, Gap)} == {"disk_error"}
        assert check(LinuxDisk(), recorder.folders.data, deep=True).findings == []


def test_a_camera_that_cannot_be_opened_is_tried_again_and_told(tmp_path: Path) -> None:
    with running(config(tmp_path, source=f"file:{tmp_path}/none.mp4")) as recorder:
        status = recorder.until(lambda status: status.worker_restarts >= 2)
        assert status.state in ("stalled", "failed", "starting")
        assert status.fault
        assert recorder.end() == 0
        assert facts(recorder, Segment) == []
        assert [gap.open for gap in facts(recorder, Gap) if isinstance(gap, Gap)] == [True, False]


def test_a_camera_has_one_recorder(tmp_path: Path) -> None:
    with running(config(tmp_path)) as recorder:
        recorder.until(lambda status: True)
        with pytest.raises(TryAgain, match="records camera cam0 already"):
            run_recorder(config(tmp_path), "cam0", threading.Event())


def test_nothing_is_written_to_a_partition_that_is_not_the_nodes(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run_recorder(config(tmp_path, sentinel=True), "cam0", threading.Event())
    assert not (tmp_path / "data").exists()
    write_sentinel(LinuxDisk(), tmp_path / "data", "pole-2")
    with pytest.raises(ConfigError):
        run_recorder(config(tmp_path, sentinel=True), "cam0", threading.Event())


def test_an_unknown_camera_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cam9"):
        run_recorder(config(tmp_path), "cam9", threading.Event())


def test_credentials_reach_the_worker_by_its_settings_only(tmp_path: Path) -> None:
    secrets = tmp_path / "cam0.secret"
    secrets.write_text("user=viewer\npassword=p@ss:word\n")
    secrets.chmod(0o600)
    node = config(tmp_path, source="rtsp://camera/street", secrets=str(secrets))
    settings = settings_of(node.camera[0], folders_of(node))
    assert settings.source == "rtsp://camera/street"
    assert (settings.options["user"], settings.options["password"]) == ("viewer", "p@ss:word")
    assert settings.luma_path == ""


def test_a_killed_recorder_loses_the_fragment_in_flight_and_says_so(tmp_path: Path) -> None:
    node = config(tmp_path)
    toml = tmp_path / "node.toml"
    toml.write_text(
        f'[node]\nid = "pole-1"\ndata = "{tmp_path}/data"\nrun = "{tmp_path}/run"\n[clock]\ntrust = "assume"\n[ring]\nsegment_s = 3\n'
        'reserve_bytes = 1000000\n[[camera]]\nid = "cam0"\nsource = "synthetic:"\nwidth = 320\nheight = 180\nfps = 10\nmotion = false\n'
    )
    process = subprocess.Popen([sys.executable, "-m", "edge", "record", "--config", str(toml)])
    status_file = folders_of(node).run("cam0") / "status.json"
    deadline_s = monotonic_s() + DEADLINE_S
    fragments = 0
    while fragments < 2 and monotonic_s() < deadline_s:
        threading.Event().wait(0.05)
        if status_file.exists():
            fragments = msgspec.json.decode(status_file.read_bytes(), type=CameraStatus).fragments
    process.kill()
    process.wait(DEADLINE_S)
    assert fragments >= 2
    with running(node) as recorder:
        recorder.until(lambda status: status.fragments >= 1)
        recorder.end()
        assert [boot.ended for boot in facts(recorder, Boot) if isinstance(boot, Boot)] == ["first", "crash"]
        assert {gap.reason for gap in facts(recorder, Gap) if isinstance(gap, Gap)} == {"crash"}
        kept = sum(segment.fragments for segment in facts(recorder, Segment) if isinstance(segment, Segment))
        assert kept >= fragments + 1
        assert check(LinuxDisk(), recorder.folders.data, deep=True).findings == []


def test_the_recorder_loads_no_image_or_network_library() -> None:
    code = "import sys, edge.services.recorder; print(*sorted({'av', 'cv2', 'numpy', 'paho', 'rich', 'cryptography'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert loaded.stdout.strip() == ""
