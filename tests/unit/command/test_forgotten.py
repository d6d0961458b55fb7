"""A command that the ledger has forgotten is never obeyed again, and no honest one is shut out by those."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.command.forgotten import EVER, JOIN_S, STRETCHES_MAX, joined
from edge.command.ledger import FORGOTTEN, MOST, Ledger
from edge.host.model_disk import Fault, PowerLost
from tests.support.obeying import BOOT, FOLDER, Node
from tests.support.replays import DAY_S, YEARS_S, Life

TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def busy_days(node: Node, boot: str = "") -> list[bytes]:
    """More commands than are kept, two days ago by the node's clock, all of them obeyed and then forgotten."""
    tokens = [node.token(f"{boot}{node.clock.read().utc_ns}-{number}", boot=boot) for number in range(node.most + 1)]
    for token in tokens:
        node.take(token)
    node.clock.advance(2 * DAY_S)
    assert node.ledger.prune(node.clock.read()) > node.most
    return tokens


def test_only_above_its_measure_and_by_a_trusted_clock_anything_is_forgotten() -> None:
    node = Node(most=5)
    for number in range(6):
        assert node.ledger.prune(node.clock.read()) == 0
        node.take(node.token(f"c{number}"))
    assert node.ledger.prune(node.clock.read()) == 0, "it could come again"
    node.clock.advance(2 * DAY_S)
    node.clock.set_state("untrusted")
    assert node.ledger.prune(node.clock.read()) == 0
    node.clock.set_state("trusted")
    assert node.ledger.prune(node.clock.read()) == 6
    assert Ledger(node.disk, FOLDER, BOOT).entries() == []
    assert MOST > 1000


@pytest.mark.parametrize("named", [False, True])
def test_what_is_forgotten_stays_refused_when_the_clock_is_set_back(named: bool) -> None:
    node = Node(most=5)
    tokens = busy_days(node, BOOT if named else "")
    node.clock.step_utc(-2 * DAY_S)
    for again in (node, node.again(), node.rebooted("next-boot")):
        done = list(again.done)
        codes = [again.take(token).code for token in tokens]
        assert again.done == done
        assert set(codes) == {"too_old"} or (again.boot != BOOT and set(codes) <= {"too_old", ""}), (
            "names that came back after the power cut"
        )


def test_a_command_of_this_boot_stays_refused_also_when_the_clock_is_believed_no_more() -> None:
    node = Node(most=5)
    tokens = busy_days(node, BOOT)
    node.clock.set_state("untrusted")
    assert {node.again().take(token).code for token in tokens} == {"too_old"}
    assert node.take(node.token("new", boot=BOOT)).state == "accepted"


def test_what_was_forgotten_in_any_boot_before_stays_refused() -> None:
    node, tokens = Node(most=3), []
    for number in range(3):
        node = node.rebooted(f"boot-{number}")
        tokens += busy_days(node, node.boot if number else "")
    done = list(node.done)
    node.clock.step_utc(-6 * DAY_S)
    for _ in range(4):
        for token in tokens:
            node.take(token)
        node.clock.step_utc(2 * DAY_S)
    assert node.done == done


def test_a_clock_that_ran_years_ahead_shuts_nobody_out_and_lets_nothing_in() -> None:
    node = Node(most=5)
    node.clock.step_utc(YEARS_S)
    tokens = busy_days(node)
    node.clock.step_utc(-YEARS_S)
    assert node.take(node.token("honest")).state == "accepted"
    node.clock.step_utc(YEARS_S - 2 * DAY_S)
    assert {node.take(token).code for token in tokens} == {"too_old"}
    assert node.take(node.token("honest-2")).code == "too_old"
    assert node.take(node.token("honest-2", boot=BOOT)).code == "too_old", "it could be one that was forgotten in this boot"
    later = node.rebooted("next-boot")
    assert later.take(later.token("honest-3")).code == "too_old"
    assert later.take(later.token("honest-3", boot="next-boot")).state == "accepted"


def test_a_power_cut_anywhere_while_it_forgets_lets_nothing_in() -> None:
    def full() -> tuple[Node, list[bytes]]:
        node = Node(most=3)
        tokens = [node.token(f"c{number}") for number in range(4)]
        for token in tokens:
            node.take(token)
        node.clock.advance(2 * DAY_S)
        return node, tokens

    whole, _ = full()
    before = whole.disk.operations
    whole.ledger.prune(whole.clock.read())
    for cut in range(1, whole.disk.operations - before + 1):
        node, tokens = full()
        node.disk.fault = Fault(node.disk.operations + cut, "power")
        with contextlib.suppress(PowerLost):
            node.ledger.prune(node.clock.read())
        node.clock.step_utc(-2 * DAY_S)
        for seed in range(3):
            later = node.rebooted("next-boot", seed)
            for token in tokens:
                later.take(token)
        assert len(node.done) == 4


def test_what_cannot_be_read_stands_for_everything_until_a_boot_is_named_that_came_later() -> None:
    node = Node(most=5)
    busy_days(node)
    node.disk.replace(FOLDER / FORGOTTEN, b"{")
    damaged = node.again()
    for boot in ("", BOOT):
        assert damaged.take(damaged.token("honest", boot=boot)).code == "too_old"
    later = damaged.rebooted("next-boot")
    assert later.take(later.token("honest")).code == "too_old"
    assert later.take(later.token("honest", boot="next-boot")).state == "accepted"


stretches = st.lists(st.integers(0, 400 * JOIN_S).flatmap(lambda first: st.integers(0, JOIN_S).map(lambda more: (first, first + more))))


@given(stretches, st.integers(0, 400 * JOIN_S))
def test_joined_stretches_leave_nothing_out_and_keep_the_present_apart(found: list[tuple[int, int]], now_s: int) -> None:
    result = joined(found, now_s)
    assert all(any(first <= a and b <= last for first, last in result) for a, b in found)
    assert all(earlier[1] + JOIN_S < later[0] for earlier, later in pairwise(result))
    near = [a for a, b in found if abs(a - now_s) <= JOIN_S or abs(b - now_s) <= JOIN_S or a <= now_s <= b]
    assert near or not any(first <= now_s <= last for first, last in result)


def test_of_many_stretches_the_closest_are_joined_and_never_over_the_present() -> None:
    every_third = [(day * 3 * DAY_S, day * 3 * DAY_S) for day in range(200)]
    now_s = 100 * DAY_S
    result = joined([*every_third, EVER[:1] * 2], now_s)
    assert len(result) == STRETCHES_MAX
    assert not any(first <= now_s <= last for first, last in result)
