"""A journal on a disk that fails at any operation, or loses its power there - and again while it recovers.

Each case writes the same records. Afterwards: the chain is whole, every record whose append had returned is in it, no record that a
reader was given is gone or changed, and the next append succeeds.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from edge.clock import ManualClock
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.host.model_inode import Inode
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop, facts_of
from tests.support.depth import usually

FOLDER = Path("/data/journal/recorder.cam1")
ROTATE_BYTES = 1400
RECORDS = 20 + 12 + 4 + 1
Kind = Literal["ENOSPC", "EIO", "short"]


class OverheardDisk(ModelDisk):
    """The agent reads in the worst moment: when a record is written and not synced yet."""

    def __init__(self, listen: Callable[[], None]) -> None:
        super().__init__(1 << 24)
        self._listen = listen
        self._is_listening = False

    def sync_inode(self, path: Path, inode: Inode) -> None:
        if path.parent == FOLDER and not self._is_listening:
            self._is_listening = True
            try:
                self._listen()
            finally:
                self._is_listening = False
        super().sync_inode(path, inode)


class Journaling:
    """A recorder and an agent that share a journal; remembers what was promised to whom."""

    def __init__(self) -> None:
        self.disk: ModelDisk = OverheardDisk(self._poll)
        self.clock = ManualClock()
        self.promised: dict[int, str] = {}
        self.given: dict[int, bytes] = {}
        self.boots = 0
        self.start()

    def start(self) -> None:
        self.boots += 1
        self.writer = JournalWriter(self.disk, FOLDER, self.clock, f"boot-{self.boots}", ROTATE_BYTES)
        self.reader = JournalReader(self.disk, FOLDER)

    def life(self) -> None:
        """Single records, batches, rotations, a restart; some who are refused ask again, some do not. A process that ends while the disk
        refuses for ever takes with it what it owed: no restart then."""
        self._open()
        for number in range(20):
            self._append(f"single {number} " + "x" * (number * 40 % 200), attempts=number % 3 + 1)
        self._append_all([f"batch {number} " + "y" * 150 for number in range(12)])
        self._poll()
        if self.disk.fault is None or not self.disk.fault.forever:
            self.start()
        self._open()
        self._append_all([f"second batch {number} " + "z" * 300 for number in range(4)])
        self._append("last")
        self._poll()

    def _open(self) -> None:
        try:
            self.writer.open()
        except StorageError:
            self.clock.advance(1)

    def _append(self, text: str, attempts: int = 3) -> None:
        reading = self.clock.read()
        for _attempt in range(attempts):
            self.clock.advance(1)
            try:
                record = self.writer.append(Stop(reason=text), reading=reading)
            except StorageError:
                continue
            self.promised[record.seq] = text
            return

    def _append_all(self, texts: list[str]) -> None:
        reading = self.clock.read()
        for _attempt in range(3):
            self.clock.advance(1)
            try:
                records = self.writer.append_all([Stop(reason=text) for text in texts], reading=reading)
            except StorageError:
                continue
            self.promised |= {record.seq: text for record, text in zip(records, texts, strict=True)}
            return

    def _poll(self) -> None:
        try:
            for line in self.reader.read(max(self.given, default=0)):
                self.given[line.seq] = line.raw
        except StorageError:
            self.clock.advance(1)

    def power_cut(self, seed: int) -> None:
        self.disk = self.disk.power_cut(seed)
        self.start()

    def verify(self, case: str) -> None:
        self.disk.fault = None
        self._open()
        self._append(f"after {case}")
        assert f"after {case}" in self.promised.values(), f"{case}: a healthy disk was not written to"
        assert JournalReader(self.disk, FOLDER).verify() == [], case
        lines = {line.seq: line for line in JournalReader(self.disk, FOLDER).read()}
        found = {seq: facts_of(line.record, Stop).reason for seq, line in lines.items()}
        assert found == found | self.promised, case
        given = {seq: lines[seq].raw if seq in lines else b"" for seq in self.given}
        assert given == self.given, f"{case}: a record that was given out is gone or changed"
        assert len(set(found.values())) == len(found), f"{case}: a record was doubled"
        assert set(found) == set(range(1, len(found) + 1)), case
        durable = ModelDisk.power_cut(self.disk, 0)
        kept = {line.seq for line in JournalReader(durable, FOLDER).read()}
        assert set(self.promised) <= kept, f"{case}: lost by a power cut afterwards"


def operations() -> int:
    journaling = Journaling()
    journaling.life()
    return journaling.disk.operations


OPERATIONS = operations()


def test_the_healthy_life_promises_everything() -> None:
    journaling = Journaling()
    journaling.life()
    assert len(journaling.promised) == RECORDS
    assert len(journaling.given) == RECORDS
    journaling.verify("healthy")
    assert OPERATIONS > 120


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails(kind: Kind, forever: bool) -> None:
    for at in range(1, OPERATIONS + 1):
        journaling = Journaling()
        journaling.disk.fault = Fault(at, kind, forever)
        journaling.life()
        if not forever and kind != "EIO":
            assert len(journaling.promised) == RECORDS, f"{kind} at {at}: one refusal is overcome by one repetition"
        journaling.verify(f"{kind} at {at}, for ever: {forever}")


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails_and_then_the_power_goes(kind: Kind) -> None:
    for at in range(1, OPERATIONS + 1):
        for seed in range(usually(1, full=4)):
            journaling = Journaling()
            journaling.disk.fault = Fault(at, kind, forever=False)
            journaling.life()
            journaling.power_cut(seed)
            journaling.verify(f"{kind} at {at}, power cut with seed {seed}")


def test_the_power_goes_at_the_nth_operation() -> None:
    for at in range(1, OPERATIONS + 1):
        for seed in range(usually(4, full=12)):
            journaling = Journaling()
            journaling.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                journaling.life()
            journaling.power_cut(seed)
            journaling.verify(f"power at {at}, seed {seed}")


def test_the_process_is_killed_at_the_nth_operation_and_the_power_goes_later() -> None:
    """What the killed one had written and not synced is continued only when it is on the disk."""
    for at in range(1, OPERATIONS + 1):
        for seed in range(usually(1, full=4)):
            journaling = Journaling()
            journaling.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                journaling.life()
            journaling.disk.fault = None
            journaling.start()
            journaling.writer.open()
            for number in range(seed * 2):
                journaling._append(f"next process {number} " + "x" * 200)
            journaling.power_cut(seed)
            journaling.verify(f"killed at {at}, seed {seed}")


def test_the_power_goes_again_while_the_journal_recovers() -> None:
    for at in range(1, OPERATIONS + 1, 3):
        for again in range(1, 12):
            seed = at + again
            journaling = Journaling()
            journaling.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                journaling.life()
            journaling.power_cut(seed)
            journaling.disk.fault = Fault(again, "power")
            try:
                journaling.writer.open()
                journaling._append("while recovering")
            except PowerLost:
                journaling.power_cut(seed + 1)
            journaling.verify(f"power at {at}, again at {again}")


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_disk_fails_while_the_journal_recovers(kind: Kind) -> None:
    for at in range(1, OPERATIONS + 1, 3):
        for again in range(1, 10):
            journaling = Journaling()
            journaling.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                journaling.life()
            journaling.power_cut(at + again)
            journaling.disk.fault = Fault(again, kind)
            journaling._open()
            journaling._append("while recovering")
            journaling.verify(f"power at {at}, {kind} at {again} of the recovery")


def test_a_failed_sync_is_never_taken_for_done() -> None:
    """The trap of Linux: after a failed fdatasync the next one succeeds, and the data is not on the disk."""
    for number in range(1, 40):
        journaling = Journaling()
        journaling.writer.open()
        journaling._append("before")
        syncs = [at for at, word in enumerate(journaling.disk.trail, 1) if word.startswith("sync")]
        journaling.disk.fault = Fault(len(journaling.disk.trail) + number, "EIO")
        for each in range(6):
            journaling._append(f"{each} " + "x" * 300)
        journaling.verify(f"sync {number} of {len(syncs)}")


class UnsyncedDisk(ModelDisk):
    """Takes every write and refuses every sync of a file."""

    refuses = False

    def sync_inode(self, path: Path, inode: Inode) -> None:
        if self.refuses:
            inode.sync_failed()
            raise StorageError(f"fdatasync {path}: no", number=errno.EIO)
        super().sync_inode(path, inode)


@pytest.mark.parametrize("before", range(8))
def test_the_next_process_does_not_build_on_what_could_not_be_synced(before: int) -> None:
    disk = UnsyncedDisk()
    journaling = Journaling()
    journaling.disk = disk
    journaling.start()
    for number in range(before):
        journaling._append(f"synced {number} " + "x" * 300)
    disk.refuses = True
    journaling._append("not synced " + "x" * 100)
    disk.refuses = False
    journaling.start()
    for number in range(12):
        journaling._append(f"next process {number} " + "x" * 300)
    for seed in range(20):
        found = JournalReader(disk.power_cut(seed), FOLDER)
        assert found.verify() == []
        assert set(journaling.promised) <= {line.seq for line in found.read()}


def test_retiring_old_files_survives_a_power_cut_at_any_step() -> None:
    def retire(journaling: Journaling) -> list[str]:
        return journaling.writer.retire("2099-01-01T00:00:00.000Z")

    probe = Journaling()
    probe.life()
    before = probe.disk.operations
    epoch = probe.writer.epoch
    probe = Journaling()
    probe.life()
    assert len(retire(probe)) > 3
    for at in range(before + 1, probe.disk.operations + 1):
        for seed in range(usually(1, full=4)):
            journaling = Journaling()
            journaling.life()
            journaling.disk.fault = Fault(at, "power")
            with pytest.raises(PowerLost):
                retire(journaling)
            journaling.power_cut(seed)
            assert JournalReader(journaling.disk, FOLDER).verify() == []
            assert journaling.writer.epoch == epoch
            journaling.writer.open()
            retire(journaling)
            assert journaling.writer.epoch == epoch


def test_a_cursor_stands_where_it_was_or_where_it_was_moved_to() -> None:
    path = Path("/data/cursor/recorder.cam1")
    probe = ModelDisk()
    Cursor(probe, path).advance("e", 5)
    first = probe.operations
    Cursor(probe, path).advance("e", 9)
    for at in range(1, probe.operations + 1):
        for seed in range(6):
            disk = ModelDisk()
            disk.fault = Fault(at, "power")
            cursor = Cursor(disk, path)
            with pytest.raises(PowerLost):
                any(not cursor.advance("e", upto) for upto in (5, 9))
            found = Cursor(disk.power_cut(seed), path).get()
            assert found in ([("", 0), ("e", 5)] if at <= first else [("e", 5), ("e", 9)]), f"power at {at}, seed {seed}"
