"""The health document: unknown is null, ages are true, nothing is invented."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from edge.clock import NS_PER_MS, ManualClock, format_utc
from edge.config.model import Camera, Node, NodeConfig, Ring
from edge.health.probe import CameraProbe, Probe, camera_status, probe
from edge.health.report import health_document
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.storage import Partition, Wear
from edge.messages.health import HealthDocument, LinkHealth
from edge.messages.status import CameraStatus, WatchStatus
from edge.ring.layout import NodeFolders

GB = 1_000_000_000
BOOT = "boot-a"
CONFIG = NodeConfig(
    node=Node(id="pole-1", data="/data"),
    camera=[Camera(id="cam0", source="synthetic:", fps=25.0), Camera(id="cam1", source="rtsp://10.0.0.2/live")],
    ring=Ring(reserve_bytes=5 * GB),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def status(clock: ManualClock, *, age_s: float = 1.0, camera: str = "cam0", boot: str = BOOT) -> CameraStatus:
    now_ms = clock.boot_ns() // NS_PER_MS
    return CameraStatus(
        camera=camera,
        state="recording",
        t=format_utc(clock.read().utc_ns),
        clock="trusted",
        mono_ms=round(now_ms - age_s * 1000),
        boot=boot,
        pid=1,
        fps=24.9,
        bitrate_kbps=4000.0,
        last_fragment_mono_ms=round(now_ms - age_s * 1000 - 500),
        gops_dropped=2,
        worker_restarts=1,
    )


def document(clock: ManualClock, **changes: object) -> HealthDocument:
    seen = Probe(clock.read(), BOOT, {"cam0": CameraProbe(status(clock))}, partition=Partition(1000 * GB, 105 * GB, False))
    return health_document(CONFIG, replace(seen, **changes))  # type: ignore[arg-type]


def test_a_recording_camera_tells_rate_age_and_losses(clock: ManualClock) -> None:
    camera = document(clock).cameras[0]
    assert (camera.state, camera.fps, camera.target_fps, camera.bitrate_kbps) == ("recording", 24.9, 25.0, 4000.0)
    assert (camera.status_age_s, camera.last_fragment_age_s) == (1.0, 1.5)
    assert (camera.gops_dropped, camera.worker_restarts) == (2, 1)


@pytest.mark.parametrize(("age_s", "boot", "told"), [(10.0, BOOT, (6.0, 1.5)), (31.0, BOOT, (None, None)), (1.0, "boot-b", (None, None))])
def test_how_much_the_watcher_looks_at_is_told_while_it_is_true(
    clock: ManualClock, age_s: float, boot: str, told: tuple[float | None, float | None]
) -> None:
    then_ms = clock.boot_ns() // NS_PER_MS - round(age_s * 1000)
    watch = WatchStatus(camera="cam0", mono_ms=then_ms, boot=boot, offered_fps=6.0, looked_fps=1.5, every=4, cpu_percent=31.0)
    camera = document(clock, cameras={"cam0": CameraProbe(status(clock), watch=watch)}).cameras[0]
    assert (camera.offered_fps, camera.looked_fps) == told


def test_a_camera_without_a_status_file_is_silent_and_everything_else_is_null(clock: ManualClock) -> None:
    camera = document(clock).cameras[1]
    told = {name: value for name, value in msgspec.to_builtins(camera).items() if value is not None and value != ""}
    assert told == {"camera": "cam1", "state": "silent", "forecast_days": pytest.approx(100 * GB / (2 * 4e6 / 8 * 86_400), abs=0.01)}


@pytest.mark.parametrize(("age_s", "boot", "state"), [(9.0, BOOT, "recording"), (11.0, BOOT, "silent"), (1.0, "boot-b", "silent")])
def test_an_old_status_or_one_of_another_boot_is_not_believed(clock: ManualClock, age_s: float, boot: str, state: str) -> None:
    camera = document(clock, cameras={"cam0": CameraProbe(status(clock, age_s=age_s, boot=boot))}).cameras[0]
    assert camera.state == state
    assert (camera.fps is None) == (state == "silent")


def test_kept_days_come_from_the_oldest_segment_and_are_unknown_while_the_clock_is(clock: ManualClock) -> None:
    oldest = clock.read().utc_ns // NS_PER_MS - 12 * 86_400_000
    cameras = {"cam0": CameraProbe(None, oldest)}
    found = document(clock, cameras=cameras)
    assert (found.cameras[0].kept_days, found.storage.kept_days) == (12.0, 12.0)
    clock.set_state("untrusted")
    found = document(clock, reading=clock.read(), cameras=cameras)
    assert found.storage.kept_days is None
    assert found.clock.state == "untrusted"
    assert found.storage.oldest_footage is not None


def test_the_forecast_is_what_is_kept_and_what_still_fits_at_the_measured_bitrate(clock: ManualClock) -> None:
    storage = document(clock).storage
    assert storage.reserve_bytes == 5 * GB
    assert storage.forecast_days == pytest.approx(100 * GB / (2 * 4e6 / 8 * 86_400), abs=0.01)
    full = document(clock, partition=Partition(1000 * GB, 5 * GB, False)).storage
    assert full.forecast_days == 0.0
    roomy = document(clock, partition=Partition(90_000 * GB, 80_000 * GB, False)).storage
    assert roomy.forecast_days == CONFIG.retention.days


def test_a_partition_that_does_not_answer_is_null_throughout(clock: ManualClock) -> None:
    storage = document(clock, partition=None).storage
    assert (storage.total_bytes, storage.free_bytes, storage.reserve_bytes, storage.forecast_days) == (None, None, None, None)


def test_the_most_worn_device_counts(clock: ManualClock) -> None:
    storage = document(clock, wear=[Wear("mmcblk0", 30, False), Wear("mmcblk1", 90, True)]).storage
    assert (storage.wear_used_percent, storage.wear_near_end) == (90, True)


def test_the_document_survives_the_wire_and_stays_small(clock: ManualClock) -> None:
    seen = Probe(clock.read(), BOOT, {"cam0": CameraProbe(status(clock))})
    sent = health_document(CONFIG, seen, link=LinkHealth(connected=True, unsent_records=3), config_sha256="ab", alarms=["b", "a"])
    raw = msgspec.json.encode(sent)
    assert msgspec.json.decode(raw, type=HealthDocument) == sent
    assert sent.alarms == ["a", "b"]
    assert b"null" in raw
    assert len(raw) < 4096


def test_this_machine_is_probed_without_inventing_anything(tmp_path: Path, clock: ManualClock) -> None:
    folders = NodeFolders(tmp_path, tmp_path / "run")
    day = tmp_path / "ring" / "cam0" / "2026-11-22"
    day.mkdir(parents=True)
    (day / "20261122T130500.120Z_60040ms_000000123.mp4").touch()
    folders.run("cam0").mkdir(parents=True)
    (folders.run("cam0") / "status.json").write_bytes(msgspec.json.encode(status(clock, boot=boot_id())))
    seen = probe(CONFIG, folders, LinuxDisk(), clock)
    found = health_document(CONFIG, seen)
    assert found.cameras[0].state == "recording"
    assert found.cameras[0].oldest_footage == "2026-11-22T13:05:00.120Z"
    assert found.cameras[1].oldest_footage is None
    assert (found.storage.total_bytes or 0) > 0
    assert found.software.boot == boot_id()
    assert (found.software.memory_total_bytes or 0) > 0


def test_a_torn_status_file_is_no_status(tmp_path: Path) -> None:
    folders = NodeFolders(tmp_path, tmp_path / "run")
    folders.run("cam0").mkdir(parents=True)
    (folders.run("cam0") / "status.json").write_bytes(b'{"camera": "cam0", "sta')
    assert camera_status(folders, "cam0") is None
