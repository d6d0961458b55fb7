"""When a camera is slowed because its board is hot, and when it gets its rate back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.thermal import COOL_S, HOT_S, TOP, ThermalLadder, at_level, can_cool
from edge.config.hardware import Thermal
from edge.messages.stream import CameraSettings

TRIPS = Thermal(zones=[], slow_c=75.0, slower_c=80.0, critical_c=84.0)
STEP_S = 5.0


def walked(degrees: list[float]) -> list[tuple[float, int]]:
    """(second, level) of each change; one look each STEP_S."""
    ladder = ThermalLadder(TRIPS)
    return [(at * STEP_S, ladder.level) for at, each in enumerate(degrees) if ladder.see(each, at * STEP_S)]


def test_a_day_in_the_sun_is_down_twice_and_up_twice() -> None:
    day = [*[70.0] * 20, *[77.0] * 40, *[82.0] * 40, *[78.0] * 100, *[72.0] * 100, *[60.0] * 100]
    assert [level for _, level in walked(day)] == [1, 2, 1, 0]


def test_a_moment_of_heat_changes_nothing() -> None:
    assert walked([*[74.0] * 5, 90.0, 90.0, *[74.0] * 50]) == []


def test_it_steps_down_at_once_when_it_stays_hot_and_up_late() -> None:
    found = walked([90.0] * 20 + [60.0] * 100)
    assert found[0] == (HOT_S, 1)
    assert found[1] == (2 * HOT_S + STEP_S, 2)
    cool_at_s = 20 * STEP_S
    assert found[2] == (cool_at_s + COOL_S, 1)


@given(st.lists(st.floats(-40, 130), max_size=300))
def test_it_goes_one_step_at_a_time_and_never_swings_faster_than_it_cools(degrees: list[float]) -> None:
    levels, found = [0], walked(degrees)
    for _, level in found:
        assert abs(level - levels[-1]) == 1
        assert 0 <= level <= TOP
        levels.append(level)
    ups = [at for at, (_, level) in enumerate(found) if level < levels[at]]
    assert all(found[at][0] - (found[at - 1][0] if at else 0) >= COOL_S for at in ups)


@given(st.lists(st.floats(77, 79.9), max_size=200))
def test_between_two_trips_it_stays_where_it_is(degrees: list[float]) -> None:
    assert [level for _, level in walked([77.5] * 10 + degrees)] == [1]


@pytest.mark.parametrize(
    ("source", "level", "asked"),
    [
        ("picamera2:", 0, (25.0, 1920, 1080)),
        ("picamera2:", 1, (12.5, 1920, 1080)),
        ("picamera2:", 2, (12.5, 1280, 720)),
        ("gst:nvarguscamerasrc", 2, (12.5, 1920, 1080)),
    ],
)
def test_first_the_rate_then_the_size(source: str, level: int, asked: tuple[float, int, int]) -> None:
    settings = at_level(CameraSettings(id="c", source=source, width=1920, height=1080, fps=25.0), level)
    assert (settings.fps, settings.width, settings.height) == asked


@given(st.integers(64, 4096), st.integers(48, 3072), st.floats(1, 60))
def test_what_is_asked_for_can_always_be_encoded(width: int, height: int, fps: float) -> None:
    settings = at_level(CameraSettings(id="c", source="picamera2:", width=width, height=height, fps=fps), TOP)
    assert settings.width % 4 == settings.height % 4 == 0
    assert settings.width >= 64
    assert settings.height >= 48
    assert min(fps, 5.0) <= settings.fps <= max(fps, 5.0)


def test_a_camera_that_encodes_by_itself_costs_this_board_nothing_to_slow() -> None:
    assert not can_cool(CameraSettings(id="c", source="rtsp://h/x"))
    assert can_cool(CameraSettings(id="c", source="synthetic:"))
