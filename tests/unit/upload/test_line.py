from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.upload.line import InLine, in_order, next_ones, workers_of

JOBS = st.integers(1, 4)


@st.composite
def lines(draw: st.DrawFn) -> list[InLine]:
    kinds = draw(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
    return [InLine(f"r-{number}", number, urgent, big) for number, (urgent, big) in enumerate(kinds)]


class Life:
    """Jobs that come, run and end, in any order."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.waiting: list[InLine] = []
        self.running: list[InLine] = []

    def turn(self) -> None:
        chosen = next_ones(self.waiting, self.running, self.jobs)
        self.waiting = [each for each in self.waiting if each not in chosen]
        self.running += chosen

    def check(self) -> None:
        plain = [each for each in self.running if not each.urgent]
        assert len(self.running) <= workers_of(self.jobs)
        assert len(plain) <= self.jobs
        waiting_small = [each for each in self.waiting if not each.urgent and not each.big]
        if self.jobs > 1 and waiting_small and len(self.running) <= self.jobs:
            assert sum(not each.big for each in plain) >= 1, "small ones wait for small ones only"
        if any(each.urgent for each in self.waiting):
            assert sum(each.urgent for each in self.running) >= 1, "urgent ones wait for urgent ones only"
        if self.waiting:
            assert self.running, "somebody is always at work"


@given(JOBS, lines(), st.randoms(use_true_random=False))
def test_small_ones_wait_for_small_ones_and_urgent_ones_for_urgent_ones_and_all_come_to_their_turn(
    jobs: int, coming: list[InLine], random: object
) -> None:
    life, begun = Life(jobs), 0
    draw = random.random  # type: ignore[attr-defined]
    coming = list(coming)
    for _ in range(200):
        if coming and draw() < 0.5:
            life.waiting.append(coming.pop(0))
        elif life.running and draw() < 0.5:
            life.running.pop(int(draw() * len(life.running)))
            begun += 1
        life.turn()
        life.check()
    assert not life.waiting
    assert not coming


@given(JOBS, lines())
def test_of_one_kind_the_oldest_begins_first(jobs: int, waiting: list[InLine]) -> None:
    chosen = next_ones(waiting, [], jobs)
    for each in chosen:
        assert all(
            other in chosen for other in waiting if (other.urgent, other.big) == (each.urgent, each.big) and other.number < each.number
        )


def test_urgent_ones_stand_before_all_others_and_the_rest_by_age() -> None:
    line = [InLine("a", 1), InLine("b", 2, urgent=True), InLine("c", 3), InLine("d", 4, urgent=True)]
    assert [each.id for each in in_order(line)] == ["b", "d", "a", "c"]


def test_two_big_ones_go_one_after_the_other_and_a_small_one_beside_them() -> None:
    big, second, small = InLine("a", 1, big=True), InLine("b", 2, big=True), InLine("c", 3)
    assert next_ones([big, second, small], [], jobs=2) == [big, small]
    assert next_ones([big, second], [], jobs=1) == [big]
    assert next_ones([big, second], [], jobs=3) == [big, second]


def test_an_urgent_big_one_does_not_wait_for_big_ones() -> None:
    assert next_ones([InLine("b", 2, urgent=True, big=True)], [InLine("a", 1, big=True), InLine("c", 3)], jobs=2) == [
        InLine("b", 2, urgent=True, big=True)
    ]
