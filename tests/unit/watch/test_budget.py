"""Watching keeps within its share of a core by looking at fewer pictures."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from edge.watch.budget import MOST, SPAN_S, Budget


def after(budget: Budget, cost_percent: float, spans: int) -> list[int]:
    """How many pictures are looked at, span by span, where looking at all of them would cost `cost_percent`."""
    cpu_s, chosen = 0.0, []
    budget.spent(cpu_s, 0.0)
    for span in range(1, spans + 1):
        cpu_s += cost_percent / budget.every / 100 * SPAN_S
        assert not budget.spent(cpu_s, span * SPAN_S - 0.01)
        assert budget.spent(cpu_s, span * SPAN_S)
        chosen.append(budget.every)
    return chosen


def test_within_its_share_every_picture_is_looked_at() -> None:
    assert after(Budget(25.0), 24.0, 5) == [1] * 5


def test_over_it_every_second_then_every_fourth_and_no_fewer() -> None:
    assert after(Budget(25.0), 45.0, 4) == [2, 2, 2, 2]
    assert after(Budget(25.0), 500.0, 4) == [2, 4, 4, 4]


def test_when_there_is_room_again_all_are_looked_at_again() -> None:
    budget = Budget(25.0)
    after(budget, 90.0, 3)
    assert budget.every == 4
    budget._since = None
    assert after(budget, 15.0, 3) == [2, 1, 1]


@given(st.floats(1, 100), st.floats(0, 400))
def test_a_steady_load_leads_to_a_steady_choice_within_the_share_where_that_can_be(percent: float, cost: float) -> None:
    assume(all(abs(cost / every / percent - 1) > 1e-6 for every in (1, 2, 4)))
    chosen = after(Budget(percent), cost, 8)
    assert len(set(chosen[3:])) == 1
    assert cost / chosen[-1] <= percent or chosen[-1] == MOST
