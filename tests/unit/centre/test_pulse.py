"""Signs of life: who is silent, who does not sign, whose clock is off - and who is not to blame."""

from __future__ import annotations

import pytest

from edge.centre.pulse import LAGS, Pulse


def test_a_node_is_silent_after_three_of_its_own_intervals() -> None:
    pulse = Pulse(checkpoint_s=60.0, health_s=20.0)
    pulse.heard(0.0)
    assert pulse.silent_s(180.0) is None
    assert pulse.silent_s(181.0) == 181.0
    pulse.heard(181.0)
    assert pulse.silent_s(182.0) is None
    slow = Pulse(checkpoint_s=60.0, health_s=300.0)
    slow.heard(0.0)
    assert slow.silent_s(899.0) is None
    assert slow.silent_s(901.0) is not None


def test_one_that_said_good_bye_or_was_never_heard_is_not_silent() -> None:
    pulse = Pulse()
    assert pulse.silent_s(1e6) is None
    pulse.heard(0.0)
    pulse.expected = False
    assert pulse.silent_s(1e6) is None


def test_what_the_broker_had_kept_is_no_sign_of_life_but_begins_the_wait() -> None:
    pulse = Pulse()
    pulse.heard(100.0, kept=True)
    pulse.heard(200.0, kept=True)
    assert pulse.silent_s(281.0) is not None
    pulse.heard(282.0)
    assert pulse.silent_s(283.0) is None


def test_while_the_centre_was_deaf_nobody_is_to_blame() -> None:
    pulse = Pulse(checkpoint_s=60.0)
    pulse.checkpoint(0.0)
    pulse.heard(0.0)
    pulse.record(1.0)
    pulse.connected(10_000.0)
    assert pulse.silent_s(10_100.0) is None
    assert pulse.unsigned_s(10_100.0) is None


def test_records_without_a_checkpoint_are_told_of_one_that_signs() -> None:
    pulse = Pulse(checkpoint_s=60.0)
    pulse.record(0.0)
    pulse.heard(150.0)
    assert pulse.unsigned_s(180.0) is None
    assert pulse.unsigned_s(181.0) == 181.0
    pulse.checkpoint(182.0)
    assert pulse.unsigned_s(1000.0) is None
    never = Pulse()
    never.record(0.0)
    never.heard(1000.0)
    assert never.unsigned_s(1001.0) is None, "without a key section nothing is signed, and the node says so itself"


@pytest.mark.parametrize(("offset_ms", "delays_ms"), [(30_000, (0, 900, 40)), (-30_000, (5_000, 0, 10)), (0, (0, 0, 0))])
def test_the_clock_is_as_far_off_as_the_quickest_message_says(offset_ms: float, delays_ms: tuple[float, ...]) -> None:
    pulse = Pulse()
    for number, delay_ms in enumerate(delays_ms, 1):
        assert pulse.clock_off_ms() is None
        pulse.lag(number * 60.0, offset_ms + delay_ms)
    assert pulse.clock_off_ms() == offset_ms


def test_what_waited_at_the_broker_says_nothing_of_the_clock() -> None:
    pulse = Pulse()
    pulse.connected(1000.0)
    for number in range(60):
        pulse.lag(1000.0 + number * 0.01, 3_600_000.0 - number * 60_000)
    assert pulse.clock_off_ms() is None
    for number in range(LAGS):
        pulse.lag(1060.0 + number * 60, 20.0)
    assert pulse.clock_off_ms() == 20.0
