"""Retention as a decision: numbers in, verdicts out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import Camera, Node, NodeConfig, Retention, Ring
from edge.ring.names import SegmentName
from edge.ring.retain import DAY_MS, Decision, Lines, Policy, Situation, Stored, Waiting, decide, policy_of

NOW_MS = 1_795_000_000_000
POLICY = Policy(days=30.0, minimum_days=20.0)


def dated(seq: int, age_days: float, size: int = 10, *, held: bool = False) -> Stored:
    return Stored(SegmentName(seq, 60_000, NOW_MS - round(age_days * DAY_MS), None, None), size, held)


def undated(seq: int, size: int = 10, *, held: bool = False) -> Stored:
    return Stored(SegmentName(seq, 60_000, None, "b1", seq), size, held)


def run(situation: Situation, *stored: Stored, policy: Policy = POLICY) -> Decision:
    with_age = [each for each in stored if each.name.start_utc_ms is not None]
    without = [each for each in stored if each.name.start_utc_ms is None]
    return decide(policy, situation, Lines(Waiting(with_age), Waiting(without)))


def words(decision: Decision) -> list[tuple[int, str, bool]]:
    return [(verdict.stored.name.seq, verdict.reason, verdict.early) for verdict in decision.erase]


def test_nothing_is_erased_without_need() -> None:
    assert words(run(Situation(NOW_MS), dated(1, 29.9), dated(2, 1), undated(3))) == []


def test_what_is_as_old_as_the_limit_goes_oldest_first() -> None:
    assert words(run(Situation(NOW_MS), dated(1, 31), dated(2, 30), dated(3, 29.99))) == [(1, "age", False), (2, "age", False)]


def test_age_counts_from_the_first_picture_of_a_segment() -> None:
    begun_before_the_limit = Stored(SegmentName(1, 3_600_000, NOW_MS - 30 * DAY_MS, None, None), 10, False)
    assert words(run(Situation(NOW_MS), begun_before_the_limit)) == [(1, "age", False)]


def test_held_footage_is_neither_erased_nor_counted() -> None:
    situation = Situation(NOW_MS, short_bytes=25)
    decision = run(situation, dated(1, 40, held=True), dated(2, 25, 1000, held=True), dated(3, 24), dated(4, 23), dated(5, 22), dated(6, 1))
    assert words(decision) == [(3, "space", False), (4, "space", False), (5, "space", False)]


def test_no_age_counts_while_the_clock_is_not_believed() -> None:
    for reason in ("untrusted", "jumped"):
        assert words(run(Situation(NOW_MS, suspended=reason), dated(1, 400))) == []


def test_room_is_made_also_while_the_clock_is_not_believed() -> None:
    situation = Situation(NOW_MS, suspended="jumped", known_now_ms=NOW_MS - 395 * DAY_MS, short_bytes=5)
    assert words(run(situation, dated(1, 400))) == [(1, "space", True)]
    situation = Situation(0, suspended="untrusted", known_now_ms=NOW_MS, short_bytes=5)
    assert words(run(situation, dated(1, 25))) == [(1, "space", False)]


def test_footage_younger_than_the_legal_minimum_goes_for_room_and_is_called_early() -> None:
    decision = run(Situation(NOW_MS, short_bytes=15), dated(1, 20.5), dated(2, 19.5), dated(3, 1))
    assert words(decision) == [(1, "space", False), (2, "space", True)]
    assert decision.short_bytes == 0
    assert decision.meets_minimum is False


def test_footage_without_a_date_goes_for_room_only_in_its_turn() -> None:
    stored = [dated(1, 31), undated(2), dated(3, 25), undated(4), dated(5, 1)]
    assert words(run(Situation(NOW_MS), *stored)) == [(1, "age", False)]
    decision = run(Situation(NOW_MS, short_bytes=35), *stored)
    assert words(decision) == [(1, "age", False), (2, "space", True), (3, "space", False), (4, "space", True)]


def test_what_goes_by_age_counts_for_the_room_that_is_needed() -> None:
    assert words(run(Situation(NOW_MS, short_bytes=10), dated(1, 31), undated(2), dated(3, 5))) == [(1, "age", False)]


def test_undated_footage_recorded_before_something_too_old_is_too_old() -> None:
    assert words(run(Situation(NOW_MS), undated(1), dated(2, 31), undated(3), dated(4, 5))) == [(2, "age", False), (1, "age", False)]
    assert words(run(Situation(NOW_MS, suspended="jumped"), undated(1), dated(2, 31))) == []


def test_numbers_and_dates_that_contradict_each_other_erase_nothing_and_are_pointed_out() -> None:
    """The fourth was named by a clock that was a year behind."""
    decision = run(Situation(NOW_MS), dated(1, 8), undated(2), dated(3, 7), dated(4, 370), dated(5, 6))
    assert words(run(Situation(NOW_MS), dated(4, 370), undated(2), dated(1, 8), dated(3, 7))) == [(4, "age", False)]
    assert decision.overdue is None, "the lines are in the order of time"
    assert run(Situation(NOW_MS), dated(4, 370), undated(2), dated(1, 8), dated(3, 7)).overdue == 2


def own(seq: int, mono_days: float, *, held: bool = False) -> Stored:
    return Stored(SegmentName(seq, 60_000, None, "now", round(mono_days * DAY_MS)), 10, held)


def test_footage_of_this_boot_ages_by_the_monotonic_clock_whatever_the_other_clock_says() -> None:
    stored = [own(5, 1), own(6, 2), own(7, 2.1), own(8, 30)]
    for suspended in ("untrusted", "jumped", ""):
        lines = Lines(Waiting(()), Waiting([undated(3)]), Waiting(stored))
        decision = decide(POLICY, Situation(0, now_boot_ms=32 * DAY_MS, suspended=suspended), lines)  # type: ignore[arg-type]
        assert words(decision) == [(5, "age", False), (6, "age", False), (3, "age", False)], suspended


def test_held_footage_of_this_boot_stays_and_proves_nothing() -> None:
    lines = Lines(Waiting(()), Waiting([undated(3)]), Waiting([own(5, 1, held=True), own(6, 40)]))
    assert words(decide(POLICY, Situation(0, now_boot_ms=41 * DAY_MS, suspended="untrusted"), lines)) == []


def test_at_most_so_many_go_by_age_at_once_whatever_proves_it() -> None:
    lines = Lines(Waiting([dated(9, 31), dated(10, 30.5)]), Waiting([undated(1), undated(2)]), Waiting([own(11, 0), own(12, 0)]))
    decision = decide(POLICY, Situation(NOW_MS, now_boot_ms=31 * DAY_MS, by_age_at_most=3), lines)
    assert words(decision) == [(11, "age", False), (12, "age", False), (1, "age", False)]


def test_the_budget_is_a_reason_of_its_own() -> None:
    decision = run(Situation(NOW_MS, short_bytes=5, excess_bytes=15), dated(1, 25), dated(2, 24), dated(3, 23))
    assert words(decision) == [(1, "space", False), (2, "budget", False)]


def test_what_is_lacking_with_nothing_left_is_told() -> None:
    decision = run(Situation(NOW_MS, short_bytes=100), dated(1, 25), dated(2, 24, held=True))
    assert words(decision) == [(1, "space", False)]
    assert decision.short_bytes == 90


def test_only_one_segment_more_than_needed_is_looked_at() -> None:
    looked: list[int] = []

    def watched() -> Waiting:
        return Waiting(each for seq in range(1, 100) if looked.append(seq) is None for each in [dated(seq, 32 - seq)])  # type: ignore[func-returns-value]

    decide(POLICY, Situation(NOW_MS), Lines(watched(), Waiting(())))
    assert looked == [1, 2, 3]


@given(
    st.lists(st.tuples(st.floats(0, 60), st.integers(1, 100), st.booleans(), st.booleans()), max_size=30),
    st.integers(-50, 1000),
    st.integers(-50, 1000),
)
def test_whatever_the_ring_the_rules_hold(ring: list[tuple[float, int, bool, bool]], short: int, excess: int) -> None:
    ring = [(age, *rest) for age, rest in zip(sorted((age for age, *_ in ring), reverse=True), (rest for _, *rest in ring), strict=True)]  # type: ignore[misc]
    stored = [
        undated(seq, size, held=held) if no_date else dated(seq, age, size, held=held)
        for seq, (age, size, held, no_date) in enumerate(ring, start=1)
    ]
    decision = run(Situation(NOW_MS, short_bytes=short, excess_bytes=excess), *stored)
    erased = [verdict.stored for verdict in decision.erase]
    freed = sum(each.bytes for each in erased)
    left = [each for each in stored if each not in erased and not each.held]
    assert not any(each.held for each in erased)
    assert len({each.name.seq for each in erased}) == len(erased)
    assert not any(each.name.start_utc_ms is not None and each.name.start_utc_ms <= NOW_MS - 30 * DAY_MS for each in left)
    assert freed >= max(short, excess) or not left
    assert decision.short_bytes == max(max(short, excess) - freed, 0)
    for_room = [verdict.stored for verdict in decision.erase if verdict.reason != "age"]
    assert [each.name.seq for each in for_room] == sorted(each.name.seq for each in for_room)
    if for_room:
        assert freed - for_room[-1].bytes < max(short, excess)
        assert all(each.name.seq > for_room[-1].name.seq for each in left)


def test_the_reserve_is_two_percent_and_at_least_64_mb() -> None:
    assert POLICY.reserve_of(10**12) == 20 * 10**9
    assert POLICY.reserve_of(10**9) == 64 << 20
    assert Policy(30, 20, reserve_bytes=5).reserve_of(10**12) == 5


def test_the_policy_follows_the_configuration() -> None:
    config = NodeConfig(
        node=Node(id="n1", data="/data"),
        camera=[Camera(id="cam1", source="synthetic:")],
        ring=Ring(reserve_bytes=7, budget_bytes=8),
        retention=Retention(profile="pl-municipal", days=60.0, minimum_days=21.0, clock_jump_quarantine_h=2.0),
    )
    policy = policy_of(config)
    assert policy == Policy(60.0, 21.0, 7, 8, 7200.0, "pl-municipal")
    assert policy.text == "pl-municipal: at most 60 days, at least 21"
