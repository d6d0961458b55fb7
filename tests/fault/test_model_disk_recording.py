"""The recorder on a disk that fails at any operation, or loses its power there - and again while it recovers.

Each case runs the same few minutes of a pole's life. Whatever happens, afterwards: the check finds nothing, and every fragment whose write
had returned is in the ring and readable.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import pytest

from edge.host.model_disk import Fault, PowerLost
from tests.support.depth import usually
from tests.support.pole import BOOT
from tests.support.pole_life import Life, lived_until

Kind = Literal["ENOSPC", "EIO", "short"]


@cache
def operations(undated: bool) -> int:
    life = Life()
    life.undated_run() if undated else life.run()
    return life.disk.operations


def test_without_a_fault_the_life_is_as_described() -> None:
    life = Life()
    life.run()
    life.power_cut(0)
    life.go_on()
    life.verify()
    assert len(life.promised) == 7 + 2 + 2 + 4 + 4
    assert life.pole.boot != BOOT


@pytest.mark.parametrize("undated", [False, True])
@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "short"])
def test_a_refusal_at_any_operation_loses_nothing_that_was_promised(kind: Kind, forever: bool, undated: bool) -> None:
    struck = 0
    for number in range(1, operations(undated) + 1):
        life = Life()
        life.disk.fault = Fault(number, kind, forever)
        life.undated_run() if undated else life.run()
        struck += life.disk.struck > 0
        life.heal()
        life.go_on()
        life.verify(f"operation {number}: {life.disk.trail[number - 1]}")
    assert struck >= 20


@pytest.mark.parametrize("undated", [False, True])
def test_the_power_may_go_at_any_operation(undated: bool) -> None:
    for number in range(1, operations(undated) + 1):
        life = lived_until(number, undated)
        life.power_cut(seed=number)
        life.go_on()
        life.verify(f"power cut at operation {number}: {life.case}")


@pytest.mark.parametrize("undated", [False, True])
def test_the_power_may_go_again_at_any_operation_of_the_recovery(undated: bool) -> None:
    cuts = 0
    for number in range(5, operations(undated) + 1, usually(11, full=7)):
        again = 1
        while True:
            life = lived_until(number, undated)
            life.power_cut(seed=number)
            life.disk.fault = Fault(again, "power")
            try:
                life.go_on()
                break
            except PowerLost:
                cuts += 1
            life.power_cut(seed=number * 31 + again)
            life.go_on()
            life.verify(f"power cut at operation {number}, again at {again} of the recovery: {life.case}")
            again += 5
    assert cuts > 100


def test_a_refusal_during_recovery_is_made_good_by_the_next_start() -> None:
    for number in range(5, operations(False) + 1, usually(19, full=9)):
        for again in range(1, 60, 4):
            life = lived_until(number, undated=False)
            life.power_cut(seed=number)
            life.disk.fault = Fault(again, "EIO")
            if life._start():
                life._seconds(2)
                life.pole.recording.close()
            life.heal()
            life.power_cut(seed=again)
            life.go_on()
            life.verify(f"power cut at operation {number}, refusal at {again} of the recovery: {life.case}")
