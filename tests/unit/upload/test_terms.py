from __future__ import annotations

import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.errors import Refused
from edge.upload.terms import Terms, check_why, is_over, limit_s

BOOT = "this-boot"
LONG_NS = 1 << 62


def accepted(clock: ManualClock, ahead_s: float = 600.0) -> tuple[Terms, int]:
    """Terms of a job whose end lies ahead, and that end."""
    now = clock.read()
    return Terms(awaits=True, accepted=format_utc(now.utc_ns), boot=BOOT, boot_ns=now.boot_ns), now.utc_ns + round(ahead_s * NS_PER_S)


def test_a_range_is_over_when_its_end_has_passed_and_the_footage_reaches_behind_it() -> None:
    clock = ManualClock()
    terms, end_ns = accepted(clock)
    clock.advance(604)
    assert not is_over(terms, end_ns, LONG_NS, clock.read(), BOOT)
    clock.advance(2)
    assert not is_over(terms, end_ns, end_ns, clock.read(), BOOT), "the picture that closes the last one may be on its way"
    assert is_over(terms, end_ns, end_ns + 3 * NS_PER_S, clock.read(), BOOT)


def test_a_camera_that_stopped_is_waited_for_a_minute_and_no_longer() -> None:
    clock = ManualClock()
    terms, end_ns = accepted(clock)
    clock.advance(659)
    assert not is_over(terms, end_ns, 0, clock.read(), BOOT)
    clock.advance(1)
    assert is_over(terms, end_ns, 0, clock.read(), BOOT)


def test_a_clock_set_forward_by_mistake_ends_nothing_before_its_time() -> None:
    clock = ManualClock()
    terms, end_ns = accepted(clock)
    clock.step_utc(86_400)
    assert not is_over(terms, end_ns, LONG_NS, clock.read(), BOOT)
    clock.advance(600)
    assert is_over(terms, end_ns, LONG_NS, clock.read(), BOOT), "by then it is over by either clock"


def test_a_clock_set_back_only_makes_it_later() -> None:
    clock = ManualClock()
    terms, end_ns = accepted(clock)
    clock.step_utc(-3600)
    clock.advance(700)
    assert not is_over(terms, end_ns, LONG_NS, clock.read(), BOOT)
    clock.advance(3600)
    assert is_over(terms, end_ns, LONG_NS, clock.read(), BOOT)


def test_after_a_reboot_the_clock_decides_and_only_a_trusted_one() -> None:
    clock = ManualClock()
    terms, end_ns = accepted(clock)
    clock.step_utc(700)
    assert is_over(terms, end_ns, LONG_NS, clock.read(), "another-boot")
    clock.set_state("untrusted")
    assert not is_over(terms, end_ns, LONG_NS, clock.read(), "another-boot")


def test_the_configured_deadline_counts_where_none_was_asked_for() -> None:
    now = ManualClock().read()
    assert limit_s(Terms(), 100.0, 30.0, now, BOOT) == 100.0
    assert limit_s(Terms(within_s=50.0), 100.0, 30.0, now, BOOT) == 50.0


def test_a_deadline_that_was_asked_for_counts_also_while_no_agent_runs() -> None:
    clock = ManualClock()
    now = clock.read()
    terms = Terms(within_s=600.0, deadline=format_utc(now.utc_ns + 600 * NS_PER_S), boot=BOOT, boot_ns=now.boot_ns)
    clock.advance(500)
    assert limit_s(terms, 1000.0, 30.0, clock.read(), BOOT) == 130.0, "100 s are left, of which nothing is spent yet"
    assert limit_s(terms, 1000.0, 30.0, clock.read(), "another-boot") == 130.0
    clock.set_state("untrusted")
    assert limit_s(terms, 1000.0, 30.0, clock.read(), "another-boot") == 600.0


def test_within_a_boot_no_step_of_the_clock_ends_a_job_before_its_time() -> None:
    clock = ManualClock()
    now = clock.read()
    terms = Terms(within_s=600.0, deadline=format_utc(now.utc_ns + 600 * NS_PER_S), boot=BOOT, boot_ns=now.boot_ns)
    clock.advance(10)
    clock.step_utc(86_400)
    assert limit_s(terms, 1000.0, 10.0, clock.read(), BOOT) == 600.0


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("a", " "), ("a", "two\nlines"), ("a", "x" * 201), ("a", "\u202eabc")])
def test_words_that_cannot_stand_in_a_record_are_refused(by: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        check_why(by, why)
    assert caught.value.code == "bad_words"
