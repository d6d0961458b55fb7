"""The sweep and the evidence locks on a disk that fails at any operation, or loses its power there - and again while it recovers.

Each case lives the same weeks. Afterwards: no held byte is gone, what was promised to be held is held, no segment is missing without an
Erase record, nothing that exists is called erased, nothing un-held is too old, and releases are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.errors import NotFound, StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Erase, HoldAdded, HoldReleased, facts_of
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.names import RingFolder
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, DATA, DAY_S, POLICY, SEGMENT_BYTES, PlainRing, content_of

Kind = Literal["ENOSPC", "EIO", "short"]
SEGMENTS = 14
DAYS_EACH = 3
HELD = "evidence"


@cache
def _recorded() -> PlainRing:
    ring = PlainRing(ModelDisk(1 << 22))
    for _ in range(SEGMENTS):
        ring.record(DAYS_EACH * DAY_S)
    return ring


def six_weeks_later() -> tuple[ModelDisk, ManualClock]:
    """A disk of its own each time: everything on it was synced, so a power cut copies it."""
    ring = _recorded()
    assert isinstance(ring.disk, ModelDisk)
    now = ring.clock.read()
    return ring.disk.power_cut(0), ManualClock(now.utc_ns, now.boot_ns)


class Weeks:
    """A ring of three days a segment, a month's limit and a budget; a recorder that sweeps and an agent that holds and releases."""

    def __init__(self) -> None:
        self.disk, clock = six_weeks_later()
        self.ring = PlainRing(self.disk, clock, policy=replace(POLICY, budget_bytes=12 * SEGMENT_BYTES), next_seq=SEGMENTS + 1)
        self.names = list(self.ring.folder.all())
        self.held: set[int] = set()
        self.released = False
        self.boots = 1
        self._agent()
        self.request = self._request()

    def _request(self) -> HoldRequest:
        """The fourth and fifth segment: about to be too old, in the middle of what goes."""
        start_ms, end_ms = self.names[3].start_utc_ms or 0, self.names[4].end_utc_ms or 0
        return HoldRequest(HELD, CAMERA, _utc(start_ms + 5000), _utc(end_ms - 5000), case="RSW 1/26", by="J. Nowak")

    def _agent(self) -> None:
        self.journal = JournalWriter(self.disk, DATA / "journal" / "agent", self.ring.clock, self.ring.boot)
        reader = RingReader(self.disk, DATA, self.ring.clock, self.ring.boot)
        self.holds = Holds(self.disk, DATA, self.journal, self.ring.clock, reader)

    def life(self) -> None:
        """Hold, sweep by age, sweep for room, release, sweep; who is refused tries once more later."""
        self._try(self._hold)
        self._try(lambda: self.ring.sweeper.sweep(0))
        self._try(lambda: self.ring.sweeper.sweep(4 * SEGMENT_BYTES))
        self._try(self._release)
        self._try(lambda: self.ring.sweeper.sweep(0))

    def _hold(self) -> None:
        self.held |= set(self.holds.add(self.request).segments)

    def _release(self) -> None:
        if self.held:
            self.held.clear()
            self.released = True
            self.holds.release(HELD, by="A. Lis", why="closed")

    def _try(self, step: Callable[[], object]) -> None:
        for _attempt in range(2):
            try:
                step()
            except StorageError:
                self.ring.clock.advance(1)
            else:
                return

    def power_cut(self, seed: int) -> None:
        self.disk = self.ring.disk = self.disk.power_cut(seed)
        self.boots += 1
        self.ring.reboot(30.0, f"boot-{self.boots}")
        self._agent()

    def recover(self) -> None:
        """What services do when they start: holds first, then the sweep, before anything is answered."""
        self.holds.refresh()
        self.ring.sweeper.sweep(0)

    def verify(self, case: str, *, twice: bool = False) -> None:
        """twice: a record may be doubled, which happens where the disk refuses in the middle of a recovery."""
        self.disk.fault = None
        self.holds.refresh()
        for _ in range(2):
            self.ring.sweeper.sweep(0)
        self._verify_held(case)
        records = self._verify_explained(case)
        assert twice or len(records) == len({record.seq for record in records}), f"{case}: erased twice"
        self._verify_age(case)
        for writer in ("agent", f"recorder.{CAMERA}"):
            assert JournalReader(self.disk, DATA / "journal" / writer).verify() == [], case

    def _verify_held(self, case: str) -> None:
        folder = DATA / "hold" / HELD
        for seq in self.held:
            name = next(name for name in self.names if name.seq == seq)
            assert self.disk.read(folder / Path(name.path).name) == content_of(seq), f"{case}: held segment {seq}"
        for hold in self.holds.holds():
            assert hold.recorded, case
            assert len(hold.segments) == sum(entry.name.endswith(".mp4") for entry in self.disk.scan(folder)), case
        assert self.holds.incomplete() == [], case
        try:
            exists = bool(self.disk.scan(folder))
        except NotFound:
            exists = False
        if self.released and not exists:
            lines = JournalReader(self.disk, DATA / "journal" / "agent").read()
            assert any(line.record.type == "release" and facts_of(line.record, HoldReleased).by == "A. Lis" for line in lines), case

    def _verify_explained(self, case: str) -> list[Erase]:
        folder = RingFolder(self.disk, self.ring.root)
        present = {name.seq for name in folder.all()}
        records = self.ring.facts(Erase)
        erased = {record.seq for record in records}
        assert present | erased == set(range(1, SEGMENTS + 1)), f"{case}: missing without a record"
        given_back = {seq for seq in present & erased if self._nlink(seq) > 1}
        assert present & erased == given_back, f"{case}: called erased and there"
        assert folder.erasing() == [], case
        for record in records:
            assert (record.bytes, len(record.sha256)) == (SEGMENT_BYTES, 64), case
        assert present == {seq for seq in present if self.disk.read(self._path(seq)) == content_of(seq)}, f"{case}: footage changed"
        return records

    def _verify_age(self, case: str) -> None:
        limit_ms = self.ring.clock.read().utc_ns // 1_000_000 - 30 * 86_400_000
        for name in self.ring.folder.all():
            assert (name.start_utc_ms or 0) > limit_ms or self._nlink(name.seq) > 1, f"{case}: {name.seq} is too old"

    def _path(self, seq: int) -> Path:
        return self.ring.root / next(name for name in self.names if name.seq == seq).path

    def _nlink(self, seq: int) -> int:
        return self.disk.stat(self._path(seq)).nlink


