"""When a worker is stuck, when it starts again, when the camera has failed."""

from __future__ import annotations

import pytest

from edge.capture.restart import Backoff, Limits, RestartLadder, stall_limit_s


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


@pytest.mark.parametrize(("configured_s", "fps", "limit_s"), [(2.0, 25.0, 2.0), (2.0, 1.0, 5.0), (2.0, None, 2.0), (8.0, 1.0, 8.0)])
def test_a_slow_camera_has_five_frames_of_time(configured_s: float, fps: float | None, limit_s: float) -> None:
    assert stall_limit_s(configured_s, fps) == limit_s


def test_the_bound_of_waits_doubles_up_to_its_limit_and_starts_over() -> None:
    backoff = Backoff(first_s=0.5, max_s=3.0, uniform=highest)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_jitter_is_full_down_to_nothing() -> None:
    assert Backoff(uniform=lowest).next_s() == 0.0


def test_waits_never_overflow() -> None:
    backoff = Backoff(max_s=30.0)
    assert all(0.0 <= backoff.next_s() <= 30.0 for _ in range(5000))


def test_a_worker_without_a_first_packet_is_stuck_after_the_time_to_open() -> None:
    ladder = RestartLadder(Limits(stall_s=2.0, open_s=15.0))
    assert not ladder.stalled(1e9)
    ladder.started(100.0)
    assert not ladder.stalled(114.9)
    assert ladder.stalled(115.0)


def test_a_stream_that_pauses_is_stuck_after_the_stall_limit_of_its_frame_rate() -> None:
    ladder = RestartLadder(Limits(stall_s=2.0))
    ladder.started(0.0)
    ladder.packet(1.0)
    assert not ladder.stalled(2.9)
    assert ladder.stalled(3.0)
    ladder.stream(fps=1.0)
    assert not ladder.stalled(5.9)
    assert ladder.stalled(6.0)


def test_a_worker_that_has_just_started_may_pause_for_longer() -> None:
    ladder = RestartLadder(Limits(stall_s=1.0, settle_s=2.0))
    ladder.started(0.0)
    ladder.packet(1.0)
    assert not ladder.stalled(2.9)
    ladder.packet(2.9)
    assert not ladder.stalled(4.8)
    ladder.packet(3.0)
    assert not ladder.stalled(3.9)
    assert ladder.stalled(4.0), "two seconds after its first packet"


def test_five_ends_in_ten_minutes_are_a_failed_camera_that_is_tried_slowly_for_ever() -> None:
    ladder = RestartLadder(Limits(failures=5, retry_s=60.0), uniform=highest)
    decisions = []
    for turn in range(8):
        ladder.started(turn * 30.0)
        decisions.append(ladder.ended(turn * 30.0 + 1))
    assert [decision.failed for decision in decisions] == [False] * 4 + [True] * 4
    assert [decision.wait_s for decision in decisions[4:]] == [60.0] * 4
    assert ladder.restarts == 8


def test_ends_that_are_far_apart_are_no_failed_camera() -> None:
    ladder = RestartLadder(Limits(failures=5, window_s=600.0), uniform=highest)
    for turn in range(20):
        ladder.started(turn * 200.0)
        assert not ladder.ended(turn * 200.0 + 1).failed


def test_a_stable_run_forgets_the_past() -> None:
    ladder = RestartLadder(Limits(failures=2, stable_s=60.0), uniform=highest)
    ladder.started(0.0)
    ladder.ended(1.0)
    assert ladder.ended(2.0).failed
    ladder.started(10.0)
    ladder.packet(11.0)
    ladder.packet(70.9)
    before = ladder.failed
    ladder.packet(71.0)
    assert (before, ladder.failed) == (True, False)
    assert ladder.ended(80.0).wait_s == 0.5


def test_a_camera_that_records_between_its_faults_is_tried_again_at_once_however_often_it_fails() -> None:
    """Waiting a minute for a camera that would give ten seconds costs a minute of footage."""
    limits = Limits()
    ladder = RestartLadder(limits, backoff=Backoff(uniform=lambda low, high: high), uniform=lambda low, high: high)
    now_s, decisions = 0.0, []
    for _ in range(20):
        ladder.started(now_s)
        ladder.packet(now_s + 1)
        ladder.packet(now_s + 1 + limits.useful_s)
        now_s += 5
        decisions.append(ladder.ended(now_s))
    assert {decision.wait_s for decision in decisions} == {0.5}
    assert [decision.failed for decision in decisions] == [False] * 4 + [True] * 16, "it is told of all the same"
    ladder.started(now_s)
    assert ladder.ended(now_s + 1).wait_s == limits.retry_s, "one that gives nothing is tried slowly"


def test_a_failed_camera_that_gives_less_than_a_second_is_waited_for_ever_longer_but_not_at_once_a_minute() -> None:
    limits = Limits()
    ladder = RestartLadder(limits, backoff=Backoff(uniform=highest), uniform=highest)
    waits = []
    for turn in range(9):
        ladder.started(turn * 10.0)
        ladder.packet(turn * 10.0 + 1)
        waits.append(ladder.ended(turn * 10.0 + 2).wait_s)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert ladder.failed


def test_three_starts_without_a_picture_are_the_stacks_fault_and_so_are_three_more() -> None:
    ladder = RestartLadder(backoff=Backoff(uniform=lambda low, high: 0.0), uniform=lambda low, high: 0.0)
    asked = []
    for turn in range(9):
        ladder.started(float(turn))
        if turn == 4:
            ladder.packet(turn + 0.1)
        asked.append(ladder.ended(turn + 0.5).stack)
    assert [turn for turn, stack in enumerate(asked) if stack] == [2, 7]
