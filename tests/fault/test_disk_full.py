"""A real ext4 that another writer keeps filled to the brim while the ring is written: the oldest footage makes room, held footage stays,
every loss is recorded, and recording goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc, parse_utc
from edge.host.linux_disk import LinuxDisk, LinuxFile
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import AlarmRaised, Erase, Gap, Segment
from edge.ring.check import Bounds, check
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.limits import RingLimits
from edge.ring.query import RingReader
from edge.ring.retain import Policy
from tests.support.foreigner import Foreigner
from tests.support.loop_disk import LoopDisk
from tests.support.pole import CAMERA, FPS, Pole

DISK_MB = 64
SEGMENT_S = 5
GOP_BYTES = 120_000
RESERVE_BYTES = 1_000_000
POLICY = Policy(days=30.0, minimum_days=20.0, reserve_bytes=RESERVE_BYTES, profile="pl-guard")
NOON_UTC_S = parse_utc("2026-11-22T12:00:00Z") // NS_PER_S
MIDNIGHT_UTC_S = parse_utc("2026-11-23T00:00:00Z") // NS_PER_S

pytestmark = pytest.mark.root


class Town:
    """One small disk, its recorder, and somebody else."""

    def __init__(self, root: Path, disk: LinuxDisk, utc_s: int) -> None:
        limits = RingLimits(segment_s=float(SEGMENT_S), bitrate_kbps=GOP_BYTES * 8 // 1000)
        self.pole = Pole(disk=disk, clock=ManualClock(utc_s * NS_PER_S), data=root / "data", limits=limits, policy=POLICY)
        self.pole.camera.filler_bytes = GOP_BYTES
        self.pole.start()
        self.foreigner = Foreigner(root / "somebody-elses.log")

    def record(self, seconds: int, *, pressed: bool = False) -> int:
        """How many of them were written. A GOP that the disk refuses is lost, as from a queue that is full. pressed: before each one
        somebody takes all that is free."""
        written = 0
        for _ in range(seconds):
            if pressed:
                self.foreigner.grow()
            written += self.pole.second() is None
        return written

    def hold(self, first_s: float, last_s: float, quota_percent: float = 50.0) -> list[int]:
        """Locks what was recorded from `first_s` to `last_s` seconds ago; the numbers of the segments held."""
        pole, now_ns = self.pole, self.pole.clock.read().utc_ns
        journal = JournalWriter(pole.disk, pole.folders.journal("agent"), pole.clock, pole.boot)
        reader = RingReader(pole.disk, pole.data, pole.clock, pole.boot)
        start, end = (format_utc(now_ns - round(ago_s * NS_PER_S)) for ago_s in (first_s, last_s))
        request = HoldRequest("h1", CAMERA, start, end, case="RSW 12/26", by="J. Nowak")
        held = Holds(pole.disk, pole.data, journal, pole.clock, reader, quota_percent).add(request)
        journal.close()
        return held.segments

    def pause_camera(self, seconds: float) -> None:
        self.pole.recording.gap("camera_died", "the cable was cut")
        self.pole.clock.advance(seconds)
        self.pole.recording.start(self.pole.camera.info())

    def seqs(self) -> list[int]:
        return [name.seq for name in self.pole.names()]

    def gaps(self) -> list[Gap]:
        """Those that are over."""
        return [gap for gap in self.pole.facts(Gap) if not gap.open]

    def verify(self) -> None:
        """Stops, then: the check finds nothing, and everything erased is accounted for."""
        pole = self.pole
        pole.stop()
        report = check(LinuxDisk(), pole.data, deep=True, clock=pole.clock, bounds=Bounds(POLICY.days, RESERVE_BYTES))
        assert report.ok, report.findings
        assert JournalReader(LinuxDisk(), pole.journal.folder).verify() == []
        recorded = {segment.seq: segment for segment in pole.facts(Segment)}
        erased = {erase.seq: erase for erase in pole.facts(Erase)}
        assert len(erased) == len(pole.facts(Erase))
        assert set(recorded) == {*self.seqs(), *erased}
        for seq, erase in erased.items():
            assert (erase.sha256, erase.bytes) == (recorded[seq].sha256, recorded[seq].bytes)


class Raced(LinuxDisk):
    """Somebody takes what the sweep has freed before the recorder can, `times` times."""

    def __init__(self) -> None:
        self.foreigner: Foreigner | None = None
        self.times = 0

    def create(self, path: Path) -> LinuxFile:
        if self.foreigner is not None and self.times and path.parent.name == "open":
            self.times -= 1
            self.foreigner.grow()
        return super().create(path)


@contextmanager
def town_on(loop: LoopDisk, disk: LinuxDisk | None = None, utc_s: int = NOON_UTC_S) -> Iterator[Town]:
    town = Town(loop.root, disk or LinuxDisk(), utc_s)
    try:
        yield town
    finally:
        town.pole.recording.close()
        town.pole.journal.close()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[LoopDisk]:
    disk = LoopDisk(tmp_path, size_mb=DISK_MB)
    yield disk
    disk.unmount()


def test_another_writer_at_the_brim_costs_the_oldest_footage_and_nothing_else(loop: LoopDisk) -> None:
    with town_on(loop) as town:
        town.record(30)
        held = town.hold(first_s=20, last_s=18)
        town.pause_camera(21 * 86_400.0)
        town.record(300)
        before = town.seqs()
        assert town.record(60, pressed=True) == 60
        assert town.foreigner.held_bytes > 20_000_000
        erased = town.pole.facts(Erase)
        assert len(erased) > 12
        assert [each.seq for each in erased] == [seq for seq in before if seq not in held][: len(erased)]
        assert {each.reason for each in erased} == {"space"}
        assert [each.early for each in erased] == [each.seq > 6 for each in erased]
        assert held
        assert set(held) <= set(town.seqs())
        assert_an_alarm_came_with_the_first_early_erasure(town)
        town.foreigner.go()
        assert town.record(30) == 30
        town.verify()
        assert [gap.reason for gap in town.gaps()] == ["camera_died"]


def assert_an_alarm_came_with_the_first_early_erasure(town: Town) -> None:
    lines = town.pole.lines()
    erased = next(place for place, line in enumerate(lines) if line.record.type == "erase" and b'"early":true' in line.raw)
    raised = [place for place, line in enumerate(lines) if line.record.type == "alarm" and b"erased_early" in line.raw]
    assert len(raised) == 1
    assert {line.record.type for line in lines[erased : raised[0]]} == {"erase"}
    alarms = {(alarm.code, alarm.active) for alarm in town.pole.facts(AlarmRaised)}
    assert alarms == {(f"erased_early.{CAMERA}", True)}


def test_midnight_at_the_brim_needs_a_folder_and_gets_one(loop: LoopDisk) -> None:
    with town_on(loop, utc_s=MIDNIGHT_UTC_S - 225) as town:
        town.record(205)
        assert town.record(60, pressed=True) == 60
        assert town.pole.folder.days() == ["2026-11-22", "2026-11-23"]
        assert len(town.pole.folder.opened()) <= 2, "what could not be filed away is filed away with the next room"
        town.foreigner.go()
        assert town.record(10) == 10
        town.verify()


def test_somebody_who_takes_the_room_that_was_made_costs_seconds_that_are_explained(loop: LoopDisk) -> None:
    disk = Raced()
    with town_on(loop, disk) as town:
        town.record(200)
        town.foreigner.grow()
        disk.foreigner, disk.times = town.foreigner, 3
        assert town.record(20) >= 20 - 5
        assert disk.times == 0
        assert [gap.reason for gap in town.gaps()] == ["disk_error"]
        assert town.gaps()[0].frames_lost
        town.foreigner.go()
        assert town.record(20) == 20
        town.verify()
        assert len(town.gaps()) == 1


def test_with_everything_held_recording_pauses_and_goes_on_when_there_is_room_again(loop: LoopDisk) -> None:
    with town_on(loop) as town:
        town.record(102)
        held = town.hold(first_s=200, last_s=0, quota_percent=90.0)
        assert held == [*town.seqs(), *town.pole.folder.opened()]
        assert town.record(125, pressed=True) <= SEGMENT_S
        assert "full" in town.pole.recording.progress.refusal
        assert [(alarm.code, alarm.active) for alarm in town.pole.facts(AlarmRaised)] == [(f"ring_full.{CAMERA}", True)]
        assert set(held) <= set(town.seqs())
        town.foreigner.go()
        town.record(20)
        assert town.record(10) == 10
        town.verify()
        assert set(held) <= set(town.seqs())
        assert [alarm.active for alarm in town.pole.facts(AlarmRaised)] == [True, False]
        assert [gap.reason for gap in town.gaps()] == ["disk_error"]
        paused = town.gaps()[-1]
        assert "full" in paused.text
        assert (paused.frames_lost or 0) >= 120 * FPS
        assert (paused.end_mono_ms or 0) - (paused.start_mono_ms or 0) >= 120_000


def test_a_hold_that_grows_keeps_its_range_at_the_brim_though_nobody_links_it(loop: LoopDisk) -> None:
    """As long as anything that is not held can go, recording goes on; the hold was made by the local tool, and no agent runs."""
    with town_on(loop) as town:
        town.record(250)
        now_s = town.pole.clock.read().utc_ns / NS_PER_S
        linked = town.hold(first_s=5, last_s=-60, quota_percent=90.0)
        assert town.record(90, pressed=True) == 90
        in_range = [
            name for name in town.pole.names() if now_s - 7 < (name.end_utc_ms or 0) / 1000 and (name.start_utc_ms or 0) / 1000 < now_s + 62
        ]
        assert len(in_range) > len(linked) + 10
        assert [name.seq for name in in_range] == list(range(in_range[0].seq, in_range[-1].seq + 1))
        assert {each.seq for each in town.pole.facts(Erase)} & {name.seq for name in in_range} == set()
        links = {name.seq: LinuxDisk().stat(town.pole.ring / name.path).nlink for name in in_range}
        assert [seq for seq, count in links.items() if count > 1] == [seq for seq in linked if seq in links]
        assert town.pole.facts(Erase), "others made room"
        assert [gap.reason for gap in town.gaps()] == []
        town.foreigner.go()
        town.record(10)
        town.verify()


def test_a_disk_crowded_with_somebodys_small_files_is_one_that_is_full(tmp_path: Path) -> None:
    disk = LoopDisk(tmp_path, DISK_MB, inodes=200)
    try:
        with town_on(disk) as town:
            town.record(100)
            made = 0
            for _ in range(60):
                made += town.foreigner.crowd()
                assert town.record(1) == 1
            assert made > 100
            assert LinuxDisk().space(disk.root).free_inodes < 2
            erased = town.pole.facts(Erase)
            assert [each.seq for each in erased] == list(range(1, len(erased) + 1))
            assert 1 < len(erased) < 40
            town.verify()
            assert town.gaps() == []
    finally:
        disk.unmount()


def test_a_process_that_takes_all_that_becomes_free_does_not_end_the_recording(loop: LoopDisk) -> None:
    with town_on(loop) as town:
        town.record(250)
        argv = [sys.executable, "-m", "tests.support.foreigner", str(loop.root / "somebody-elses.log")]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "brim\n"
                written = town.record(60)
            finally:
                process.kill()
        assert written >= 30
        assert town.pole.facts(Erase)
        town.foreigner.go()
        town.record(10)
        assert town.record(20) == 20
        town.verify()
