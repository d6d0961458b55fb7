"""The window follows the queue in front of the link."""

from __future__ import annotations

from edge.link.pace import QUEUED_S, SLOW_MIN, Pace


def test_a_fast_link_gets_the_whole_window() -> None:
    pace = Pace(20)
    for _ in range(100):
        pace.took(0.01)
    assert pace.window == 20


def test_a_queue_in_front_of_the_link_shrinks_the_window_to_five_and_no_further() -> None:
    pace = Pace(20)
    pace.took(0.02)
    for _ in range(100):
        pace.took(0.02 + QUEUED_S * 2)
    assert pace.window == SLOW_MIN
    pace.took(0.02)
    assert pace.window == SLOW_MIN + 1


def test_a_long_way_is_no_queue() -> None:
    pace = Pace(20)
    for _ in range(100):
        pace.took(0.6)
    assert pace.window == 20


def test_a_broker_that_takes_few_at_once_is_never_given_more() -> None:
    pace = Pace(3)
    pace.took(0.01)
    pace.took(9.0)
    assert pace.window == 3
