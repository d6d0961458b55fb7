"""A hold that reaches into the future, on a disk that fails at any operation or loses its power there: what is recorded into its range
stays, linked or not, from the moment the hold was confirmed to the moment its release was decided.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Literal

import pytest

from edge.clock import NS_PER_MS, format_utc
from edge.errors import StorageError
from edge.host.model_disk import Fault, PowerLost
from edge.journal.reader import JournalReader
from edge.messages.records import HoldAdded, facts_of
from edge.ring.check import check
from edge.ring.hold_request import HoldRequest
from tests.support.depth import usually
from tests.support.plain_ring import CAMERA, DATA, DAY_S, SEGMENT_BYTES
from tests.support.weeks import DAYS_EACH, HELD, Weeks

Kind = Literal["ENOSPC", "EIO", "short"]
AHEAD = 5
"""Segments that are recorded into the range after the hold was made."""


class Growing(Weeks):
    """Held: the last two segments there are, and five to come; the ring has room for twelve, so that all others must go."""

    def __init__(self) -> None:
        super().__init__()
        self.confirmed = self.releasing = False

    def _request(self) -> HoldRequest:
        start_ms = (self.names[-2].start_utc_ms or 0) + 5000
        end_ms = (self.names[-1].end_utc_ms or 0) + round(AHEAD * DAYS_EACH * DAY_S * 1000) - 5000
        start, end = (format_utc(each * NS_PER_MS) for each in (start_ms, end_ms))
        return HoldRequest(HELD, CAMERA, start, end, case="RSW 1/26", by="J. Nowak")

    def life(self) -> None:
        self.attempt(self.hold)
        self.records(2)
        self.press(2)
        self.attempt(self.holds.refresh)
        self.records(3)
        self.press(4)
        self.records(1)
        self.attempt(self.holds.refresh)
        self.attempt(self.release)
        self.press(4)

    def hold(self) -> None:
        """From the first try on it may be in force; only a confirmed one must be."""
        self.holds.add(self.request)
        self.confirmed = True

    def release(self) -> None:
        if self.confirmed and not self.releasing:
            self.releasing = True
            self.holds.release(HELD, by="A. Lis", why="closed")
            self.released = True

    def records(self, segments: int) -> None:
        """The recorder's own faults are tested elsewhere: here its disk is well while it writes."""
        fault, self.disk.fault = self.disk.fault, None
        for _ in range(segments):
            self.names.append(self.ring.record(DAYS_EACH * DAY_S))
        self.disk.fault = fault

    def press(self, segments: int) -> None:
        self.attempt(lambda: self.ring.sweeper.sweep(segments * SEGMENT_BYTES))

    def in_range(self) -> set[int]:
        """Numbers 13 to 19, as far as they are recorded: two seconds are held beyond both ends."""
        return {name.seq for name in self.names if 13 <= name.seq <= 13 + 1 + AHEAD}

    def verify(self, case: str, *, twice: bool = False) -> None:
        self.held = self.in_range() if self.confirmed and not self.releasing else set()
        super().verify(case, twice=twice)
        left = set(self.ring.seqs())
        assert self.held <= left, f"{case}: {self.held - left} of the hold are gone"
        findings = [each for each in check(self.disk, DATA).findings if each.invariant != 3]
        assert findings == [], f"{case}: {findings} (a plain ring records no gaps: 3 is left out)"
        self.press(6)
        assert self.held <= set(self.ring.seqs()), f"{case}: under pressure"


@cache
def operations() -> tuple[int, int]:
    weeks = Growing()
    first = weeks.disk.operations + 1
    weeks.life()
    return first, weeks.disk.operations


def each_operation(step: int = 1) -> range:
    first, last = operations()
    return range(first, last + 1, step)


