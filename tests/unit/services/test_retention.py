from __future__ import annotations

from edge.clock import ManualClock
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop
from edge.ring.layout import recorder_journal
from edge.ring.retain import Policy
from edge.ring.sweep import Sweeper
from edge.services.retention import Retention
from tests.support.pole import BOOT, CAMERA, Pole

DAY_S = 86_400.0


def made(pole: Pole) -> tuple[Retention, JournalWriter]:
    """A journal with a file a day for three days."""
    pole.disk.mkdir(pole.ring)
    journal = JournalWriter(pole.disk, pole.folders.journal(recorder_journal(CAMERA)), pole.clock, BOOT, rotate_bytes=1)
    for _ in range(3):
        journal.append(Stop(reason="test"), camera=CAMERA)
        pole.clock.advance(DAY_S)
    policy = Policy(days=30, minimum_days=20, reserve_bytes=1)
    return Retention(Sweeper(pole.disk, pole.folder, journal, policy, pole.clock, CAMERA), journal, pole.clock, 400.0), journal


def first_seq(pole: Pole) -> int:
    return next(JournalReader(pole.disk, pole.folders.journal(recorder_journal(CAMERA))).read()).seq


def pole() -> Pole:
    return Pole(disk=ModelDisk(1 << 26), clock=ManualClock())


def test_records_outlive_footage_but_not_for_ever() -> None:
    node = pole()
    retention, _ = made(node)
    node.clock.advance(399 * DAY_S)
    retention.sweep(0)
    assert first_seq(node) > 1


def test_young_records_stay() -> None:
    node = pole()
    retention, _ = made(node)
    node.clock.advance(390 * DAY_S)
    retention.sweep(0)
    assert first_seq(node) == 1


def test_a_clock_that_jumped_or_is_not_trusted_removes_no_record() -> None:
    node = pole()
    retention, _ = made(node)
    retention.sweep(0)
    node.clock.step_utc(500 * DAY_S)
    retention.sweep(0)
    assert first_seq(node) == 1
    node.clock.set_state("untrusted")
    node.clock.advance(3 * DAY_S)
    retention.sweep(0)
    assert first_seq(node) == 1
