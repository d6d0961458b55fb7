"""Tampering is found within ten seconds and named, what is none stays silent: drawn streets, and real footage where it is there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.drawing import Street
from edge.capture.street import Scene
from edge.clock import NS_PER_S
from edge.watch.tamper import BLIND_S, CLEAR_S, Change, TamperWatch
from tests.support.depth import usually
from tests.support.tampering import HARMLESS, HEIGHT, TAMPERINGS, WIDTH, Picture, covered, turned
from tests.support.vectors import SHARED

FPS = 5.0
WITHIN_S = 10.0
BEFORE_S = 30.0
FOOTAGE = SHARED / "footage"
CLIPS = {
    "walkers": ("pets2009_s2l1_vtest.avi", 0.5),
    "cars": ("intel_car-detection.mp4", 0.5),
    "motorway": ("dvrscan_traffic_camera.mp4", 0.5),
}
Scenery = Callable[[int], Picture]
"""Picture n, FPS a second."""


@cache
def street(night: bool) -> Scenery:
    scene = Scene(width=WIDTH, height=HEIGHT, fps=FPS, night=night, traffic=0.5, seed=3)
    drawn = Street(scene, noise=4 if night else 2)
    return lambda number: drawn.draw(number)[:HEIGHT].copy()


@cache
def clip(name: str) -> Scenery:
    """To and fro, as long as is asked for."""
    path = FOOTAGE / CLIPS[name][0]
    if not path.is_file():
        pytest.skip(f"no footage at {path} (set EDGE_SHARED)")
    film = cv2.VideoCapture(str(path))
    pictures: list[Picture] = []
    for number in itertools.count():
        there, picture = film.read()
        if not there or len(pictures) >= 300:
            break
        if number % 5 == 0:
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            pictures.append(np.asarray(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8))
    order = [*range(len(pictures)), *range(len(pictures) - 2, 0, -1)]
    return lambda number: pictures[order[number % len(order)]]


def scenery(name: str) -> Scenery:
    return street(name == "night") if name in ("day", "night") else clip(name)


SCENES = ["day", "night", *usually(["walkers"], list(CLIPS))]


def told(watch: TamperWatch, pictures: Iterator[Picture], since_s: float = 0.0) -> Iterator[tuple[float, Change]]:
    """When (s) each change was told."""
    for number, picture in enumerate(pictures):
        now_s = since_s + number / FPS
        for change in watch.look(picture, round((100 + now_s) * NS_PER_S)):
            yield now_s, change


def staged(scene: Scenery, effect: Callable[[Picture, float], Picture], ramp_s: float, seconds: float) -> Iterator[Picture]:
    """As it is for BEFORE_S, then the effect."""
    for number in range(round((BEFORE_S + seconds) * FPS)):
        part = min(1.0, max(0.0, (number / FPS - BEFORE_S) / ramp_s))
        yield effect(scene(number), part)


@pytest.mark.parametrize("kind", TAMPERINGS)
@pytest.mark.parametrize("name", SCENES)
def test_each_kind_is_found_within_ten_seconds_and_by_its_name(name: str, kind: str) -> None:
    effect, ramp_s = TAMPERINGS[kind]
    found = list(told(TamperWatch(), staged(scenery(name), effect, ramp_s, ramp_s + WITHIN_S)))
    assert found, "nothing was found"
    when_s, change = found[0]
    assert (change.kind, change.active) == (kind, True), found
    assert when_s >= BEFORE_S
    assert when_s - BEFORE_S <= ramp_s + WITHIN_S
    assert abs(change.since_ns / NS_PER_S - 100 - BEFORE_S) <= ramp_s + 5.0


@pytest.mark.parametrize("harmless", HARMLESS)
@pytest.mark.parametrize("name", SCENES)
def test_what_is_no_tampering_is_not_told(name: str, harmless: str) -> None:
    effect, ramp_s = HARMLESS[harmless]
    assert list(told(TamperWatch(), staged(scenery(name), effect, ramp_s, ramp_s + 15.0))) == []


@pytest.mark.parametrize("name", SCENES)
def test_an_untouched_camera_is_silent(name: str) -> None:
    scene = scenery(name)
    assert list(told(TamperWatch(), (scene(number) for number in range(round(120 * FPS))))) == []


def test_an_alarm_ends_when_the_lens_is_free_again() -> None:
    scene, watch = street(False), TamperWatch()
    list(told(watch, staged(scene, covered, 1.0, 10.0)))
    ((when_s, change),) = told(watch, (scene(number) for number in range(round(30 * FPS))), 40.0)
    assert (change.kind, change.active) == ("covered", False)
    assert CLEAR_S <= when_s - 40.0 <= CLEAR_S + 3.0


@pytest.mark.parametrize("distance", [1, 3, 20])
def test_pictures_that_repeat_are_no_live_pictures(distance: int) -> None:
    scene, watch = street(False), TamperWatch()
    live = [scene(number) for number in range(round(20 * FPS))]
    assert list(told(watch, iter(live))) == []
    ((when_s, change),) = told(watch, itertools.islice(itertools.cycle(live[-distance:]), round(14 * FPS)), 20.0)
    assert (change.kind, change.active, change.measure) == ("frozen", True, float(distance))
    assert when_s - 20.0 <= WITHIN_S + distance / FPS
    ((_, over),) = told(watch, (scene(number) for number in range(200, 200 + round(12 * FPS))), 34.0)
    assert (over.kind, over.active) == ("frozen", False)


def test_a_restarted_watcher_knows_the_scene_and_says_that_the_lens_is_still_covered() -> None:
    scene, first = street(False), TamperWatch()
    list(told(first, (scene(number) for number in range(round(80 * FPS)))))
    assert first.kept >= 1
    again = TamperWatch(first.known)
    (_, change), *_ = told(again, (covered(scene(number), 1.0) for number in range(round(15 * FPS))), 500.0)
    assert (change.kind, change.active) == ("covered", True)
    stands = TamperWatch(first.known, standing=["covered"])
    assert list(told(stands, (covered(scene(number), 1.0) for number in range(round(15 * FPS))), 500.0)) == [], "it was told before"
    ((_, over),) = told(stands, (scene(number) for number in range(round(20 * FPS))), 520.0)
    assert (over.kind, over.active) == ("covered", False)


def test_a_new_view_that_is_accepted_ends_the_alarm() -> None:
    scene, watch = street(False), TamperWatch()
    (_, change), *_ = told(watch, staged(scene, turned, 1.0, 12.0))
    assert (change.kind, change.active) == ("turned", True)
    watch.forget()
    ((_, over),) = told(watch, (turned(scene(number), 1.0) for number in range(round(40 * FPS))), 60.0)
    assert (over.kind, over.active) == ("turned", False)


def test_a_light_that_was_there_before_is_no_tampering() -> None:
    """Dusk is slow; from then on a lamp switches the scene between two lights, at once."""
    day, night, watch = street(False), street(True), TamperWatch()

    def evening() -> Iterator[Picture]:
        for number in range(round(300 * FPS)):
            part = min(1.0, max(0.0, (number / FPS - 80) / 120))
            yield np.asarray(np.rint(day(number) * (1 - part) + night(number) * part), np.uint8)

    assert list(told(watch, evening())) == []
    assert len(watch.known) >= 2
    for turn, scene in enumerate((day, night, day, night)):
        assert list(told(watch, (scene(number) for number in range(round(30 * FPS))), 300.0 + 30 * turn)) == []


def test_after_a_long_silence_the_scene_is_looked_at_anew() -> None:
    scene, watch = street(False), TamperWatch()
    list(told(watch, (scene(number) for number in range(round(20 * FPS)))))
    assert list(told(watch, (turned(scene(number), 1.0) for number in range(round(30 * FPS))), 20.0 + 2 * BLIND_S)) == []


@pytest.mark.parametrize("period_s", [1.0, 2.0, 4.0])
def test_a_camera_of_which_only_key_frames_are_seen_is_watched_too(period_s: float) -> None:
    scene, watch = street(False), TamperWatch()
    found = []
    for number in range(round(120 / period_s)):
        now_s = number * period_s
        picture = covered(scene(number), 1.0) if now_s >= 60 else scene(number)
        found += [(now_s, change.kind) for change in watch.look(picture, round((100 + now_s) * NS_PER_S))]
    assert [kind for _, kind in found] == ["covered"]
    assert found[0][0] - 60 <= max(WITHIN_S, 4 * period_s)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(0, 255), st.integers(16, 400), st.integers(16, 300)), max_size=40),
)
def test_no_picture_and_no_instant_breaks_it(looks: list[tuple[float, int, int, int]]) -> None:
    """Sizes that change, flat pictures, clocks that stand still."""
    watch, now_s = TamperWatch(), 1.0
    for step_s, level, width, height in looks:
        now_s += step_s
        watch.look(np.full((height, width), level, np.uint8), round(now_s * NS_PER_S))