def _utc(utc_ms: int) -> str:
    return format_utc(utc_ms * NS_PER_S // 1000)


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
    weeks._try(weeks._hold)
    assert weeks.held == {4, 5}
    weeks.ring.sweeper.sweep(0)
    assert weeks.ring.seqs() == [4, 5, *range(6, 15)]
    weeks.ring.sweeper.sweep(4 * SEGMENT_BYTES)
    assert weeks.ring.seqs() == [4, 5, *range(9, 15)]
    weeks.verify("before the release")
    weeks._try(weeks._release)
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
        for seed in range(3):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, kind, forever=seed == 2)
            weeks.life()
            weeks.power_cut(at + seed)
            weeks.verify(f"{kind} at {at}, power cut with seed {at + seed}")


def test_the_power_goes_at_the_nth_operation() -> None:
    for at in each_operation():
        for seed in range(5):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.life()
            weeks.power_cut(at + seed)
            weeks.verify(f"power at {at}, seed {at + seed}")


def test_the_power_goes_again_while_the_node_recovers() -> None:
    for at in each_operation(2):
        for again in range(1, 60, 4):
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
        for again in range(1, 60, 6):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks.life()
            weeks.power_cut(at + again)
            weeks.disk.fault = Fault(again + at % 6, kind)
            weeks._try(weeks.recover)
            weeks.verify(f"power at {at}, {kind} at {again + at % 6} of the recovery", twice=True)


def test_a_hold_that_was_confirmed_survives_every_seed_of_a_power_cut() -> None:
    weeks = Weeks()
    weeks._hold()
    for seed in range(200):
        after = Weeks()
        after._hold()
        after.power_cut(seed)
        after.verify(f"seed {seed}")
        assert [hold.segments for hold in after.holds.holds()] == [[4, 5]], f"seed {seed}"


def test_a_hold_that_was_begun_is_completed_or_was_never_there() -> None:
    """Never a lock that someone may rely on and that holds nothing."""
    first, _ = operations()
    probe = Weeks()
    probe._hold()
    for at in range(first, probe.disk.operations + 1):
        for seed in range(10):
            weeks = Weeks()
            weeks.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                weeks._hold()
            weeks.power_cut(seed)
            recorded = [facts_of(line.record, HoldAdded) for line in JournalReader(weeks.disk, DATA / "journal" / "agent").read()]
            for seq in (seq for record in recorded for seq in record.segments):
                assert weeks._nlink(seq) > 1, f"power at {at}, seed {seed}: {seq} is recorded as held and not linked"
            weeks.holds.refresh()
            found = weeks.holds.holds()
            assert [hold.segments for hold in found] in ([], [[4, 5]]), f"power at {at}, seed {seed}"
            weeks._hold()
            assert weeks.held == {4, 5}
            weeks.verify(f"power at {at}, seed {seed}")
