"""The sweep and the evidence locks on a disk that fails at any operation, or loses its power there - and again while it recovers.

Each case lives the same weeks. Afterwards: no held byte is gone, what was promised to be held is held, no segment is missing without an
Erase record, nothing that exists is called erased, nothing un-held is too old, and releases are recorded.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import pytest

from edge.host.model_disk import Fault, PowerLost
from edge.journal.reader import JournalReader
from edge.messages.records import HoldAdded, facts_of
from tests.support.depth import usually
from tests.support.plain_ring import DATA, SEGMENT_BYTES
from tests.support.weeks import Weeks

Kind = Literal["ENOSPC", "EIO", "short"]


@cache
def operations() -> tuple[int, int]:
    """Of the whole life: the first and the last operation."""
    weeks = Weeks()
    first = weeks.disk.operations + 1
    weeks.life()
    return first, weeks.disk.operations


def each_operation(step: int = 1) -> range:
    first, last = operations()
    return range(first, last + 1, step)


def test_the_healthy_life() -> None:
    weeks = Weeks()
    weeks.attempt(weeks.hold)
    assert weeks.held == {4, 5}
    weeks.ring.sweeper.sweep(0)
    assert weeks.ring.seqs() == [4, 5, *range(6, 15)]
    weeks.ring.sweeper.sweep(4 * SEGMENT_BYTES)
    assert weeks.ring.seqs() == [4, 5, *range(9, 15)]
    weeks.verify("before the release")
    weeks.attempt(weeks.release)
    weeks.ring.sweeper.sweep(0)
    assert weeks.ring.seqs() == list(range(9, 15))
    weeks.verify("healthy")
    assert len(each_operation()) > 150


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails(kind: Kind, forever: bool) -> None:
    for at in each_operation():
        weeks = Weeks()
        weeks.disk.fault = Fault(at, kind, forever)
        weeks.life()
        weeks.verify(f"{kind} at {at}, for ever: {forever}")


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails_and_then_the_power_goes(kind: Kind) -> None:
    for at in each_operation():
        for seed in range(usually(1, full=3)):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, kind, forever=seed == 2)
            weeks.life()
            weeks.power_cut(at + seed)
            weeks.verify(f"{kind} at {at}, power cut with seed {at + seed}")


def test_the_power_goes_at_the_nth_operation() -> None:
    for at in each_operation():
        for seed in range(usually(2, full=5)):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.life()
            weeks.power_cut(at + seed)
            weeks.verify(f"power at {at}, seed {at + seed}")


def test_the_power_goes_again_while_the_node_recovers() -> None:
    for at in each_operation(2):
        for again in range(1, 60, usually(19, full=4)):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.life()
            weeks.power_cut(at + again)
            weeks.disk.fault = Fault(again + at % 4, "power")
            try:
                weeks.recover()
            except PowerLost:
                weeks.power_cut(again)
            weeks.verify(f"power at {at}, again at {again + at % 4}")


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_disk_fails_while_the_node_recovers(kind: Kind) -> None:
    for at in each_operation(3):
        for again in range(1, 60, usually(19, full=6)):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.life()
            weeks.power_cut(at + again)
            weeks.disk.fault = Fault(again + at % 6, kind)
            weeks.attempt(weeks.recover)
            weeks.verify(f"power at {at}, {kind} at {again + at % 6} of the recovery", twice=True)


def test_a_hold_that_was_confirmed_survives_every_seed_of_a_power_cut() -> None:
    weeks = Weeks()
    weeks.hold()
    for seed in range(usually(25, full=200)):
        after = Weeks()
        after.hold()
        after.power_cut(seed)
        after.verify(f"seed {seed}")
        assert [hold.segments for hold in after.holds.holds()] == [[4, 5]], f"seed {seed}"


def test_a_hold_that_was_begun_is_completed_or_was_never_there() -> None:
    """Never a lock that someone may rely on and that holds nothing."""
    first, _ = operations()
    probe = Weeks()
    probe.hold()
    for at in range(first, probe.disk.operations + 1):
        for seed in range(usually(2, full=10)):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.hold()
            weeks.power_cut(seed)
            recorded = [facts_of(line.record, HoldAdded) for line in JournalReader(weeks.disk, DATA / "journal" / "agent").read()]
            for seq in (seq for record in recorded for seq in record.segments):
                assert weeks.nlink(seq) > 1, f"power at {at}, seed {seed}: {seq} is recorded as held and not linked"
            weeks.holds.refresh()
            found = weeks.holds.holds()
            assert [hold.segments for hold in found] in ([], [[4, 5]]), f"power at {at}, seed {seed}"
            weeks.hold()
            assert weeks.held == {4, 5}
            weeks.verify(f"power at {at}, seed {seed}")
