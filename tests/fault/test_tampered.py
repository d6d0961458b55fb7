"""A tampered camera as crews learn of it: alarms in the watcher's journal, over restarts, a full disk and a new aim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.config.model import Camera, Node, NodeConfig, Watch
from edge.host.model_disk import Fault, ModelDisk
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, facts_of
from edge.ring.layout import NodeFolders
from edge.services.watcher import Watcher
from edge.window.luma import LumaWriter
from tests.support.command import edge
from tests.support.nodefile import write_config
from tests.support.tampering import Picture, covered, turned
from tests.unit.watch.test_tamper import FPS, street

STEP_S = 1 / FPS
WATCH = Watch()


class Pole:
    def __init__(self, folder: Path) -> None:
        self.folders = NodeFolders(Path("/data"), folder)
        self.folders.run("cam0").mkdir()
        self.disk, self.clock, self.seq = ModelDisk(), ManualClock(), 0
        self.window = LumaWriter(self.folders.run("cam0") / "luma", 320, 180)
        self.watcher = self.started()

    def started(self, watch: Watch = WATCH) -> Watcher:
        config = NodeConfig(node=Node(id="pole-1", data="/data"), camera=[Camera(id="cam0", source="synthetic:")], watch=watch)
        made = Watcher(config, self.folders, self.disk, self.clock)
        made.start()
        return made

    def show(self, seconds: float, effect: Callable[[Picture, float], Picture] | None = None) -> None:
        for _ in range(round(seconds * FPS)):
            self.clock.advance(STEP_S)
            picture = street(False)(self.seq)
            self.window.put(self.clock.boot_ns(), (effect(picture, 1.0) if effect else picture).tobytes(), self.seq)
            self.seq += 1
            self.watcher.turn()

    def alarms(self) -> list[tuple[str, bool]]:
        """Since the last boot record."""
        found: list[tuple[str, bool]] = []
        for line in JournalReader(self.disk, self.folders.journal("watcher")).read(durable=False):
            if line.record.type == "boot":
                found = []
            elif line.record.type == "alarm":
                facts = facts_of(line.record, AlarmRaised)
                found.append((facts.code, facts.active))
        return found


@pytest.fixture
def pole(tmp_path: Path) -> Pole:
    return Pole(tmp_path)


def test_a_covered_lens_is_told_with_what_to_do_stands_over_a_restart_and_clears(pole: Pole) -> None:
    pole.show(80)
    assert pole.alarms() == []
    pole.show(10, covered)
    assert pole.alarms() == [("lens_covered.cam0", True)]
    (line,) = (
        line for line in JournalReader(pole.disk, pole.folders.journal("watcher")).read(durable=False) if line.record.type == "alarm"
    )
    alarm = facts_of(line.record, AlarmRaised)
    assert alarm.severity == "critical"
    assert "since" in alarm.text
    assert "ladder" in alarm.todo
    pole.watcher.finish()
    pole.watcher = pole.started()
    pole.show(20, covered)
    assert pole.alarms() == [("lens_covered.cam0", True)], "said again, once"
    pole.show(12)
    assert pole.alarms() == [("lens_covered.cam0", True), ("lens_covered.cam0", False)]


def test_a_lens_covered_while_nobody_watched_is_told(pole: Pole) -> None:
    pole.show(80)
    pole.watcher.finish()
    pole.watcher = pole.started()
    pole.show(10, covered)
    assert pole.alarms() == [("lens_covered.cam0", True)]


def test_a_scene_whose_file_is_taken_away_is_learnt_anew(pole: Pole) -> None:
    pole.show(80)
    pole.show(10, turned)
    assert pole.alarms() == [("camera_turned.cam0", True)]
    pole.disk.unlink(pole.folders.scene("cam0"))
    pole.show(30, turned)
    assert pole.alarms() == [("camera_turned.cam0", True), ("camera_turned.cam0", False)]
    pole.show(80, turned)
    assert pole.disk.stat(pole.folders.scene("cam0")).size > 0


@pytest.mark.parametrize("damage", [b"", b"PK garbage", b"\0" * 5000])
def test_a_damaged_file_is_no_file(pole: Pole, damage: bytes) -> None:
    pole.show(80)
    pole.watcher.finish()
    pole.disk.replace(pole.folders.scene("cam0"), damage)
    pole.watcher = pole.started()
    pole.show(20)
    pole.show(10, covered)
    assert pole.alarms() == [("lens_covered.cam0", True)]


def test_a_disk_that_refuses_costs_the_file_and_nothing_else(pole: Pole) -> None:
    pole.show(10)
    pole.disk.fault = Fault(pole.disk.operations + 1, "ENOSPC", forever=True)
    pole.show(80)
    pole.disk.fault = None
    pole.show(10, covered)
    assert pole.alarms() == [("lens_covered.cam0", True)]


def test_without_tamper_nothing_is_told_and_what_stood_is_over(pole: Pole) -> None:
    pole.show(20)
    pole.show(10, covered)
    pole.watcher.finish()
    pole.watcher = pole.started(Watch(tamper=False))
    pole.show(20, covered)
    assert pole.alarms() == [("lens_covered.cam0", False)]


def test_a_view_is_accepted_on_the_command_line(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    scene = tmp_path / "data/watch/cam0.npz"
    scene.parent.mkdir(parents=True)
    scene.write_bytes(b"-")
    outcome = edge("scene", "accept", "--config", config, "--camera", "cam0")
    assert (outcome.code, outcome.out) == (0, "cam0: the view is learnt anew\n")
    assert not scene.exists()
    assert "nothing was kept yet" in edge("scene", "accept", "--config", config, "--camera", "cam0").out
    unknown = edge("scene", "accept", "--config", config, "--camera", "cam9")
    assert unknown.code == 2
    assert "known: cam0" in unknown.err
