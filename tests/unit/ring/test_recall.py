"""What the sweep reads back from its journal."""

from __future__ import annotations

from edge.host.disk import Disk
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.messages.records import Erase
from edge.ring.recall import Jumps, SegmentRecords, look_back
from tests.support.plain_ring import DAY_S, PlainRing

HOUR_MS = 3_600_000


def reads(disk: Disk) -> int:
    assert isinstance(disk, ModelDisk)
    return sum(word.startswith("read") for word in disk.trail)


def test_records_of_segments_are_found_in_any_order_and_cheaply_in_theirs() -> None:
    ring = PlainRing(rotate_bytes=5000)
    names = [ring.record(recorded=seq != 50) for seq in range(1, 301)]
    records = SegmentRecords(JournalReader(ring.disk, ring.journal.folder))
    before = reads(ring.disk)
    found = [records.find(name.seq) for name in names]
    assert [segment.seq if segment else None for segment in found] == [None if seq == 50 else seq for seq in range(1, 301)]
    assert reads(ring.disk) - before < 100, "a journal of 40 files"
    for seq in (300, 7, 7, 299, 50, 1, 512, 0):
        segment = records.find(seq)
        assert (segment.seq if segment else None) == (seq if seq not in (50, 512, 0) else None)


def test_looking_back_reads_the_newest_erasures_and_the_last_word_on_each_alarm() -> None:
    ring = PlainRing()
    ring.record_days(31)
    ring.clock.set_state("untrusted")
    ring.sweeper.sweep(0)
    ring.clock.set_state("trusted")
    ring.sweeper.sweep(0)
    reader = JournalReader(ring.disk, ring.journal.folder)
    found = look_back(reader, ring.boot, ring.clock.read(), 24 * HOUR_MS)
    assert [erase.seq for erase in found.erased] == list(range(25, 0, -1))
    assert isinstance(found.erased[0], Erase)
    assert {code: alarm.active for code, alarm in found.alarms.items()} == {"erasure_suspended.cam1": False}
    assert found.mappings
    assert found.mappings == sorted(found.mappings)
    assert look_back(reader, "another boot", ring.clock.read(), 24 * HOUR_MS).mappings == []


def test_looking_back_goes_as_far_as_a_quarantine_and_not_through_months() -> None:
    ring = PlainRing(rotate_bytes=20_000)
    for _ in range(6000):
        ring.record()
    ring.clock.advance(DAY_S * 2)
    before = reads(ring.disk)
    found = look_back(JournalReader(ring.disk, ring.journal.folder), ring.boot, ring.clock.read(), 24 * HOUR_MS)
    assert 4000 <= len(found.mappings) < 4100
    assert reads(ring.disk) - before < 200


def test_only_a_jump_forward_by_more_than_an_hour_is_distrusted_and_for_a_time() -> None:
    jumps = Jumps(quarantine_ms=1000)
    jumps.seen(0, 5_000_000_000)
    jumps.seen(10, 5_000_000_000 + HOUR_MS)
    assert not jumps.distrusted(10)
    jumps.seen(20, 1)
    assert not jumps.distrusted(20)
    jumps.seen(30, 1 + HOUR_MS + 1)
    assert jumps.distrusted(30)
    assert jumps.distrusted(1029)
    assert not jumps.distrusted(1030)
