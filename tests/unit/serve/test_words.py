from __future__ import annotations

import pytest

from edge.clock import ManualClock, format_utc
from edge.errors import Refused
from edge.serve.words import Words, clip_range, warrant_of

KNOWN = ("start", "end", "case", "basis", "recipient", "part")


def words(*pairs: tuple[str, str], case_header: str = "") -> Words:
    return Words(pairs, {"edge-case": case_header} if case_header else {}, KNOWN)


def refusal(code: str, *pairs: tuple[str, str], case_header: str = "") -> None:
    with pytest.raises(Refused) as refused:
        words(*pairs, case_header=case_header).part()
    assert refused.value.code == code


def test_a_slip_does_not_become_another_question() -> None:
    refusal("bad_args", ("strat", "x"))
    refusal("bad_args", ("operator", "somebody.else"))
    refusal("bad_args", ("case", "1"), ("case", "2"))
    refusal("bad_args", ("case", "1"), case_header="2")
    for part in ("0", "-1", "x", "1e3", "٣", "9" * 30):
        refusal("bad_args", ("part", part))
    assert words(("part", "12")).part() == 12


def test_the_case_comes_in_the_address_or_percent_encoded_in_a_header() -> None:
    assert words(("case", "RSOW 7/26")).case == "RSOW 7/26"
    assert words(case_header="RSOW%207%2F26%20%C5%BC").case == "RSOW 7/26 ż"
    assert words(("case", "7/26"), case_header="7/26").case == "7/26"


def test_a_plus_that_became_a_blank_is_still_an_offset() -> None:
    start_ns, end_ns = words(("start", "2026-11-22T14:05:00 01:00"), ("end", "2026-11-22T13:06:00Z")).range(3600)
    assert (format_utc(start_ns), end_ns - start_ns) == ("2026-11-22T13:05:00.000Z", 60_000_000_000)


def test_the_future_and_too_long_a_time_are_refused() -> None:
    clock = ManualClock()
    now_ns = clock.read().utc_ns
    late = words(("start", format_utc(now_ns)), ("end", format_utc(now_ns + 2_000_000_000)))
    with pytest.raises(Refused, match="in the future"):
        clip_range(late, clock)
    long = words(("start", "2020-01-01T00:00:00Z"), ("end", "2020-01-01T04:00:01Z"))
    with pytest.raises(Refused, match="end must be"):
        clip_range(long, clock)


def test_without_a_case_the_answer_says_where_it_goes() -> None:
    with pytest.raises(Refused, match="case=REFERENCE") as refused:
        warrant_of(words(), "a.nowak", "cam0", 0, 1, "x")
    assert refused.value.code == "no_case"
