from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge.host.disk import Disk, Entry
from edge.host.model_disk import ModelDisk
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.messages.hold import Hold
from edge.messages.records import Erase, Gap
from edge.ring.check import Bounds, CheckReport, check
from edge.ring.findings import ranges
from edge.ring.layout import recorder_journal
from edge.ring.names import SegmentName
from tests.support.pole import CAMERA, DATA, Pole


@pytest.fixture
def pole() -> Pole:
    """Four segments, a gap between the second and the third, an orderly end."""
    made = Pole()
    made.start()
    made.record(10)
    made.recording.gap("camera_died")
    made.clock.advance(5.0)
    made.recording.start(made.camera.info())
    made.record(10)
    made.stop()
    return made


def numbers(report: CheckReport) -> list[int]:
    return [finding.invariant for finding in report.findings]


def rewrite(pole: Pole, name: SegmentName, change: Callable[[bytearray], None]) -> None:
    path = pole.ring / name.path
    stored = bytearray(pole.disk.read(path))
    change(stored)
    file = pole.disk.append(path)
    file.truncate(0)
    file.write(stored)
    file.close()


def drop_records(pole: Pole, kind: str) -> None:
    """A journal without the records of one kind (and so without a chain)."""
    folder = pole.folders.journal(recorder_journal(CAMERA))
    kept = b"".join(line.raw + b"\n" for line in pole.lines() if line.record.type != kind)
    file = pole.disk.append(folder / "000000000001.jsonl")
    file.truncate(0)
    file.write(kept)
    file.close()


def without_chain(report: CheckReport) -> list[int]:
    return [number for number in numbers(report) if number != 7]


def test_a_sound_ring_has_no_findings(pole: Pole) -> None:
    report = check(pole.disk, DATA, deep=True)
    assert report.ok
    assert report.counts["segments"] == 4
    assert report.counts["records"] == len(pole.lines())
    assert report.counts["bytes"] == sum(pole.disk.stat(pole.ring / name.path).size for name in pole.names())


def test_a_sealed_segment_that_grew_breaks_invariant_1(pole: Pole) -> None:
    rewrite(pole, pole.names()[0], lambda data: data.extend(b"more"))
    assert 1 in numbers(check(pole.disk, DATA))


