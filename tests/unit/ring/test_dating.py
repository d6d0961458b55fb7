from __future__ import annotations

import pytest

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk
from edge.messages.records import ClockStep, Dated, Gap, Segment
from edge.ring.check import check
from edge.ring.dating import date_undated, finish_dating, with_date
from edge.ring.names import SegmentName
from tests.support.pole import BOOT, DATA, Pole

YEAR_S = 365 * 86_400.0


def untrusted(seconds: int = 12) -> Pole:
    """A pole that recorded since 1970, as it believes."""
    pole = Pole(clock=ManualClock(utc_ns=0, boot_ns=60 * NS_PER_S, state="untrusted"))
    pole.start()
    pole.record(seconds)
    return pole


def trust(pole: Pole, utc_ns: int = 1_795_000_000 * NS_PER_S) -> None:
    now = pole.clock.read()
    pole.clock.step_utc((utc_ns - now.utc_ns) / NS_PER_S)
    pole.clock.set_state("trusted")


def test_footage_without_a_trusted_clock_is_filed_by_boot_and_boot_time() -> None:
    pole = untrusted()
    assert [name.path for name in pole.names()] == [
        f"undated/{BOOT}/60000_5000ms_000000001.mp4",
        f"undated/{BOOT}/65000_5000ms_000000002.mp4",
    ]
    assert [(record.start, record.end, record.clock) for record in pole.facts(Segment)] == [(None, None, "untrusted")] * 2


def test_footage_gets_its_names_as_soon_as_the_clock_is_trusted() -> None:
    pole = untrusted()
    now_ns = 1_795_000_000 * NS_PER_S
    trust(pole, now_ns)
    pole.record(5)
    names = pole.names()
    assert [name.start_utc_ms for name in names] == [now_ns // NS_PER_MS - 12_000, now_ns // NS_PER_MS - 7_000, now_ns // NS_PER_MS - 2_000]
    dated = pole.facts(Dated)[0]
    assert (dated.of_boot, dated.segments) == (BOOT, [1, 2])
    assert dated.offset_ms == now_ns // NS_PER_MS - 72_000
    assert pole.facts(ClockStep)[0].before == "untrusted"
    assert check(pole.disk, DATA, deep=True).ok


def test_the_segment_being_written_is_dated_whole() -> None:
    pole = untrusted(3)
    trust(pole)
    pole.record(1)
    pole.stop()
    assert [name.duration_ms for name in pole.names()] == [4000]
    assert pole.names()[0].start_utc_ms == 1_795_000_000_000 - 3000


def test_footage_of_a_boot_that_never_knew_the_time_stays_undated() -> None:
    pole = untrusted(6)
    pole.stop()
    pole.reboot()
    pole.clock.set_state("trusted")
    pole.start()
    pole.record(6)
    assert [name.start_utc_ms is None for name in pole.names()] == [True, True, False]
    assert pole.facts(Dated) == []
    assert check(pole.disk, DATA, deep=True).ok


def test_dating_waits_for_a_journal_that_refuses() -> None:
    pole = untrusted(6)
    trust(pole)
    disk = pole.disk
    assert isinstance(disk, ModelDisk)
    disk.fault = Fault(disk.operations + 2, "ENOSPC", forever=True)
    with pytest.raises(StorageError):
        date_undated(disk, pole.ring, pole.clock.read(), BOOT, pole.ledger)
    assert [name.start_utc_ms for name in pole.names()] == [None]
    disk.fault = None
    pole.clock.advance(3.0)
    assert len(date_undated(disk, pole.ring, pole.clock.read(), BOOT, pole.ledger)) == 1


def test_dating_that_was_interrupted_anywhere_is_ended_by_the_next_start_even_in_another_boot() -> None:
    interrupted = 0
    for operation in range(1, 20):
        pole = untrusted(12)
        pole.stop()
        trust(pole)
        disk = pole.disk
        assert isinstance(disk, ModelDisk)
        disk.fault = Fault(disk.operations + operation, "EIO", forever=True)
        try:
            date_undated(disk, pole.ring, pole.clock.read(), BOOT, pole.ledger)
        except StorageError:
            interrupted += 1
        disk.fault = None
        recorded = bool(pole.facts(Dated))
        pole.reboot()
        pole.start()
        assert {name.start_utc_ms is None for name in pole.names()} == {not recorded}
        pole.record(1)
        pole.stop()
        assert check(pole.disk, DATA, deep=True).ok
    assert interrupted > 10


def test_only_segments_that_a_record_dated_are_renamed_later() -> None:
    pole = untrusted(12)
    pole.stop()
    renamed = finish_dating(pole.disk, pole.ring, {2: 1_000_000_000})
    assert [name.seq for name in renamed] == [2]
    assert [name.start_utc_ms for name in pole.names()] == [None, 1_000_065_000, None]


def test_nothing_is_overwritten_whatever_the_clock_says() -> None:
    pole = untrusted(6)
    taken = with_date(pole.names()[0], pole.clock.read().offset_ns // NS_PER_MS)
    pole.disk.mkdir((pole.ring / taken.path).parent)
    pole.disk.create(pole.ring / taken.path).close()
    pole.clock.set_state("trusted")
    with pytest.raises(StorageError):
        date_undated(pole.disk, pole.ring, pole.clock.read(), BOOT, pole.ledger)
    assert pole.disk.stat(pole.ring / taken.path).size == 0


def test_a_date_moves_a_name_and_nothing_else() -> None:
    name = SegmentName(7, 60_040, None, BOOT, 5_000)
    assert with_date(name, 1_000_000) == SegmentName(7, 60_040, 1_005_000, None, None)


def test_the_gap_before_a_sync_has_its_times_once_both_ends_are_dated() -> None:
    pole = untrusted(6)
    pole.recording.gap("camera_died")
    trust(pole)
    pole.clock.advance(2.0)
    pole.recording.start(pole.camera.info())
    pole.record(1)
    final = pole.facts(Gap)[-1]
    assert final.start is not None
    assert final.end is not None
    assert final.start[:10] == final.end[:10] == "2026-11-18"
