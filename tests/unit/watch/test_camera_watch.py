"""One camera under watch, with a clock that moves when told and a real window file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc, parse_utc
from edge.config.model import Camera, Watch, Zone
from edge.messages.records import AlarmRaised, Episode
from edge.watch.camera import CameraWatch
from edge.window.luma import UNKNOWN, Exposure, LumaWriter
from tests.support.moving_picture import street

BOOT = "e0a6f7e2-4ec7-461a-bb68-5a5e563c7f0a"
ZONES = [Zone(name="left", polygon=[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]), Zone(name="right", polygon=[(0.5, 0), (1, 0), (1, 1), (0.5, 1)])]


CAMERA = Camera(id="cam0", source="synthetic:", zone=ZONES)


class Pole:
    """A camera, its window and its watch; pictures every 160 ms."""

    def __init__(self, window: Path, camera: Camera = CAMERA, *, alarmed: bool = False) -> None:
        self.clock = ManualClock()
        self.exposure = UNKNOWN
        self.watch = CameraWatch(camera, Watch(), window, BOOT, self.clock.read(), alarmed=alarmed)
        self.window = window
        self.writer: LumaWriter | None = None
        self.seq = 0
        self.facts: list[Episode | AlarmRaised] = []

    def show(self, pictures: int, across: tuple[float, float] | None = None) -> None:
        """Put that many pictures; `across`: the block moves from there to there."""
        self.writer = self.writer or LumaWriter(self.window, 320, 180)
        for number in range(pictures):
            self.clock.advance(0.16)
            at = across and across[0] + (across[1] - across[0]) * number / pictures
            self.writer.put(self.clock.boot_ns(), street(320, 180, at).tobytes(), self.seq, self.exposure)
            self.seq += 1
            self.turn()

    def silence(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.turn()

    def turn(self) -> None:
        self.facts += self.watch.turn(self.clock.read())

    def episodes(self) -> list[Episode]:
        return [facts for facts in self.facts if isinstance(facts, Episode)]

    def alarms(self) -> list[bool]:
        return [facts.active for facts in self.facts if isinstance(facts, AlarmRaised)]


@pytest.fixture
def pole(tmp_path: Path) -> Pole:
    return Pole(tmp_path / "luma")


def test_a_passage_is_one_episode_with_zones_boxes_and_true_times(pole: Pole) -> None:
    pole.show(20)
    before_ns = pole.clock.boot_ns()
    pole.show(30, (0.0, 1.0))
    after_ns = pole.clock.boot_ns()
    pole.show(30)
    start, end = pole.episodes()
    assert (start.state, end.state) == ("start", "end")
    assert start.id == end.id == f"cam0.e0a6f7e2.{start.since_mono_ms}"
    assert before_ns <= start.since_mono_ms * NS_PER_MS <= after_ns
    assert end.since == format_utc(pole.clock.read().utc_of(start.since_mono_ms * NS_PER_MS))
    assert end.until_mono_ms is not None
    assert abs(end.until_mono_ms * NS_PER_MS - after_ns) <= 800 * NS_PER_MS
    assert end.zones == ["left", "right"]
    assert 0 < end.score <= 1
    assert all(0 <= edge <= 1 for box in end.boxes for edge in box)
    assert len(end.path) == 4
    assert end.path[2] - end.path[0] > 0.6, "from the left to the right"
    assert parse_utc(end.mark_from or "") == parse_utc(end.since) - 5 * NS_PER_S
    assert parse_utc(end.mark_until or "") == parse_utc(end.until or "") + 5 * NS_PER_S
    assert start.mark_until is None


def test_the_same_picture_is_looked_at_once(pole: Pole) -> None:
    pole.show(20)
    pole.show(10, (0.0, 0.4))
    count = len(pole.facts)
    for _ in range(50):
        pole.turn()
    assert len(pole.facts) == count


def test_fewer_pictures_are_looked_at_when_told_so_and_a_passage_is_still_seen(pole: Pole) -> None:
    pole.watch.every = 2
    pole.show(40)
    assert (pole.watch.offered, pole.watch.looked) == (40, 20)
    pole.show(40, (0.0, 1.0))
    pole.show(40)
    assert [episode.state for episode in pole.episodes()] == ["start", "end"]


def test_in_a_full_hour_one_episode_takes_in_all_passages_also_after_a_restart(pole: Pole) -> None:
    now_ns = pole.clock.boot_ns()
    pole.watch = CameraWatch(CAMERA, Watch(), pole.window, BOOT, pole.clock.read(), starts_ns=[now_ns] * 60)
    pole.show(20)
    for _ in range(3):
        pole.show(30, (0.0, 1.0))
        pole.show(40)
    assert [(episode.state, episode.passages) for episode in pole.episodes()] == [("start", 1)]
    pole.clock.advance(3600)
    pole.show(40)
    assert [(episode.state, episode.passages) for episode in pole.episodes()] == [("start", 1), ("end", 3)]


@pytest.mark.parametrize(("lux", "found"), [(400.0, 0), (0.5, 2)])
def test_by_night_the_sensitivity_for_the_night_counts(tmp_path: Path, lux: float, found: int) -> None:
    """Blind by day, so that only the night sees; told by the camera's lux."""
    pole = Pole(tmp_path / "luma", Camera(id="cam0", source="synthetic:", sensitivity=0.02, sensitivity_night=1.0))
    pole.exposure = Exposure(lux=lux)
    pole.show(40)
    pole.show(40, (0.0, 1.0))
    pole.show(40)
    assert len(pole.episodes()) == found