def test_changed_bytes_are_found_by_a_deep_check_only(pole: Pole) -> None:
    def flip(data: bytearray) -> None:
        data[len(data) // 2] ^= 1

    rewrite(pole, pole.names()[1], flip)
    assert check(pole.disk, DATA).ok
    report = check(pole.disk, DATA, deep=True)
    assert sorted(set(numbers(report))) == [1, 2]
    assert pole.names()[1].path in report.findings[0].text


def test_a_hole_without_a_record_breaks_invariant_3(pole: Pole) -> None:
    drop_records(pole, "gap")
    report = check(pole.disk, DATA)
    assert without_chain(report) == [3]
    assert any("5.0 s between segments 2 and 3" in finding.text for finding in report.findings)


def test_a_number_that_was_never_used_breaks_invariant_3(pole: Pole) -> None:
    drop_records(pole, "segment")
    name = pole.names()[1]
    pole.disk.unlink(pole.ring / name.path)
    texts = [finding.text for finding in check(pole.disk, DATA).findings if finding.invariant == 3]
    assert any(text.startswith("numbers 2 are missing") for text in texts)


def test_a_segment_that_vanished_breaks_invariant_4_and_an_erased_one_does_not(pole: Pole) -> None:
    name = pole.names()[0]
    pole.disk.unlink(pole.ring / name.path)
    report = check(pole.disk, DATA)
    assert numbers(report) == [4]
    erased = Erase(seq=1, name=name.path, start=None, end=None, bytes=0, sha256="", reason="age", policy="test")
    pole.ledger.put(erased)
    assert check(pole.disk, DATA).ok


def test_old_footage_breaks_invariant_5_unless_it_is_held(pole: Pole) -> None:
    pole.clock.advance(30 * 86_400.0 + 1000)
    bounds = Bounds(retention_days=30)
    assert numbers(check(pole.disk, DATA, clock=pole.clock, bounds=bounds)) == [5, 5, 5, 5]
    pole.disk.mkdir(DATA / "jobs/one")
    for name in pole.names()[:3]:
        pole.disk.link(pole.ring / name.path, DATA / "jobs/one" / name.flat)
    assert numbers(check(pole.disk, DATA, clock=pole.clock, bounds=bounds)) == [5]
    pole.clock.set_state("untrusted")
    assert check(pole.disk, DATA, clock=pole.clock, bounds=bounds).ok


def test_a_hold_that_lost_a_segment_breaks_invariant_6(pole: Pole) -> None:
    hold = Hold(id="h1", camera=CAMERA, start="", end="", case="", by="", added="", segments=[1, 2])
    pole.disk.mkdir(DATA / "hold/h1")
    pole.disk.replace(DATA / "hold/h1/hold.json", msgspec.json.encode(hold))
    pole.disk.link(pole.ring / pole.names()[0].path, DATA / "hold/h1" / pole.names()[0].flat)
    report = check(pole.disk, DATA)
    assert numbers(report) == [6]
    assert "segments 2 are not in it" in report.findings[0].text


def test_a_broken_chain_breaks_invariant_7(pole: Pole) -> None:
    path = pole.folders.journal(recorder_journal(CAMERA)) / "000000000001.jsonl"
    stored = pole.disk.read(path).replace(b'"frames_lost":null', b'"frames_lost":9999', 1)
    file = pole.disk.append(path)
    file.truncate(0)
    file.write(stored)
    file.close()
    assert numbers(check(pole.disk, DATA)) == [7]


def test_a_cursor_ahead_of_its_journal_breaks_invariant_8(pole: Pole) -> None:
    writer = recorder_journal(CAMERA)
    cursor = Cursor(pole.disk, pole.folders.cursor(writer))
    epoch = JournalReader(pole.disk, pole.folders.journal(writer)).epoch()
    cursor.advance(epoch, len(pole.lines()))
    assert check(pole.disk, DATA).ok
    cursor.advance(epoch, len(pole.lines()) + 1)
    assert numbers(check(pole.disk, DATA)) == [8]


def test_a_name_nobody_gave_breaks_invariant_10(pole: Pole) -> None:
    name = pole.names()[0]
    assert name.start_utc_ms is not None
    moved = SegmentName(name.seq, name.duration_ms, name.start_utc_ms + 1000, None, None)
    pole.disk.rename(pole.ring / name.path, pole.ring / moved.path)
    assert numbers(check(pole.disk, DATA)) == [10]


def test_a_reserve_that_is_eaten_breaks_invariant_11(pole: Pole) -> None:
    free = pole.disk.space(DATA).free_bytes
    assert check(pole.disk, DATA, bounds=Bounds(reserve_bytes=free)).ok
    assert numbers(check(pole.disk, DATA, bounds=Bounds(reserve_bytes=free + (8 << 20)))) == [11]


class BusyDisk(ModelDisk):
    """While the check looks, the recorder goes on: before each listing another second is recorded."""

    pole: Pole | None = None

    def scan(self, path: Path) -> list[Entry]:
        pole, self.pole = self.pole, None
        if pole is not None:
            pole.record(3)
            self.pole = pole
        return super().scan(path)


def test_a_recorder_at_work_is_no_finding() -> None:
    disk = BusyDisk()
    pole = Pole(disk=disk)
    pole.start()
    pole.record(4)
    disk.pole = pole
    for _ in range(10):
        assert check(disk, DATA).findings == []
    assert len(pole.facts(Gap)) == 0


def test_an_empty_node_has_no_findings() -> None:
    disk: Disk = ModelDisk()
    disk.mkdir(DATA)
    assert check(disk, DATA).ok


def test_numbers_are_told_in_ranges() -> None:
    assert ranges([3, 7, 8, 9, 12]) == "3, 7-9, 12"
    assert ranges([]) == ""
