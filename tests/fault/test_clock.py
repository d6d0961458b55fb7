"""A clock that lies: nothing is cut, nothing is overwritten, nothing is erased because of it, and names come true afterwards."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc
from edge.host.model_disk import ModelDisk
from edge.messages.records import ClockStep, Dated, Erase, Gap, Segment
from edge.ring.check import check
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from edge.ring.retain import Policy
from tests.support.pole import CAMERA, DATA, FPS, Pole

NOW_S = 1_795_000_000
DAY_S = 86_400.0
YEAR_S = 365 * DAY_S
POLICY = Policy(days=30, minimum_days=20, reserve_bytes=1 << 20, quarantine_s=DAY_S)


def pole(utc_s: float = NOW_S, trusted: bool = True) -> Pole:
    clock = ManualClock(round(utc_s * NS_PER_S), 60 * NS_PER_S, "trusted" if trusted else "untrusted")
    return Pole(disk=ModelDisk(1 << 28), clock=clock, policy=POLICY)


def starts_s(pole: Pole) -> list[float | None]:
    return [None if name.start_utc_ms is None else name.start_utc_ms / 1000 for name in pole.names()]


def frames(pole: Pole) -> int:
    return sum(record.frames for record in pole.facts(Segment))


def nothing_lost(pole: Pole, seconds: int) -> None:
    """Every frame is in a sealed segment, no number is used twice, nothing was erased, the check finds nothing."""
    assert frames(pole) == seconds * FPS
    numbers = [name.seq for name in pole.names()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert pole.facts(Erase) == []
    assert check(pole.disk, DATA, deep=True).findings == []


def test_a_node_that_starts_in_1970_dates_its_footage_after_the_sync() -> None:
    node = pole(utc_s=0, trusted=False)
    node.start()
    node.record(12)
    assert starts_s(node) == [None, None]
    node.clock.step_utc(NOW_S - 12)
    node.clock.set_state("trusted")
    node.record(5)
    node.stop()
    assert starts_s(node) == [NOW_S - 12, NOW_S - 7, NOW_S - 2, NOW_S + 3]
    assert node.facts(Dated)[0].segments == [1, 2]
    nothing_lost(node, 17)


def test_a_clock_a_year_ahead_and_back_overwrites_and_erases_nothing() -> None:
    node = pole()
    node.start()
    node.record(7)
    node.clock.step_utc(YEAR_S)
    node.record(20)
    node.clock.step_utc(-YEAR_S)
    node.record(7)
    node.stop()
    assert [round(step.step_ms / 1000 / YEAR_S) for step in node.facts(ClockStep)] == [1, -1]
    assert [gap for gap in node.facts(Gap)] == []
    nothing_lost(node, 34)


def test_an_hour_repeated_by_a_step_back_gives_new_names_beside_the_old() -> None:
    node = pole()
    node.start()
    node.record(20)
    node.clock.step_utc(-15.0)
    node.record(20)
    node.stop()
    paths = [name.path for name in node.names()]
    assert len(paths) == len(set(paths))
    nothing_lost(node, 40)
    reader = RingReader(node.disk, DATA, node.clock, node.boot)
    found = reader.segments(CAMERA, NOW_S * NS_PER_S, (NOW_S + 20) * NS_PER_S)
    assert [ref.seq for ref in found if ref.start_utc_ns == (NOW_S + 10) * NS_PER_S], "the first time through"
    assert len(found) > 4, "and the second"


def test_footage_is_not_erased_by_age_right_after_a_jump_forward() -> None:
    node = pole()
    node.start()
    node.record(10)
    node.clock.step_utc(60 * DAY_S)
    node.record(20)
    node.stop()
    nothing_lost(node, 30)


def test_footage_is_not_erased_by_age_while_the_clock_is_not_trusted() -> None:
    node = pole()
    node.start()
    node.record(10)
    node.stop()
    node.reboot()
    node.clock.step_utc(90 * DAY_S)
    node.clock.set_state("untrusted")
    node.start()
    node.record(15)
    node.stop()
    nothing_lost(node, 25)
    assert [name.start_utc_ms is None for name in node.names()] == [False, False, True, True, True]


def test_a_month_of_true_time_is_erased_by_age() -> None:
    node = pole()
    node.start()
    node.record(10)
    node.recording.gap("camera_died")
    node.clock.advance(31 * DAY_S)
    node.recording.start(node.camera.info())
    node.record(6)
    assert [record.seq for record in node.facts(Erase)] == [1, 2]
    assert check(node.disk, DATA, deep=True).ok


@pytest.mark.parametrize("ppm", [-400, 400])
def test_drift_is_followed_by_the_names_and_recorded_once_it_adds_up(ppm: int) -> None:
    node = pole()
    node.start()
    for _ in range(3000):
        node.clock.step_utc(ppm / 1e6)
        assert node.second() is None
    node.stop()
    steps = node.facts(ClockStep)
    assert len(steps) == 1
    assert abs(steps[0].step_ms) == pytest.approx(1000, abs=2)
    for before, after in pairwise(node.names()):
        assert before.end_utc_ms is not None
        assert after.start_utc_ms is not None
        assert abs(after.start_utc_ms - before.end_utc_ms) < 10
    nothing_lost(node, 3000)


def test_names_know_no_summer_time() -> None:
    """25 October 2026, 01:00 UTC: Warsaw's clocks go back from 3 to 2, UTC goes on."""
    change_s = 1_792_890_000
    assert format_utc(change_s * NS_PER_S) == "2026-10-25T01:00:00.000Z"
    node = pole(utc_s=change_s - 10)
    node.start()
    node.record(20)
    node.stop()
    assert starts_s(node) == [change_s - 10 + 5 * number for number in range(4)]
    nothing_lost(node, 20)


def test_a_holdover_clock_still_dates_and_says_so() -> None:
    node = pole()
    node.start()
    node.record(3)
    node.clock.set_state("holdover")
    node.record(4)
    node.stop()
    assert [record.clock for record in node.facts(Segment)] == ["holdover", "holdover"]
    assert [(step.before, step.after) for step in node.facts(ClockStep)] == []
    assert None not in starts_s(node)


def test_a_source_that_flutters_does_not_flood_the_journal() -> None:
    node = pole()
    node.start()
    for second in range(300):
        node.clock.set_state("holdover" if second % 2 else "trusted")
        assert node.second() is None
    assert 1 <= len(node.facts(ClockStep)) <= 5


def test_a_clock_beyond_reason_dates_nothing() -> None:
    node = pole()
    node.start()
    node.record(3)
    node.clock.step_utc(-(NOW_S + 1000.0))
    node.record(1)
    node.stop()
    assert starts_s(node) == [None]


def test_a_name_states_the_first_picture_whenever_the_clock_was_set() -> None:
    """The mapping of the last fragment counts: it is the newest look at the clock."""
    node = pole(utc_s=NOW_S - 3600, trusted=False)
    node.start()
    node.record(3)
    node.clock.step_utc(3600.0)
    node.clock.set_state("trusted")
    node.record(1)
    node.stop()
    first = node.names()[0]
    assert first == SegmentName(1, 4000, NOW_S * 1000, None, None)
    assert node.facts(Segment)[0].start_mono_ms == 60 * NS_PER_S // NS_PER_MS
