"""The detector: on the synthetic street, whose truth is known, and on the troubles of a pole."""

from __future__ import annotations

import statistics
import time

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.drawing import Street
from edge.capture.street import Scene
from edge.clock import NS_PER_S
from edge.config.model import Zone
from edge.watch.motion import Detector, DetectorSettings, Look
from edge.window.luma import UNKNOWN, Exposure
from tests.support.street_watch import watch_street

WIDTH, HEIGHT, FPS = 320, 180, 6.25
Luma = NDArray[np.uint8]


@pytest.mark.parametrize(("night", "noise"), [(False, 0), (False, 6), (True, 2), (True, 6)])
def test_everybody_on_the_street_is_found_and_nobody_is_invented(night: bool, noise: int) -> None:
    watched = [watch_street(Scene(640, 360, 25.0, seed, night=night, traffic=0.3), 120.0, noise=noise) for seed in range(4)]
    assert sum(len(street.due) for street in watched) >= 10
    assert sum(street.hits for street in watched) == sum(len(street.due) for street in watched)
    assert sum(street.false_alarms for street in watched) == 0
    assert sum(street.right for street in watched) >= 0.98 * sum(street.looks for street in watched)


@pytest.mark.parametrize("noise", [0, 8])
def test_an_empty_street_is_still(noise: int) -> None:
    watched = watch_street(Scene(640, 360, 25.0, 1, night=True, traffic=0.0), 120.0, noise=noise)
    assert watched.looks == 0


