from __future__ import annotations

import errno
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.bmff.fragment import STAMP_UUID
from edge.clock import NS_PER_S, parse_utc
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Boot, Gap, Recover, Segment
from edge.ring.check import check
from edge.ring.layout import recorder_journal
from edge.ring.recover import Leftovers, recover
from tests.support.pole import CAMERA, DATA, FPS, Pole

BOOT_2 = "22222222-2222-4222-8222-222222222222"


def killed(seconds: int) -> Pole:
    """A pole whose recorder died with a segment open."""
    pole = Pole()
    pole.start()
    pole.record(seconds)
    return pole


def run(pole: Pole) -> list[Recover]:
    journal = JournalWriter(pole.disk, pole.folders.journal(recorder_journal(CAMERA)), pole.clock, pole.boot)
    return recover(pole.disk, pole.folders, CAMERA, pole.clock, pole.boot, journal)


def tear(pole: Pole, keep: int) -> None:
    """The open file ends after `keep` bytes."""
    file = pole.disk.append(pole.ring / "open/000000001.mp4")
    file.truncate(keep)
    file.fsync()
    file.close()


def test_the_open_segment_is_sealed_under_the_name_it_would_have_had() -> None:
    pole = killed(3)
    done = run(pole)
    assert [(each.seq, each.fragments, each.cut_bytes) for each in done] == [(1, 3, 0)]
    name = pole.names()[0]
    assert (name.duration_ms, name.start_utc_ms) == (3000, parse_utc("2026-11-18T11:06:40Z") // 1_000_000)
    assert pole.folder.opened() == []
    record = pole.facts(Segment)[0]
    assert (record.seq, record.name, record.frames) == (1, name.path, 3 * FPS)
    assert record.span == f"{pole.boot}/{60 * NS_PER_S}"


def test_a_torn_tail_is_cut_behind_the_last_whole_fragment() -> None:
    pole = killed(3)
    size = pole.disk.stat(pole.ring / "open/000000001.mp4").size
    tear(pole, size - 1)
    done = run(pole)
    assert (done[0].fragments, done[0].cut_bytes > 0) == (2, True)
    assert pole.names()[0].duration_ms == 2000
    assert check(pole.disk, DATA, deep=True).ok


def test_every_possible_tear_leaves_what_was_whole() -> None:
    whole = killed(2)
    stored = whole.disk.read(whole.ring / "open/000000001.mp4")
    second = stored.rfind(STAMP_UUID) - 8
    for keep in range(0, len(stored), 97):
        pole = killed(2)
        tear(pole, keep)
        expected = 0 if keep < second else 1
        assert run(pole)[0].fragments == expected
        assert len(pole.names()) == expected


def test_a_file_without_a_whole_fragment_goes_and_its_number_is_explained() -> None:
    pole = killed(1)
    tear(pole, 700)
    assert run(pole) == [Recover(seq=1, kept_bytes=0, cut_bytes=700, fragments=0, boot="")]
    assert pole.folder.opened() == []
    pole.start()
    pole.record(1)
    assert pole.recording.progress.segment_seq == 2
    assert check(pole.disk, DATA, deep=True).ok


def test_recovering_twice_does_and_records_nothing_more() -> None:
    pole = killed(7)
    run(pole)
    before = len(pole.lines())
    assert run(pole) == []
    assert len(pole.lines()) == before


def test_a_number_without_footage_is_explained_before_its_file_goes() -> None:
    pole = killed(1)
    tear(pole, 10)
    disk = pole.disk
    assert isinstance(disk, ModelDisk)
    disk.trail.clear()
    run(pole)
    recorded = max(number for number, step in enumerate(disk.trail) if step.startswith("sync") and "jsonl" in step)
    assert recorded < next(number for number, step in enumerate(disk.trail) if step.startswith("unlink"))


def test_a_journal_that_refuses_keeps_the_empty_file() -> None:
    pole = killed(1)
    tear(pole, 10)
    disk = pole.disk
    assert isinstance(disk, ModelDisk)
    disk.operations = 0
    disk.fault = Fault(12, "ENOSPC", forever=True)
    with pytest.raises(StorageError):
        run(pole)
    disk.fault = None
    assert pole.folder.opened() == [1]
    assert run(pole)[0].fragments == 0


def test_a_segment_that_was_named_but_not_recorded_gets_its_record() -> None:
    pole = killed(3)
    journal = pole.folders.journal(recorder_journal(CAMERA)) / "000000000001.jsonl"
    size = pole.disk.stat(journal).size
    pole.recording.close()
    written = pole.facts(Segment)
    file = pole.disk.append(journal)
    file.truncate(size)
    file.close()
    assert run(pole) == []
    assert pole.facts(Segment) == [replace(record, clock_error_ms=None, clock_source="") for record in written]


def test_the_gap_of_a_power_cut_begins_where_footage_ends() -> None:
    pole = killed(3)
    pole.reboot(off_s=60.0)
    pole.start()
    pole.record(1)
    lasting, final = pole.facts(Gap)
    assert (lasting.reason, lasting.open) == ("power", True)
    assert (final.reason, final.start_boot, final.after_seq) == ("power", "11111111-1111-4111-8111-111111111111", 1)
    assert final.start is not None
    assert final.end is not None
    assert parse_utc(final.end) - parse_utc(final.start) == 60 * NS_PER_S
    assert [boot.ended for boot in pole.facts(Boot)] == ["first", "power"]


def test_a_crash_in_the_same_boot_is_told_from_a_power_cut() -> None:
    pole = killed(3)
    pole.clock.advance(2.0)
    pole.start()
    pole.record(1)
    assert pole.facts(Boot)[-1].ended == "crash"
    assert {gap.reason for gap in pole.facts(Gap)} == {"crash"}


def test_a_gap_nobody_lived_to_end_is_ended_by_the_recovery() -> None:
    pole = killed(2)
    pole.recording.gap("camera_died", "test")
    pole.clock.advance(3.0)
    pole.recording.start(pole.camera.info())
    journal = pole.folders.journal(recorder_journal(CAMERA)) / "000000000001.jsonl"
    size = pole.disk.stat(journal).size
    pole.record(1)
    file = pole.disk.append(journal)
    file.truncate(size)
    file.close()
    run(pole)
    ended = pole.facts(Gap)[-1]
    assert (ended.reason, ended.open, ended.text, ended.after_seq) == ("camera_died", False, "test", 1)
    assert check(pole.disk, DATA, deep=True).ok


def test_damage_in_the_middle_hides_nothing_behind_it() -> None:
    pole = killed(4)
    path = pole.ring / "open/000000001.mp4"
    stored = bytearray(pole.disk.read(path))
    at = [number for number in range(len(stored)) if stored.startswith(STAMP_UUID, number)][1]
    stored[at + 200 : at + 264] = bytes(64)
    file = pole.disk.append(path)
    file.truncate(0)
    file.write(stored)
    file.fsync()
    file.close()
    assert run(pole)[0].fragments == 3
    assert pole.names()[0].duration_ms == 4000


def test_what_cannot_be_read_is_not_cut() -> None:
    pole = killed(3)
    path = pole.ring / "open/000000001.mp4"
    size = pole.disk.stat(path).size
    assert isinstance(pole.disk, ModelDisk)
    pole.disk = BadSector(pole.disk, size - 100)
    done = run(pole)
    assert (done[0].fragments, done[0].cut_bytes) == (2, 0)
    assert done[0].kept_bytes > size
    assert pole.facts(Segment)[0].sha256 == ""


class BadSector(ModelDisk):
    """The same disk, but reads of footage that touch one byte fail."""

    def __init__(self, disk: ModelDisk, offset: int) -> None:
        self.__dict__ = disk.__dict__
        self._bad = offset

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        if path.suffix == ".mp4" and offset <= self._bad < offset + (length or 1 << 40):
            raise StorageError(f"read {path}: bad sector", number=errno.EIO)
        return super().read(path, offset, length)


def test_an_index_box_whose_sync_was_refused_is_written_anew_before_it_is_believed() -> None:
    """The kernel reports success the next time, though the pages are gone."""
    for seed in range(8):
        pole = killed(3)
        disk = pole.disk
        assert isinstance(disk, ModelDisk)
        leftovers = Leftovers(disk, pole.folders, CAMERA, pole.boot, pole.ledger)
        disk.trail.clear()
        disk.fault = OnSync(at=0)
        with pytest.raises(StorageError):
            leftovers.clear()
        disk.fault = None
        assert [each.fragments for each in leftovers.clear()] == [3]
        pole.disk = disk.power_cut(seed)
        assert check(pole.disk, DATA, deep=True).ok


class OnSync(Fault):
    """EIO for every sync."""

    def hits(self, number: int, word: str) -> bool:
        return word == "sync"
