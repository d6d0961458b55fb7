"""`edge record` for a long time: recorder and capture worker keep their memory, threads and files, and the ring stays whole.

EDGE_SOAK_MINUTES: how long, 30 if not set; at least 2.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import pytest

from edge.clock import monotonic_s
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.records import Erase, Gap, facts_of
from edge.messages.status import CameraStatus
from edge.ring.check import check

MINUTES = max(2.0, float(os.environ.get("EDGE_SOAK_MINUTES", "30")))
WARM_UP_S = max(45.0, 60.0 * MINUTES / 6)
LOOK_S = 2.0
START_S = 60.0
GROWTH_KB = 2048
"""Between the first and the last third after the warm-up; a leak of one 400-byte object per picture would be seen within ten minutes."""
CONFIG = """
[node]
id = "pole"
data = "{folder}/data"
run = "{folder}/run"
[[camera]]
id = "cam0"
source = "synthetic:"
width = 640
height = 360
fps = 15.0
bitrate_kbps = 1500
gop_s = 1.0
luma_width = 320
luma_height = 180
[ring]
segment_s = 4.0
reserve_bytes = 1000000
budget_bytes = 4000000
[retention]
profile = "custom"
basis = "test"
minimum_days = 0.0
[clock]
trust = "assume"
"""


@dataclass(frozen=True)
class Look:
    rss_kb: int
    threads: int
    files: int


@dataclass
class Soak:
    folder: Path
    recorder: subprocess.Popen[bytes]

    def status(self) -> CameraStatus | None:
        with suppress(OSError):
            return msgspec.json.decode((self.folder / "run" / "cam0" / "status.json").read_bytes(), type=CameraStatus)
        return None

    def worker_pid(self) -> int:
        """Waits until pictures arrive."""
        ends_s, pause = monotonic_s() + START_S, threading.Event()
        while True:
            status = self.status()
            if status is not None and status.state == "recording" and status.worker_pid is not None:
                return status.worker_pid
            assert self.recorder.poll() is None
            assert monotonic_s() < ends_s, f"nothing is recorded after {START_S} s"
            pause.wait(0.2)


@pytest.fixture
def soak(tmp_path: Path) -> Iterator[Soak]:
    config = tmp_path / "node.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with (tmp_path / "recorder.log").open("wb") as log:
        recorder = subprocess.Popen([sys.executable, "-m", "edge", "record", "--config", str(config), "--camera", "cam0"], stderr=log)
    try:
        yield Soak(tmp_path, recorder)
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()


def look(pid: int) -> Look:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    rss = next(line for line in lines if line.startswith("Rss:"))
    return Look(int(rss.split()[1]), len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir())))


def watch(soak: Soak, pids: dict[str, int]) -> dict[str, list[Look]]:
    """What each process had, every LOOK_S seconds after the warm-up."""
    looks: dict[str, list[Look]] = {name: [] for name in pids}
    pause, began_s = threading.Event(), monotonic_s()
    while (passed_s := monotonic_s() - began_s) < 60 * MINUTES:
        pause.wait(LOOK_S)
        assert soak.recorder.poll() is None, "the recorder ended"
        for name, pid in pids.items():
            seen = look(pid)
            if passed_s >= WARM_UP_S:
                looks[name].append(seen)
    return looks


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 300)
def test_a_recorder_does_not_grow(soak: Soak) -> None:
    worker = soak.worker_pid()
    looks = watch(soak, {"recorder": soak.recorder.pid, "worker": worker})
    status = soak.status()
    assert status is not None
    assert (status.state, status.worker_pid) == ("recording", worker)

    soak.recorder.send_signal(signal.SIGTERM)
    assert soak.recorder.wait(60) == 0
    report = check(LinuxDisk(), soak.folder / "data", deep=True)
    assert report.ok, report.findings
    assert_the_ring_turned_over_without_a_gap(soak.folder / "data")
    for name, seen in looks.items():
        assert_no_growth(name, seen)


def assert_the_ring_turned_over_without_a_gap(data: Path) -> None:
    records = [line.record for line in JournalReader(LinuxDisk(), data / "journal" / "recorder.cam0").read()]
    erased = [facts_of(record, Erase) for record in records if record.type == "erase"]
    assert len(erased) > MINUTES * 60 / 4 * 0.5
    assert {each.reason for each in erased} == {"budget"}
    assert [facts_of(record, Gap).reason for record in records if record.type == "gap"] == []


def assert_no_growth(name: str, looks: list[Look]) -> None:
    third = len(looks) // 3
    first, last = looks[:third], looks[-third:]
    grown_kb = median(each.rss_kb for each in last) - median(each.rss_kb for each in first)
    print(f"{name}: {median(each.rss_kb for each in last) / 1024:.1f} MB, {grown_kb:+.0f} kB from the first third to the last")
    assert grown_kb < GROWTH_KB, f"{name} grew by {grown_kb} kB"
    assert max(each.files for each in last) <= max(each.files for each in first) + 1, name
    assert max(each.threads for each in last) <= max(each.threads for each in first), name
