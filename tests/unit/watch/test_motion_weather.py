"""The detector in foul weather, with pictures missing and clocks that jump: on drawn streets, and on real footage where it is there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.motion import film_of, judged_by, ours
from edge.capture.street import Scene
from edge.clock import NS_PER_S
from edge.config.model import Zone
from edge.watch.motion import Detector, DetectorSettings
from edge.watch.zones import polygon_cells
from tests.support.depth import usually
from tests.support.street_watch import watch_street
from tests.support.vectors import SHARED
from tests.support.weather import WEATHERS

FOOTAGE = SHARED / "footage"
WIDTH, HEIGHT, FPS = 320, 180, 6.25
NIGHTS = ["noise", "snow", "exposure", "shake", "infrared", "compressed", "insects"]
"""What the drawn night is put through; the others leave too little of it to be judged."""
SOME_HIDE = {"night", "rain", "fog"}
"""Weather that takes most of the contrast: some people are missed."""
DAYS = usually(["rain", "snow", "exposure", "shake", "fog"], list(WEATHERS))
CASES = [(False, each) for each in DAYS] + [(True, each) for each in usually(["noise", "infrared", "insects"], NIGHTS)]
PICTURE = np.asarray(
    cv2.resize(np.random.default_rng(3).integers(50, 190, (23, 40), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC),
    np.uint8,
)


@pytest.mark.parametrize(("night", "weather"), CASES, ids=lambda value: {True: "by night", False: "by day"}.get(value, value))
def test_people_are_found_in_any_weather_and_weather_is_nobody(night: bool, weather: str) -> None:
    seeds = range(1, 1 + usually(2, 6))
    streets = [Scene(640, 360, 25.0, seed, night=night, traffic=0.4) for seed in seeds]
    watched = [watch_street(scene, 60.0, noise=2, weather=WEATHERS[weather]) for scene in streets]
    due, hits = sum(len(each.due) for each in watched), sum(each.hits for each in watched)
    assert due >= 5
    assert hits >= 0.7 * due if weather in SOME_HIDE or (night and weather in ("noise", "snow")) else hits == due
    assert sum(each.false_alarms for each in watched) == 0


@pytest.mark.parametrize("weather", ["fair", *usually([each for each in WEATHERS if each != "night"], list(WEATHERS))])
@pytest.mark.parametrize("view", usually(["wt"], ["wt", "car", "hw_near", "vt_grass"]))
def test_real_footage_in_any_weather(view: str, weather: str) -> None:
    if not (FOOTAGE / "motion_bench.py").is_file():
        pytest.skip(f"no footage at {FOOTAGE} (set EDGE_SHARED)")
    film, state = film_of(FOOTAGE, view, weather)
    told = judged_by(FOOTAGE, film, state, ours(1.0))
    assert told.hits == told.events
    assert told.false <= 2 * (weather in ("rain", "snow"))
    assert told.active <= 0.02 * told.quiet


def block(x: int, y: int = 80) -> NDArray[np.uint8]:
    shown = PICTURE.copy()
    shown[y : y + 24, max(0, x) : max(0, x + 24)] = 230
    return shown


@given(st.lists(st.booleans(), min_size=10, max_size=60), st.integers(0, 1000))
@settings(max_examples=usually(10, 400), deadline=None)
def test_pictures_that_are_missing_invent_nothing_and_hide_nobody(kept: list[bool], seed: int) -> None:
    """At most every second is missing for long: a machine under load."""
    chance = np.random.default_rng(seed)
    detector = Detector(WIDTH, HEIGHT)
    pictures = [PICTURE] * 40 + [block(x) for x in range(-16, WIDTH, 6)] + [PICTURE] * 40
    found, gone = [], False
    for number, picture in enumerate(pictures):
        gone = not kept[number % len(kept)] and not gone
        if not gone:
            noisy = np.clip(picture + chance.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
            if detector.look(noisy, round(number / FPS * NS_PER_S)).score > 0:
                found.append(number)
    assert found
    assert min(found) >= 40
    assert max(found) < len(pictures) - 20


@given(st.lists(st.integers(-(10**13), 10**13), min_size=2, max_size=30))
@settings(max_examples=usually(50, 1000), deadline=None)
def test_a_clock_that_jumps_makes_no_motion_of_a_still_picture(instants: list[int]) -> None:
    detector = Detector(WIDTH, HEIGHT)
    assert not any(detector.look(PICTURE, boot_ns).score for boot_ns in instants)


corners = st.tuples(st.floats(0, 1), st.floats(0, 1))
zones = st.builds(
    Zone,
    name=st.sampled_from(["gate", "yard", "road"]),
    polygon=st.lists(corners, min_size=3, max_size=8),
    kind=st.sampled_from(["include", "exclude"]),
    sensitivity=st.sampled_from([0.5, 1.0, 2.0]),
)


@given(st.lists(zones, max_size=4), st.integers(0, HEIGHT - 24))
@settings(max_examples=usually(20, 1000), deadline=None)
def test_what_is_reported_touches_a_watched_place_and_no_excluded_one_alone(given_zones: list[Zone], y: int) -> None:
    detector = Detector(WIDTH, HEIGHT, DetectorSettings(zones=tuple(given_zones)))
    closed = np.zeros((detector.rows, detector.columns), bool)
    for zone in given_zones:
        if zone.kind == "exclude":
            closed |= polygon_cells(zone.polygon, detector.columns, detector.rows)
    included = {zone.name for zone in given_zones if zone.kind == "include"}
    for number, x in enumerate([-24] * 20 + list(range(-16, WIDTH, 8))):
        look = detector.look(block(x, y), round(number / FPS * NS_PER_S))
        assert set(look.zones) <= included
        assert 0 <= look.score <= 1
        for left, top, width, height in look.boxes:
            rows = slice(round(top * detector.rows), round((top + height) * detector.rows))
            columns = slice(round(left * detector.columns), round((left + width) * detector.columns))
            assert not closed[rows, columns].all()
