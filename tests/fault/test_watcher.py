"""The watcher as a process: killed in the middle of an episode, window damaged, picture of another size, disk full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from edge.clock import ManualClock
from edge.config.model import Camera, Node, NodeConfig
from edge.errors import StorageError
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, Boot, Episode, Record, facts_of
from edge.ring.layout import NodeFolders
from edge.services.watcher import Watcher
from tests.support.command import environment
from tests.support.moving_picture import MovingPicture
from tests.support.nodefile import write_config

DEADLINE_S = 30.0
CONFIG = """
[node]
id = "pole-1"
data = "data"
run = "run"

[[camera]]
id = "cam0"
source = "synthetic:"

[clock]
trust = "assume"

[watch]
end_s = 1.0
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "data").mkdir()
    return write_config(tmp_path, CONFIG)


@pytest.fixture
def window(tmp_path: Path) -> Path:
    return tmp_path / "run" / "cam0" / "luma"


class Journal:
    """The watcher's records as another process sees them."""

    def __init__(self, folder: Path) -> None:
        self._reader = JournalReader(LinuxDisk(), folder / "data" / "journal" / "watcher")

    def records(self) -> list[Record]:
        return [line.record for line in self._reader.read()]

    def episodes(self, state: str) -> list[Episode]:
        found = [facts_of(record, Episode) for record in self.records() if record.type == "episode"]
        return [episode for episode in found if episode.state == state]

    def alarms(self) -> list[AlarmRaised]:
        return [facts_of(record, AlarmRaised) for record in self.records() if record.type == "alarm"]

    def boots(self) -> list[Boot]:
        return [facts_of(record, Boot) for record in self.records() if record.type == "boot"]

    def wait(self, what: Callable[[Journal], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not what(self):
            assert time.monotonic() < deadline_s, self.records()
            time.sleep(0.02)

    def check(self) -> None:
        """The chain holds, ids are unique, every episode that ended ended once, after its start."""
        assert self._reader.verify() == []
        started = [episode.id for episode in self.episodes("start")]
        ended = [episode.id for episode in self.episodes("end")]
        assert len(set(started)) == len(started)
        assert len(set(ended)) == len(ended)
        assert set(ended) <= set(started)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@contextmanager
def watching(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`edge watch` until left; SIGTERM must then end it in order, unless the test has ended it."""
    process = subprocess.Popen([sys.executable, "-m", "edge", "watch", "--config", str(config)], env=environment())
    try:
        yield process
        if process.poll() is None:
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def started(count: int) -> Callable[[Journal], bool]:
    return lambda journal: len(journal.episodes("start")) >= count


def ended(count: int) -> Callable[[Journal], bool]:
    return lambda journal: len(journal.episodes("end")) >= count


def up(boots: int) -> Callable[[Journal], bool]:
    return lambda journal: len(journal.boots()) >= boots


def see_still(journal: Journal, seconds: float = 1.7) -> None:
    """Let the watcher learn the scene."""
    until_s = time.monotonic() + seconds
    journal.wait(lambda _: time.monotonic() >= until_s)


def test_an_episode_is_journalled_within_half_a_second_of_its_start_and_ends_after_stillness(
    config: Path, window: Path, journal: Journal
) -> None:
    with MovingPicture(window) as picture, watching(config):
        journal.wait(up(1))
        see_still(journal)
        assert journal.episodes("start") == []
        picture.moving.set()
        journal.wait(started(1))
        picture.moving.clear()
        journal.wait(ended(1))
    start = next(record for record in journal.records() if record.type == "episode")
    episode = facts_of(start, Episode)
    assert start.camera == "cam0"
    assert episode.until is None
    assert start.mono_ms - episode.since_mono_ms <= 400 + 100 + 500, "start_s, two pictures, half a second"
    end = journal.episodes("end")[0]
    assert end.id == episode.id
    assert end.until is not None
    assert episode.since <= (end.peak or "") <= end.until
    assert end.score > 0
    assert len(end.boxes) >= 1
    assert [record.type for record in journal.records()] == ["boot", "episode", "episode", "stop"]
    journal.check()


def test_a_watcher_killed_mid_episode_ends_it_once_at_its_next_start_and_doubles_no_id(
    config: Path, window: Path, journal: Journal
) -> None:
    with MovingPicture(window) as picture:
        for run in range(2):
            with watching(config) as process:
                journal.wait(up(run + 1))
                see_still(journal)
                picture.moving.set()
                journal.wait(started(run + 1))
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                picture.moving.clear()
            assert len(journal.episodes("end")) == run
        with watching(config):
            journal.wait(up(3))
    assert [boot.ended for boot in journal.boots()] == ["first", "crash", "crash"]
    assert len(journal.episodes("start")) == len(journal.episodes("end")) == 2
    for start, end in zip(journal.episodes("start"), journal.episodes("end"), strict=True):
        assert end.id == start.id
        assert end.until_mono_ms is not None
        assert end.until_mono_ms >= start.since_mono_ms
    journal.check()


def test_an_orderly_stop_ends_the_open_episode_and_is_told_from_a_crash(config: Path, window: Path, journal: Journal) -> None:
    with MovingPicture(window) as picture:
        with watching(config):
            journal.wait(up(1))
            see_still(journal)
            picture.moving.set()
            journal.wait(started(1))
        assert [record.type for record in journal.records()] == ["boot", "episode", "episode", "stop"]
        with watching(config):
            journal.wait(up(2))
    assert [boot.ended for boot in journal.boots()] == ["first", "orderly"]
    journal.check()


def test_a_window_damaged_under_a_living_writer_heals_and_nobody_dies(config: Path, window: Path, journal: Journal) -> None:
    with MovingPicture(window) as picture, watching(config) as process:
        journal.wait(up(1))
        see_still(journal)
        os.truncate(window, 100)
        see_still(journal, 0.5)
        with window.open("r+b") as file:
            file.write(os.urandom(150_000))
        see_still(journal, 0.5)
        picture.moving.set()
        journal.wait(started(1))
        assert process.poll() is None
    journal.check()


def test_a_window_of_garbage_raises_an_alarm_and_the_next_writer_clears_it(config: Path, window: Path, journal: Journal) -> None:
    with watching(config) as process:
        with MovingPicture(window):
            journal.wait(up(1))
            see_still(journal)
        window.write_bytes(os.urandom(200_000))
        journal.wait(lambda journal: len(journal.alarms()) >= 1)
        raised = journal.alarms()[0]
        assert (raised.code, raised.active) == ("no_picture.cam0", True)
        assert "damaged" in raised.text
        with MovingPicture(window, 160, 90):
            journal.wait(lambda journal: len(journal.alarms()) >= 2)
        assert process.poll() is None
    assert [alarm.active for alarm in journal.alarms()] == [True, False]
    journal.check()


def test_a_picture_that_changes_its_size_is_watched_on(config: Path, window: Path, journal: Journal) -> None:
    with watching(config):
        for number, size in enumerate(((320, 180), (96, 64))):
            with MovingPicture(window, *size) as picture:
                journal.wait(up(1))
                see_still(journal)
                picture.moving.set()
                journal.wait(started(number + 1))
                picture.moving.clear()
                journal.wait(ended(number + 1))
    journal.check()


# a disk that refuses, in this process

FOLDERS = NodeFolders(Path("/data"), Path("/dev/shm/edge-test-no-such-run-folder"))
MODEL = NodeConfig(
    node=Node(id="pole-1", data="/data"), camera=[Camera(id="cam0", source="synthetic:"), Camera(id="cam1", source="synthetic:")]
)


def told(disk: ModelDisk) -> list[tuple[str, str | None]]:
    return [(line.record.type, line.record.camera) for line in JournalReader(disk, FOLDERS.journal("watcher")).read(durable=False)]


def test_records_that_a_full_disk_refuses_wait_in_order_with_the_time_they_speak_of() -> None:
    disk, clock = ModelDisk(), ManualClock()
    watcher = Watcher(MODEL, FOLDERS, disk, clock)
    watcher.start()
    disk.fault = Fault(disk.operations + 1, "ENOSPC", forever=True)
    clock.advance(16)
    watcher.turn()
    happened = clock.read()
    assert told(disk) == [("boot", None)]
    clock.advance(60)
    disk.fault = None
    watcher.turn()
    assert told(disk) == [("boot", None), ("alarm", "cam0"), ("alarm", "cam1")]
    alarm = list(JournalReader(disk, FOLDERS.journal("watcher")).read())[-1].record
    assert alarm.mono_ms == happened.boot_ns // 1_000_000


def live(disk: ModelDisk, clock: ManualClock) -> None:
    """One run: started, cameras without pictures, stopped in order."""
    watcher = Watcher(MODEL, FOLDERS, disk, clock)
    watcher.start()
    for _ in range(4):
        clock.advance(16)
        watcher.turn()
    watcher.finish()


def records_after(fault: Fault) -> list[Record]:
    """What is in the journal after a run into the fault, with restarts until one run ended in order."""
    disk, clock = ModelDisk(), ManualClock()
    disk.fault = fault
    for _ in range(3):
        try:
            live(disk, clock)
            break
        except StorageError:
            clock.advance(5)
        except PowerLost:
            disk = disk.power_cut(fault.at)
    disk.fault = None
    reader = JournalReader(disk, FOLDERS.journal("watcher"))
    assert reader.verify() == []
    return [line.record for line in reader.read()]


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "short", "power"])
def test_a_disk_that_fails_at_any_operation_leaves_a_whole_chain_and_no_alarm_untold(
    kind: Literal["EIO", "ENOSPC", "short", "power"],
) -> None:
    undisturbed = ModelDisk()
    live(undisturbed, ManualClock())
    assert undisturbed.operations > 10
    for number in range(1, undisturbed.operations + 1):
        records = records_after(Fault(number, kind))
        alarms = {facts_of(record, AlarmRaised).code: facts_of(record, AlarmRaised).active for record in records if record.type == "alarm"}
        assert alarms == {"no_picture.cam0": True, "no_picture.cam1": True}, number
        assert records[0].type == "boot"
        assert records[-1].type == "stop"
        boots = [record.type for record in records].count("boot")
        assert boots == 1 or kind == "power", number