def test_a_camera_that_never_shows_anything_gets_fifteen_seconds(pole: Pole) -> None:
    pole.silence(15)
    assert pole.alarms() == []
    pole.silence(60)
    assert pole.alarms() == [True]


def test_a_window_that_stalls_raises_after_five_seconds_and_clears_with_the_next_picture(pole: Pole) -> None:
    pole.show(10)
    pole.silence(5)
    assert pole.alarms() == []
    pole.silence(1)
    assert pole.alarms() == [True]
    pole.show(1)
    assert pole.alarms() == [True, False]


def test_a_stall_ends_the_open_episode_with_its_last_moving_picture(pole: Pole) -> None:
    pole.show(20)
    pole.show(20, (0.0, 0.7))
    last_ns = pole.clock.boot_ns()
    pole.silence(7)
    assert [episode.state for episode in pole.episodes()] == ["start", "end"]
    until_ms = pole.episodes()[-1].until_mono_ms
    assert until_ms is not None
    assert until_ms * NS_PER_MS <= last_ns
    assert pole.alarms() == [True]


def test_pictures_every_eight_seconds_are_no_stall(pole: Pole) -> None:
    for _ in range(6):
        pole.show(1)
        pole.silence(8)
    assert len(pole.alarms()) <= 2, "at most the first long pause is taken for a stall"


def test_an_alarm_left_by_a_previous_run_is_cleared_by_the_first_picture_and_not_raised_again(tmp_path: Path) -> None:
    pole = Pole(tmp_path / "luma", alarmed=True)
    pole.silence(60)
    assert pole.alarms() == []
    pole.show(1)
    assert pole.alarms() == [False]


def test_stopping_in_order_ends_what_is_open_and_nothing_else(pole: Pole) -> None:
    pole.show(20)
    assert pole.watch.finish(pole.clock.read()) == []
    pole.show(20, (0.0, 0.7))
    finished = pole.watch.finish(pole.clock.read())
    assert [facts.state for facts in finished if isinstance(facts, Episode)] == ["end"]


def test_a_step_of_utc_does_not_touch_an_episode(pole: Pole) -> None:
    pole.show(20)
    pole.show(15, (0.0, 0.5))
    pole.clock.step_utc(-86_400)
    pole.show(15, (0.5, 1.0))
    pole.show(30)
    start, end = pole.episodes()
    assert start.id == end.id
    assert start.since_mono_ms == end.since_mono_ms