def test_the_healthy_life_of_a_hold_that_grows() -> None:
    weeks = Growing()
    weeks.hold()
    weeks.records(AHEAD + 1)
    weeks.press(6)
    assert weeks.ring.seqs() == [13, 14, 15, 16, 17, 18, 19], "nobody has linked 15 to 19 yet, and 20 made room"
    assert [weeks.nlink(seq) for seq in (13, 14, 15, 19)] == [2, 2, 1, 1]
    weeks.holds.refresh()
    assert [weeks.nlink(seq) for seq in (13, 14, 15, 19)] == [2, 2, 2, 2]
    weeks.verify("before the release")
    weeks.release()
    weeks.press(12)
    assert weeks.ring.seqs() == []
    weeks.verify("healthy")


def test_a_hold_grows_without_anybody_who_links() -> None:
    """The local tool made it, no agent runs: the recorder alone keeps its range, through restarts and a reboot."""
    weeks = Growing()
    weeks.hold()
    for number in range(AHEAD + 4):
        weeks.records(1)
        weeks.press(4)
        if number == 2:
            weeks.ring.start()
        if number == 4:
            weeks.power_cut(number)
    assert weeks.in_range() <= set(weeks.ring.seqs())
    assert weeks.nlink(17) == 1
    weeks.verify("linked now")
    assert weeks.nlink(17) == 2


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails(kind: Kind, forever: bool) -> None:
    for at in each_operation(usually(19, full=3)):
        weeks = Growing()
        weeks.disk.fault = Fault(at, kind, forever)
        weeks.life()
        weeks.verify(f"{kind} at {at}, for ever: {forever}")


def test_the_power_goes_at_the_nth_operation() -> None:
    """At each operation of adding, refreshing and releasing, and of the sweeps between them."""
    cuts = 0
    for at in each_operation():
        for seed in range(usually(1, full=2)):
            weeks = Growing()
            weeks.disk.fault = Fault(at, "power")
            try:
                weeks.life()
            except PowerLost:
                cuts += 1
            weeks.power_cut(at + seed)
            weeks.verify(f"power at {at}, seed {at + seed}")
    assert cuts > 250


def test_the_power_goes_again_while_the_node_recovers() -> None:
    for at in each_operation(usually(37, full=7)):
        for again in range(1, 50, 8):
            weeks = Growing()
            weeks.disk.fault = Fault(at, "power")
            with suppress(PowerLost):
                weeks.life()
            weeks.power_cut(at + again)
            weeks.disk.fault = Fault(weeks.disk.operations + again + at % 8, "power")
            try:
                weeks.recover()
            except PowerLost:
                weeks.power_cut(again)
            weeks.verify(f"power at {at}, again {again + at % 8} operations into the recovery")


def test_what_is_recorded_as_held_is_linked_whenever_the_power_goes() -> None:
    for at in each_operation(usually(23, full=5)):
        weeks = Growing()
        weeks.disk.fault = Fault(at, "power")
        with suppress(PowerLost):
            weeks.life()
        weeks.power_cut(at)
        if weeks.releasing:
            continue
        lines = JournalReader(weeks.disk, DATA / "journal" / "agent").read()
        for held in (facts_of(line.record, HoldAdded) for line in lines if line.record.type == "hold"):
            for seq in held.segments:
                assert weeks.nlink(seq) > 1, f"power at {at}: {seq} is recorded as held and not linked"


def test_a_release_that_the_disk_refuses_is_ended_later_and_recorded_once_it_is() -> None:
    kinds: tuple[Kind, ...] = ("ENOSPC", "EIO")
    for kind in kinds:
        for after in range(1, 16):
            weeks = Growing()
            weeks.hold()
            weeks.records(2)
            weeks.holds.refresh()
            weeks.disk.fault = Fault(weeks.disk.operations + after, kind)
            with suppress(StorageError):
                weeks.release()
            weeks.disk.fault = None
            weeks.holds.refresh()
            there = [hold.id for hold in weeks.holds.holds()]
            records = [line.record.type for line in JournalReader(weeks.disk, DATA / "journal" / "agent").read()]
            assert (there, "release" in records) in (([], True), ([HELD], False)), f"{kind} after {after}"
