from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.upload.pace import FairPace, Share


def let_go(share: Share, now_s: float, count: int) -> float:
    """When it may go, for one that nobody competes with."""
    share.ask(count)
    while (wait_s := share.wait_s(now_s)) > 0:
        now_s += wait_s
    return now_s


def test_no_rate_is_no_limit() -> None:
    share = FairPace(0).share()
    share.ask(1 << 40)
    assert share.wait_s(0.0) == 0


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    pace = FairPace(65_536)
    share = pace.share()
    assert let_go(share, 10.0, pace.burst_bytes) == 10.0
    assert let_go(share, 10.0, 6_553) == pytest.approx(10.1, abs=0.003)


def test_a_long_rest_earns_no_more_than_one_burst() -> None:
    pace = FairPace(65_536)
    share = pace.share()
    let_go(share, 0.0, 1_000)
    assert let_go(share, 3600.0, pace.burst_bytes) == 3600.0
    assert let_go(share, 3600.0, 65_536) == pytest.approx(3601.0, abs=0.003)


def test_one_that_gave_up_waiting_is_not_waited_for() -> None:
    pace = FairPace(1000)
    gone, other = pace.share(), pace.share()
    gone.ask(pace.burst_bytes)
    other.ask(1_000)
    assert other.wait_s(0.0) > 0
    gone.withdraw()
    assert other.wait_s(0.0) == 0


class Transfer:
    """One that always wants more, in pieces of its own size, at most a quantum; idle: how long it does other things between two pieces."""

    def __init__(self, pace: FairPace, piece: int, weight: float, idle_s: float, begins_s: float) -> None:
        self.share, self.piece, self.weight, self.idle_s = pace.share(weight), piece, weight, idle_s
        self.due_s = begins_s
        self.asking = False
        self.sent = 0

    def step(self, now_s: float) -> None:
        if not self.asking:
            self.share.ask(self.piece)
            self.asking = True
        wait_s = self.share.wait_s(now_s)
        if wait_s > 0:
            self.due_s = now_s + wait_s
            return
        self.asking = False
        self.sent += self.piece
        self.due_s = now_s + self.idle_s


def simulate(pace: FairPace, transfers: list[Transfer], until_s: float) -> None:
    """Each thread wakes when it was told to, and never sees more than the rate in all."""
    while True:
        following = min(transfers, key=lambda each: each.due_s)
        if following.due_s >= until_s:
            return
        now_s = following.due_s
        following.step(now_s)
        assert sum(each.sent for each in transfers) <= pace.burst_bytes + pace.bytes_per_s * now_s + 1


RATES = st.integers(32_000, 1_000_000)


@settings(max_examples=40)
@given(RATES, st.lists(st.tuples(st.floats(0.5, 1.0), st.sampled_from([1.0, 1.0, 4.0])), min_size=2, max_size=5))
def test_those_that_want_more_than_there_is_get_it_by_their_weights_whatever_their_pieces(
    rate: int, asked: list[tuple[float, float]]
) -> None:
    pace = FairPace(rate)
    transfers = [Transfer(pace, round(part * pace.quantum_bytes), weight, 0.0, 0.0) for part, weight in asked]
    simulate(pace, transfers, until_s=3.0)
    before = [each.sent for each in transfers]
    simulate(pace, transfers, until_s=5.0)
    gained = [each.sent - sent for each, sent in zip(transfers, before, strict=True)]
    assert sum(gained) >= rate * 1.9 - pace.quantum_bytes, "nothing of the rate is left unused"
    weights, largest = sum(each.weight for each in transfers), max(each.piece for each in transfers)
    for each, own in zip(transfers, gained, strict=True):
        assert abs(own - sum(gained) * each.weight / weights) <= 3 * largest * each.weight


@settings(max_examples=40)
@given(RATES, st.integers(1, 3))
def test_what_an_idle_one_leaves_the_others_take_and_it_is_served_at_once_when_it_comes_back(rate: int, others: int) -> None:
    pace = FairPace(rate)
    busy = [Transfer(pace, pace.quantum_bytes // 2, 1.0, 0.0, 0.0) for _ in range(others)]
    late = Transfer(pace, pace.quantum_bytes // 2, 1.0, 0.0, 3.0)
    simulate(pace, [*busy, late], until_s=3.0)
    assert sum(each.sent for each in busy) >= rate * 2.6
    before = [each.sent for each in busy]
    simulate(pace, [*busy, late], until_s=7.0)
    gained = [each.sent - sent for each, sent in zip(busy, before, strict=True)]
    assert late.sent >= max(gained) - 3 * pace.quantum_bytes, "it is owed no past, and robbed of no present"
    assert late.sent <= min(gained) + 3 * pace.quantum_bytes


def test_slow_rates_are_divided_into_small_pieces_so_that_every_transfer_keeps_moving() -> None:
    assert FairPace(8_000).quantum_bytes == 2_000
    assert FairPace(100).quantum_bytes == 1_024
    assert FairPace(0).quantum_bytes == FairPace(100_000_000).quantum_bytes == 65_536
