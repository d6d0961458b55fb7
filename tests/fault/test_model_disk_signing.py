"""Signed footage on a disk that fails at any operation, or loses its power there.

Afterwards every GOP in the ring has its document, but for the newest one and for those of which the journal says why not.
"""

from __future__ import annotations

from functools import cache

import pytest

from edge.host.model_disk import Fault, PowerLost
from edge.services.seal_check import check_seals, stored_gops
from tests.support.pole import DATA
from tests.support.pole_life import Life, lived_until
from tests.support.signing import MemorySigner


@cache
def signer() -> MemorySigner:
    return MemorySigner()


@cache
def operations() -> int:
    life = Life(signer())
    life.run()
    return life.disk.operations


def verify(life: Life, case: str = "") -> tuple[int, int]:
    """(GOPs in the ring, signed ones); the newest cannot be."""
    life.verify(case)
    findings, signed = check_seals(life.disk, DATA)
    assert findings == [], case
    return sum(1 for _ in stored_gops(life.disk, life.pole.ring)), signed


def test_a_life_without_a_fault_is_signed_throughout() -> None:
    life = Life(signer())
    life.run()
    life.power_cut(0)
    life.go_on()
    assert verify(life) == (len(life.promised), len(life.promised) - 1)


def test_the_power_may_go_at_any_operation() -> None:
    for number in range(1, operations() + 1):
        life = lived_until(number, undated=False, signer=signer())
        life.power_cut(seed=number)
        life.go_on()
        verify(life, f"power cut at operation {number}: {life.case}")


def test_the_power_may_go_again_during_the_recovery() -> None:
    cuts = 0
    for number in range(9, operations() + 1, 23):
        for again in range(1, 80, 13):
            life = lived_until(number, undated=False, signer=signer())
            life.power_cut(seed=number)
            life.disk.fault = Fault(again, "power")
            try:
                life.go_on()
            except PowerLost:
                cuts += 1
                life.power_cut(seed=number * 31 + again)
                life.go_on()
            life.heal()
            verify(life, f"power cut at operation {number}, again at {again} of the recovery: {life.case}")
    assert cuts > 20


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "short"])
def test_a_refusal_of_the_disk_leaves_what_is_kept_signed(kind: str) -> None:
    for number in range(2, operations() + 1, 3):
        life = Life(signer())
        life.disk.fault = Fault(number, kind, False)  # type: ignore[arg-type]
        life.run()
        life.heal()
        life.go_on()
        verify(life, f"{kind} at operation {number}: {life.disk.trail[number - 1]}")