def wall(seed: int = 0) -> Luma:
    """A textured, still picture."""
    rough = np.random.default_rng(seed).integers(50, 190, (23, 40), dtype=np.uint8)
    return np.asarray(cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def with_block(picture: Luma, x: int, y: int = 80, size: int = 24) -> Luma:
    shown = picture.copy()
    shown[y : y + size, max(0, x) : x + size] = 230
    return shown


class Bench:
    """Feeds pictures at 6.25 a second."""

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.detector = Detector(WIDTH, HEIGHT, settings)
        self.number = 0
        self._noise = np.random.default_rng(5)

    def look(self, picture: Luma, exposure: Exposure = UNKNOWN) -> Look:
        self.number += 1
        noisy = np.clip(picture + self._noise.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        return self.detector.look(noisy, round(self.number / FPS * NS_PER_S), exposure)

    def rest(self, picture: Luma, seconds: float, exposure: Exposure = UNKNOWN) -> list[Look]:
        return [self.look(picture, exposure) for _ in range(round(seconds * FPS))]

    def pass_by(self, picture: Luma, y: int = 80) -> list[Look]:
        return [self.look(with_block(picture, x, y)) for x in range(-16, WIDTH, 8)]


def moving(looks: list[Look]) -> int:
    return sum(look.score > 0 for look in looks)


def test_something_that_passes_is_found_where_it_is() -> None:
    bench = Bench()
    assert moving(bench.rest(wall(), 5)) == 0
    found = [look for look in bench.pass_by(wall()) if look.score > 0]
    assert len(found) >= 20
    _, y, width, height = found[len(found) // 2].boxes[0]
    assert y < (80 + 12) / HEIGHT < y + height
    assert width < 0.3
    assert height < 0.3
    assert 0 < found[0].score < 0.2
    assert moving(bench.rest(wall(), 5)[-20:]) == 0


def test_what_stops_is_motion_no_more_and_its_leaving_leaves_no_ghost() -> None:
    bench = Bench()
    bench.rest(wall(), 5)
    arrived = [bench.look(with_block(wall(), x)) for x in range(-16, 160, 8)]
    assert moving(arrived) > 10
    assert moving(bench.rest(with_block(wall(), 152), 20)[-60:]) == 0
    left = [bench.look(with_block(wall(), x)) for x in range(152, WIDTH, 8)]
    assert moving(left) > 8
    assert moving(bench.rest(wall(), 8)[-25:]) == 0


def test_a_lamp_a_cloud_and_the_exposure_are_no_motion() -> None:
    bench = Bench()
    base = wall().astype(np.float32)
    bench.rest(wall(), 5)
    ramp = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None]
    found = 0
    for gain, side in ((1.3, 0.0), (0.75, 0.0), (1.15, 0.25), (1.0, 0.0)):
        lit = np.clip(base * gain * (1 + side * ramp), 0, 255).astype(np.uint8)
        found += moving(bench.rest(lit, 4))
    for step in range(40):
        cloud = np.clip(base * (1 - 0.01 * min(step, 40 - step)), 0, 255).astype(np.uint8)
        found += moving([bench.look(cloud)])
    assert found == 0


@pytest.mark.parametrize("told", [False, True], ids=["camera silent", "camera tells"])
def test_lawns_that_light_up_when_the_infrared_filter_leaves_are_no_motion_where_the_camera_tells(told: bool) -> None:
    """Grass is bright in infra-red, walls are not: no smooth field explains it. A camera's word does, and what walks is still seen."""
    bench, base = Bench(), wall()
    lawn = base.copy()
    for x in range(0, WIDTH, 80):
        lawn[110:150, x : x + 30] = np.minimum(lawn[110:150, x : x + 30] * 1.7, 255).astype(np.uint8)
    day, night = (Exposure(8_000, 1.0, 900, 5200), Exposure(33_000, 6.0, 2, 2400)) if told else (UNKNOWN, UNKNOWN)
    bench.rest(base, 5, day)
    assert bench.look(lawn, night).score == 0
    active = [float(np.mean(bench.detector.active))]
    found = moving(bench.rest(lawn, 6, night))
    assert found == 0
    assert (active[0] < 0.001) == told
    assert moving(bench.pass_by(lawn, y=40)) >= 20


def test_a_swaying_pole_is_no_motion() -> None:
    bench, found = Bench(), 0
    for number in range(150):
        shift = 1.2 * np.sin(2 * np.pi * 0.4 * number / FPS)
        swayed = cv2.warpAffine(wall(), np.array([[1, 0, shift], [0, 1, 0]], np.float32), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        look = bench.look(np.asarray(swayed, np.uint8))
        found += number > 30 and look.score > 0
    assert found == 0


def test_a_picture_that_changes_as_a_whole_is_learnt_anew_and_is_no_motion() -> None:
    bench = Bench()
    bench.rest(wall(1), 5)
    looks = bench.rest(wall(2), 5)
    assert [look.note for look in looks].count("scene change") >= 1
    assert moving(looks) == 0
    assert moving(bench.pass_by(wall(2))) >= 20


def test_a_lorry_close_to_the_lens_is_motion_and_not_a_new_scene() -> None:
    bench = Bench()
    bench.rest(wall(), 5)
    looks = []
    for x in range(-140, WIDTH, 45):
        shown = wall()
        shown[20:, max(0, x) : max(0, x + 140)] = 215
        looks.append(bench.look(shown))
    assert not any(look.note for look in looks)
    assert moving(looks) >= 4


def test_an_excluded_zone_is_blind_and_the_rest_is_not() -> None:
    upper = Zone(name="road", polygon=[(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)], kind="exclude")
    bench = Bench(DetectorSettings(zones=(upper,)))
    bench.rest(wall(), 5)
    assert moving(bench.pass_by(wall(), y=30)) == 0
    assert moving(bench.pass_by(wall(), y=130)) >= 20


@pytest.mark.parametrize(("least_m", "seen"), [(0.5, True), (2.0, False)])
def test_what_is_shorter_than_its_zone_wants_is_no_motion(least_m: float, seen: bool) -> None:
    """The block is 24 of 320 pixels wide: 0.9 m where the picture spans 12 m."""
    whole = Zone(name="yard", polygon=[(0, 0), (1, 0), (1, 1), (0, 1)], span_m=12.0, least_m=least_m)
    bench = Bench(DetectorSettings(zones=(whole,)))
    bench.rest(wall(), 5)
    assert (moving(bench.pass_by(wall())) >= 20) == seen


def test_a_path_leads_from_where_something_was_first_seen_to_where_it_is() -> None:
    bench = Bench()
    bench.rest(wall(), 5)
    x, y, to_x, to_y = [look for look in bench.pass_by(wall(), y=40) if look.score > 0][-1].paths[0]
    assert x < 0.2
    assert to_x > 0.8
    assert abs(to_y - y) < 0.1
    assert abs(to_y - 52 / HEIGHT) < 0.1


def test_include_zones_say_which_of_them_was_touched() -> None:
    left = Zone(name="gate", polygon=[(0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)])
    right = Zone(name="yard", polygon=[(0.7, 0.0), (1.0, 0.0), (1.0, 1.0), (0.7, 1.0)])
    bench = Bench(DetectorSettings(zones=(left, right)))
    bench.rest(wall(), 5)
    touched = [set(look.zones) for look in bench.pass_by(wall())]
    assert {"gate"} in touched
    assert {"yard"} in touched
    assert not any(look == {"gate", "yard"} for look in touched)


def test_sensitivity_decides_whether_a_faint_passer_counts() -> None:
    def pass_faintly(sensitivity: float) -> int:
        bench = Bench(DetectorSettings(sensitivity=sensitivity))
        flat = np.full((HEIGHT, WIDTH), 90, np.uint8)
        bench.rest(flat, 5)
        faint = []
        for x in range(0, WIDTH - 24, 6):
            shown = flat.copy()
            shown[80:104, x : x + 24] = 96
            faint.append(bench.look(shown))
        return moving(faint)

    assert pass_faintly(0.5) == 0
    assert pass_faintly(3.0) > 10


@pytest.mark.parametrize("size", [(64, 48), (161, 91), (320, 180), (640, 360), (1280, 720), (100, 720)])
def test_any_size_of_picture_and_any_content_is_looked_at(size: tuple[int, int]) -> None:
    width, height = size
    detector, random = Detector(width, height), np.random.default_rng(1)
    for number in range(30):
        extreme = np.full((height, width), 0 if number % 2 else 255, np.uint8)
        noise = random.integers(0, 256, (height, width), dtype=np.uint8)
        look = detector.look(noise if number % 3 else extreme, round(number / FPS * NS_PER_S))
        assert 0.0 <= look.score <= 1.0
        assert all(0 <= x <= 1 and 0 <= y <= 1 and w > 0 and h > 0 for x, y, w, h in look.boxes)


def test_time_that_stands_still_or_jumps_back_is_survived() -> None:
    detector = Detector(WIDTH, HEIGHT)
    for boot_ns in (10, 10, 10, 11, 5, NS_PER_S, 100 * NS_PER_S, 0):
        assert detector.look(wall(), boot_ns).score == 0


def test_a_look_at_a_320x180_picture_takes_far_less_than_a_millisecond_of_cpu() -> None:
    street, detector, took_ns = Street(Scene(WIDTH, HEIGHT, 25.0, 2, traffic=1.0), 4), Detector(WIDTH, HEIGHT), []
    for number in range(0, 1200, 4):
        luma = street.draw(number)[:HEIGHT].copy()
        began_ns = time.thread_time_ns()
        detector.look(luma, round(number / 25 * NS_PER_S))
        took_ns.append(time.thread_time_ns() - began_ns)
    assert statistics.median(took_ns[50:]) < 1_500_000, "1 ms, with room for a busy test machine"
