"""Six weeks of a ring with a month's limit and a budget, on a disk that can fail or lose its power; a recorder that sweeps, an agent that
holds and releases, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.errors import NotFound, StorageError
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Erase, HoldReleased, facts_of
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.names import RingFolder
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, DATA, DAY_S, POLICY, SEGMENT_BYTES, PlainRing, content_of

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
        self.attempt(self.hold)
        self.attempt(lambda: self.ring.sweeper.sweep(0))
        self.attempt(lambda: self.ring.sweeper.sweep(4 * SEGMENT_BYTES))
        self.attempt(self.release)
        self.attempt(lambda: self.ring.sweeper.sweep(0))

    def hold(self) -> None:
        self.held |= set(self.holds.add(self.request).segments)

    def release(self) -> None:
        if self.held:
            self.held.clear()
            self.released = True
            self.holds.release(HELD, by="A. Lis", why="closed")

    def attempt(self, step: Callable[[], object]) -> None:
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
        assert present | erased == set(range(1, self.ring.next_seq)), f"{case}: missing without a record"
        given_back = {seq for seq in present & erased if self.nlink(seq) > 1}
        assert present & erased == given_back, f"{case}: called erased and there"
        assert folder.erasing() == [], case
        for record in records:
            assert (record.bytes, len(record.sha256)) == (SEGMENT_BYTES, 64), case
        assert present == {seq for seq in present if self.disk.read(self._path(seq)) == content_of(seq)}, f"{case}: footage changed"
        return records

    def _verify_age(self, case: str) -> None:
        limit_ms = self.ring.clock.read().utc_ns // 1_000_000 - 30 * 86_400_000
        for name in self.ring.folder.all():
            assert (name.start_utc_ms or 0) > limit_ms or self.nlink(name.seq) > 1, f"{case}: {name.seq} is too old"

    def _path(self, seq: int) -> Path:
        return self.ring.root / next(name for name in self.names if name.seq == seq).path

    def nlink(self, seq: int) -> int:
        return self.disk.stat(self._path(seq)).nlink


def _utc(utc_ms: int) -> str:
    return format_utc(utc_ms * NS_PER_S // 1000)
