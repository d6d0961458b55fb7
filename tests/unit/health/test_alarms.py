"""Alarms: raised and cleared at different levels, held for a time, silent about the unknown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.health.alarms import FLAPPING_EDGES, Alarms, Measure, Rule
from edge.messages.health import (
    CameraHealth,
    CameraState,
    ClockHealth,
    HealthDocument,
    HeatHealth,
    PowerHealth,
    SoftwareHealth,
    StorageHealth,
)
from edge.messages.records import AlarmRaised

GB = 1_000_000_000


def document(
    at_s: float,
    *,
    state: CameraState = "recording",
    fragment_age_s: float | None = 0.5,
    fps: float | None = 25.0,
    temp_c: float | None = None,
    trusted: bool = True,
    free_bytes: int | None = 50 * GB,
    forecast_days: float | None = 30.0,
) -> HealthDocument:
    camera = CameraHealth(camera="cam0", state=state, fps=fps, target_fps=25.0, last_fragment_age_s=fragment_age_s)
    storage = StorageHealth(
        total_bytes=100 * GB,
        free_bytes=free_bytes,
        reserve_bytes=5 * GB,
        read_only=False,
        retention_days=30,
        minimum_days=20,
        forecast_days=forecast_days,
    )
    return HealthDocument(
        node="pole-1",
        t="",
        boot="b",
        mono_ms=round(at_s * 1000),
        cameras=[camera],
        storage=storage,
        heat=HeatHealth(cpu_temp_c=temp_c),
        power=PowerHealth(),
        clock=ClockHealth(state="trusted" if trusted else "untrusted"),
        software=SoftwareHealth(version="1", boot="b"),
    )


def edges(alarms: Alarms, *documents: HealthDocument) -> list[tuple[str, bool]]:
    return [(edge.code, edge.active) for each in documents for edge in alarms.judge(each)]


def test_a_healthy_node_is_silent() -> None:
    assert edges(Alarms(), *[document(at_s) for at_s in range(0, 1000, 10)]) == []


def test_footage_that_stays_old_raises_and_clears_when_it_is_fresh_for_a_while() -> None:
    alarms = Alarms()
    assert edges(alarms, document(-1), document(0, fragment_age_s=5.1), document(9, fragment_age_s=14.1)) == []
    assert edges(alarms, document(10, fragment_age_s=15.1)) == [("recording_stale.cam0", True)]
    assert alarms.active == ["recording_stale.cam0"]
    assert edges(alarms, document(20, fragment_age_s=3), document(30), document(34)) == []
    assert edges(alarms, document(36)) == [("recording_stale.cam0", False)]
    assert alarms.active == []


def test_a_recorder_that_is_not_seen_for_a_while_raises_and_one_that_starts_does_not() -> None:
    silent = [document(at_s, state="silent", fragment_age_s=None) for at_s in (0, 9, 10)]
    assert edges(Alarms(), *silent[:2]) == []
    assert edges(Alarms(), *silent) == [("recording_stale.cam0", True)]
    assert edges(Alarms(), *[document(at_s, state="starting", fragment_age_s=None) for at_s in (0, 10)]) == []


def test_a_missing_value_goes_over_the_wire_as_null_and_not_as_infinity() -> None:
    alarms = Alarms()
    assert alarms.judge(document(0, state="silent", fragment_age_s=None)) == []
    raised = alarms.judge(document(10, state="silent", fragment_age_s=None))[0]
    assert raised.value is None
    assert raised.severity == "critical"


def test_heat_must_hold_for_a_minute_and_unknown_heat_says_nothing() -> None:
    alarms = Alarms()
    assert edges(alarms, document(0, temp_c=81), document(30, temp_c=79), document(60, temp_c=81), document(119, temp_c=81)) == []
    assert edges(alarms, document(120, temp_c=81), document(200, temp_c=None), document(300, temp_c=75)) == [("hot", True)]
    assert edges(alarms, document(310, temp_c=71), document(369, temp_c=71), document(371, temp_c=71)) == [("hot", False)]


def test_a_clock_out_of_synchronisation_is_told_after_ten_minutes() -> None:
    alarms = Alarms()
    assert edges(alarms, *[document(at_s, trusted=False) for at_s in range(0, 600, 60)]) == []
    assert edges(alarms, document(600, trusted=False)) == [("clock_unsynchronised", True)]
    assert edges(alarms, document(660), document(680)) == [("clock_unsynchronised", False)]


def test_a_reserve_eaten_by_others_is_told() -> None:
    alarms = Alarms()
    eaten = [document(at_s, free_bytes=GB) for at_s in (0, 61)]
    assert edges(alarms, *eaten) == [("storage_reserve", True)]
    assert edges(alarms, *[document(at_s, free_bytes=5 * GB) for at_s in (100, 161)]) == [("storage_reserve", False)]


def test_a_forecast_below_the_legal_minimum_is_told_and_clears_when_it_suffices() -> None:
    alarms = Alarms()
    assert edges(alarms, document(0, forecast_days=19.9), document(601, forecast_days=19.9)) == [("retention_short", True)]
    assert edges(alarms, document(700, forecast_days=20.4), document(1301, forecast_days=20.4)) == []
    assert edges(alarms, document(1400, forecast_days=20.5), document(2001, forecast_days=20.5)) == [("retention_short", False)]


def test_three_edges_an_hour_and_then_it_stays_raised_as_flapping() -> None:
    alarms, told = Alarms(), list[AlarmRaised]()
    for minute in range(0, 50, 2):
        told += alarms.judge(document(minute * 60, fragment_age_s=9.0))
        told += alarms.judge(document(minute * 60 + 10, fragment_age_s=19.0))
        told += alarms.judge(document(minute * 60 + 50))
        told += alarms.judge(document(minute * 60 + 60))
    assert [edge.active for edge in told] == [True, False, True]
    assert "flapping" in told[-1].text
    quiet = [edge for minute in range(60, 200) for edge in alarms.judge(document(minute * 60))]
    assert [edge.active for edge in quiet] == [False]


RULE = Rule(lambda found: (Measure("x", found.heat.cpu_temp_c),), "warning", 80, 72, 60, 60, "", "")


@given(st.lists(st.tuples(st.integers(1, 400), st.one_of(st.none(), st.floats(60, 95))), max_size=80))
def test_edges_alternate_and_are_never_more_than_three_in_an_hour(story: list[tuple[int, float | None]]) -> None:
    alarms, at_s, told = Alarms([RULE]), 0, list[tuple[int, bool]]()
    for after_s, temp_c in story:
        at_s += after_s
        told += [(at_s, edge.active) for edge in alarms.judge(document(at_s, temp_c=temp_c))]
    assert [active for _, active in told] == [number % 2 == 0 for number in range(len(told))]
    for first, _ in told:
        assert sum(first <= when < first + 3600 for when, _ in told) <= FLAPPING_EDGES
