"""When a camera takes it for night, and what it then does with its filter."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.daynight import HOLD_S, MOST_HOLD_S, DayNight, Phases, exposure_of
from edge.clock import NS_PER_S
from edge.errors import ConfigError
from edge.window.luma import UNKNOWN, Exposure


def changes(lux: list[float], step_s: float = 1.0) -> list[tuple[int, str]]:
    phases = Phases()
    return [(at, phases.phase) for at, each in enumerate(lux) if phases.see(each, round(at * step_s * NS_PER_S))]


def test_dusk_is_night_once_and_dawn_is_day_once() -> None:
    dusk = [100 * 0.97**minute for minute in range(300)]
    assert [phase for _, phase in changes([*dusk, *reversed(dusk)], 60)] == ["night", "day"]


def test_between_the_two_limits_nothing_changes() -> None:
    assert changes([20.0, *[8.0] * 500]) == []
    assert changes([1.0, *[8.0] * 500]) == [(0, "night")]


def test_a_headlight_does_not_make_a_day() -> None:
    assert changes([*[1.0] * 100, *[200.0] * 1, *[1.0] * 100]) == [(0, "night")]


def test_infra_red_lamps_that_light_the_night_up_make_the_filter_rest_ever_longer() -> None:
    """Filter away and lamps on: bright. Filter in: dark."""
    phases, at_ns, moved_s = Phases(), 0, []
    for _ in range(8 * 3600):
        at_ns += NS_PER_S
        if phases.see(1.0 if phases.phase == "day" else 100.0, at_ns):
            moved_s.append(at_ns / NS_PER_S)
    rests = [later - earlier for earlier, later in itertools.pairwise(moved_s)]
    assert rests[0] >= HOLD_S
    assert all(later >= earlier for earlier, later in itertools.pairwise(rests))
    assert len(moved_s) < 20
    assert MOST_HOLD_S <= rests[-1] <= MOST_HOLD_S + 60


@given(st.lists(st.floats(0, 1e5), max_size=300))
def test_it_never_changes_twice_within_the_time_it_is_held(lux: list[float]) -> None:
    found = changes(lux)
    assert all(later[0] - earlier[0] >= HOLD_S for earlier, later in itertools.pairwise(found))
    assert [phase for _, phase in found] == ["night", "day"] * (len(found) // 2) + ["night"] * (len(found) % 2)


@dataclass
class Lens:
    """A filter that remembers."""

    put_: list[bool] = field(default_factory=list)
    closed: bool = False

    def put(self, cut: bool) -> None:
        self.put_.append(cut)

    def close(self) -> None:
        self.closed = True


class Camera:
    """What DayNight needs of picamera2."""

    def __init__(self) -> None:
        self.camera_controls = {"AeExposureMode": (0, 3, 0)}
        self.set: list[dict[str, Any]] = []

    def set_controls(self, controls: dict[str, Any]) -> None:
        self.set.append(controls)


def test_the_filter_is_in_by_day_and_out_at_night_and_exposures_get_longer() -> None:
    lens, camera = Lens(), Camera()
    day_night = DayNight(Phases(), lens)
    day_night.see(100.0, b"", 0, camera)
    for second in range(1, 100):
        day_night.see(0.1, b"", second * NS_PER_S, camera)
    day_night.close()
    assert lens.put_ == [True, False]
    assert camera.set == [{"AeExposureMode": 1}, {"AeExposureMode": 2}]
    assert lens.closed


def test_a_camera_without_lux_goes_by_its_pictures() -> None:
    lens = Lens()
    day_night = DayNight(Phases(), lens)
    day_night.see(None, bytes([200]) * 1000, 0, None)
    for second in range(1, 100):
        day_night.see(None, bytes([2]) * 1000, second * NS_PER_S, None)
    assert lens.put_ == [True, False]


@pytest.mark.parametrize("options", [{"night": "maybe"}, {"day_lux": 3.0}, {"night_lux": -1}, {"ir_cut": 17}, {"ir_cut": "nowhere"}])
def test_options_of_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DayNight.of(options)


def test_a_camera_may_be_left_alone() -> None:
    assert DayNight.of({"night": False}) is None


def test_what_a_camera_says_of_its_exposure_is_taken_and_what_it_does_not_say_is_not_known() -> None:
    assert exposure_of({"SensorTimestamp": 1}) == UNKNOWN
    assert exposure_of({"AnalogueGain": 4.0}) == Exposure(gain=4.0)
    assert exposure_of({"DigitalGain": 1.5, "AnalogueGain": 4.0, "ExposureTime": 33_000}) == Exposure(time_us=33_000.0, gain=6.0)
    assert exposure_of({"Lux": float("nan"), "ColourTemperature": (1, 2)}) == UNKNOWN
