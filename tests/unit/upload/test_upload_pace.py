from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.upload.pace import Pace


def test_no_rate_is_no_limit() -> None:
    assert Pace(0).take(0.0, 1 << 40) == 0


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    pace = Pace(1000, burst_bytes=500)
    assert pace.take(10.0, 500) == 0
    assert pace.take(10.0, 100) == 0.1
    assert pace.take(10.1, 100) == pytest.approx(0.1)


def test_a_long_rest_earns_no_more_than_one_burst() -> None:
    pace = Pace(1000, burst_bytes=500)
    pace.take(0.0, 500)
    assert pace.take(3600.0, 1500) == 1.0


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=50), st.integers(100, 10_000))
def test_who_waits_as_told_never_exceeds_the_rate(counts: list[int], rate: int) -> None:
    pace = Pace(rate, burst_bytes=500)
    now_s = sent = 0.0
    for count in counts:
        now_s += pace.take(now_s, count)
        sent += count
        assert sent <= 500 + rate * now_s * 1.000001
