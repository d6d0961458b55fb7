"""The centre's copy of the journals: verbatim, contiguous, proven, and never told before it is durable."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.centre.archive import Archive, StoredEvent, stored_events
from edge.centre.store import Counters, StoredJournal
from edge.errors import UsageError
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.messages.wire import Event, JournalGap, Watermark
from tests.support.lanes import JournalBench

FOLDER = Path("/centre/nodes/pole-1/journal")


class Source:
    """A node's journal of `count` records, as lines and as messages."""

    def __init__(self, count: int, reason: str = "r") -> None:
        bench = JournalBench()
        bench.write(count, reason)
        self.lines: list[Line] = list(JournalReader(bench.disk, bench.folder).read())
        self.epoch = bench.writer.epoch

    def event(self, seq: int) -> Event:
        return Event(node="pole-1", journal="watcher", epoch=self.epoch, record=msgspec.Raw(self.lines[seq - 1].raw))

    def gap(self, first: int, last: int) -> JournalGap:
        sha256 = msgspec.json.decode(self.lines[last].raw, type=dict)["prev"] if last < len(self.lines) else ""
        return JournalGap(node="pole-1", journal="watcher", epoch=self.epoch, from_seq=first, to_seq=last, why="missing", sha256=sha256)


SOURCE = Source(30)


def journal_on(disk: ModelDisk, source: Source = SOURCE) -> StoredJournal:
    return StoredJournal(disk, FOLDER, "watcher", source.epoch)


def put(journal: StoredJournal, seq: int, source: Source = SOURCE) -> str:
    line = source.lines[seq - 1]
    return journal.offer(line.raw, line.record)


def stored(disk: ModelDisk, source: Source = SOURCE) -> list[bytes]:
    return disk.read(FOLDER / f"watcher.{source.epoch}.jsonl").split(b"\n")[:-1]


def test_lines_are_stored_byte_for_byte_and_only_in_order() -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    assert [put(journal, seq) for seq in (1, 2, 4, 2, 3, 4)] == ["stored", "stored", "ahead", "duplicate", "stored", "stored"]
    assert stored(disk) == [line.raw for line in SOURCE.lines[:4]]
    assert journal.counters == Counters(stored=4, duplicates=1, ahead=1)
    assert [journal.take_hole(), journal.take_hole()] == [True, False]


def test_a_restart_goes_on_where_it_was_and_cuts_a_torn_line() -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    for seq in range(1, 6):
        put(journal, seq)
    journal.sync()
    journal.close()
    file = disk.append(FOLDER / f"watcher.{SOURCE.epoch}.jsonl")
    file.write(SOURCE.lines[5].raw[:40])
    file.close()
    again = journal_on(disk)
    assert again.upto == 5
    assert put(again, 6) == "stored"
    assert stored(disk) == [line.raw for line in SOURCE.lines[:6]]
    assert again.counters.breaks == 0


def test_a_gap_takes_its_place_and_the_chain_is_proven_across_it() -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    put(journal, 1)
    assert journal.offer_gap(SOURCE.gap(2, 4)) == "stored"
    assert journal.offer_gap(SOURCE.gap(2, 4)) == "duplicate"
    assert put(journal, 5) == "stored"
    assert journal.counters == Counters(stored=2, missing=3, duplicates=1)
    journal.close()
    assert journal_on(disk).upto == 5
    assert journal_on(disk).counters.missing == 3


def test_a_gap_at_the_end_counts_after_a_restart_too() -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    journal.offer_gap(SOURCE.gap(1, 7))
    journal.close()
    again = journal_on(disk)
    assert again.upto == 7
    put(again, 8)
    assert again.counters == Counters(stored=1, missing=7)


def test_a_broken_chain_is_stored_and_noted() -> None:
    other = Source(5, "another")
    disk = ModelDisk()
    journal = journal_on(disk)
    put(journal, 1)
    put(journal, 2, other)
    assert journal.counters.breaks == 1
    journal.close()
    assert journal_on(disk).counters.breaks == 1


def test_a_second_record_with_a_stored_number_is_noted_and_not_stored() -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    put(journal, 1)
    assert put(journal, 1, Source(1, "forged")) == "conflict"
    assert stored(disk) == [SOURCE.lines[0].raw]
    assert journal.counters.conflicts == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=80))
def test_in_whatever_order_records_come_the_file_is_contiguous(order: list[int]) -> None:
    disk = ModelDisk()
    journal = journal_on(disk)
    for seq in order:
        put(journal, seq)
    wanted = 0
    for seq in order:
        wanted += seq == wanted + 1
    assert journal.upto == wanted
    if wanted:
        assert stored(disk) == [line.raw for line in SOURCE.lines[:wanted]]
    assert journal.counters.breaks == 0


def test_power_cuts_anywhere_never_unmake_a_watermark_that_was_told() -> None:
    whole = ModelDisk()
    batches(whole, [])
    for cut in range(1, whole.operations + 1):
        for seed in (1, 2):
            disk, told = ModelDisk(), list[int]()
            disk.fault = Fault(cut, "power")
            with contextlib.suppress(PowerLost):
                batches(disk, told)
            after = disk.power_cut(seed)
            journal = journal_on(after)
            assert journal.upto >= (told[-1] if told else 0)
            for seq in range(1, 31):
                put(journal, seq)
            assert stored(after) == [line.raw for line in SOURCE.lines]
            assert journal.counters.breaks == 0


def batches(disk: ModelDisk, told: list[int]) -> None:
    journal = journal_on(disk)
    for first in range(1, 30, 10):
        for seq in range(first, first + 10):
            put(journal, seq)
        journal.sync()
        told.append(journal.upto)
    journal.close()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(LinuxDisk(), tmp_path)


def test_watermarks_are_told_after_a_sync_and_for_journals_that_are_expected(archive: Archive) -> None:
    archive.expect("pole-1", {"watcher": SOURCE.epoch, "../evil": SOURCE.epoch, "agent": "no epoch"})
    acks = archive.sync()
    assert acks["pole-1"].watermarks == {"watcher": Watermark(epoch=SOURCE.epoch, upto=0)}
    for seq in (1, 2, 4):
        archive.offer("pole-1", SOURCE.event(seq))
    assert archive.ack("pole-1").watermarks["watcher"].upto == 0
    assert archive.sync()["pole-1"].watermarks["watcher"] == Watermark(epoch=SOURCE.epoch, upto=2, resend=True)
    assert archive.sync() == {}
    archive.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "pole-2"},
        {"journal": "../x"},
        {"journal": ""},
        {"epoch": "0"},
        {"epoch": "../../../../etc/pw"},
        {"record": msgspec.Raw(b"5\n5")},
    ],
)
def test_an_event_with_names_that_are_none_is_not_taken(archive: Archive, tmp_path: Path, changes: dict[str, object]) -> None:
    assert archive.offer("pole-1", msgspec.structs.replace(SOURCE.event(1), **changes)) is None
    assert archive.sync() == {}
    archive.close()
    assert not (tmp_path / "nodes").exists()


def test_a_disk_that_refuses_moves_no_watermark_and_the_journal_goes_on_later(tmp_path: Path) -> None:
    disk = ModelDisk()
    archive = Archive(disk, tmp_path)
    for seq in range(1, 4):
        archive.offer("pole-1", SOURCE.event(seq))
    assert archive.sync()["pole-1"].watermarks["watcher"].upto == 3
    for kind in ("write", "sync"):
        before = archive.ack("pole-1").watermarks["watcher"].upto
        if kind == "write":
            disk.fault = Fault(disk.operations + 1, "short")
            assert archive.offer("pole-1", SOURCE.event(before + 1)) is None
        else:
            archive.offer("pole-1", SOURCE.event(before + 1))
            disk.fault = Fault(disk.operations + 1)
        assert "pole-1" not in archive.sync()
        assert archive.ack("pole-1").watermarks["watcher"].upto == before
        disk.fault = None
        archive.offer("pole-1", SOURCE.event(before + 1))
        assert archive.sync()["pole-1"].watermarks["watcher"].upto == before + 1
    archive.close()
    path = tmp_path / "nodes" / "pole-1" / "journal" / f"watcher.{SOURCE.epoch}.jsonl"
    assert disk.read(path).split(b"\n")[:-1] == [line.raw for line in SOURCE.lines[:5]]


def test_a_disk_that_refuses_a_new_journal_stops_nothing(tmp_path: Path) -> None:
    disk = ModelDisk()
    archive = Archive(disk, tmp_path)
    disk.fault = Fault(disk.operations + 1, "ENOSPC", forever=True)
    archive.expect("pole-1", {"watcher": SOURCE.epoch})
    assert archive.sync()["pole-1"].watermarks == {}
    disk.fault = None
    archive.expect("pole-1", {"watcher": SOURCE.epoch})
    assert archive.sync()["pole-1"].watermarks["watcher"].upto == 0
    archive.close()


@pytest.mark.parametrize("name", ["watcher.{}.jsonl", "watcher.{}.notes.jsonl"])
def test_a_damaged_file_stops_its_own_journal_and_no_other(name: str, tmp_path: Path) -> None:
    archive = Archive(LinuxDisk(), tmp_path)
    archive.offer("pole-1", SOURCE.event(1))
    archive.offer("pole-2", msgspec.structs.replace(SOURCE.event(1), node="pole-2"))
    archive.sync()
    archive.close()
    with (tmp_path / "nodes" / "pole-1" / "journal" / name.format(SOURCE.epoch)).open("ab") as file:
        file.write(b'{"seq":"\xff"}\n')
    archive = Archive(LinuxDisk(), tmp_path)
    assert archive.offer("pole-1", SOURCE.event(2)) is None
    assert archive.offer("pole-2", msgspec.structs.replace(SOURCE.event(2), node="pole-2")) is not None
    assert {node: ack.watermarks["watcher"].upto for node, ack in archive.sync().items()} == {"pole-2": 2}
    archive.close()
    found = [(event.node, event.record.seq) for event in stored_events(LinuxDisk(), tmp_path)]
    assert found == [("pole-1", 1), ("pole-2", 1), ("pole-2", 2)]


def test_one_process_keeps_a_folder(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in use"):
        Archive(LinuxDisk(), tmp_path)
    archive.close()
    Archive(LinuxDisk(), tmp_path).close()


def test_events_of_all_nodes_come_in_the_order_of_their_time(archive: Archive, tmp_path: Path) -> None:
    bench = JournalBench()
    other = JournalBench("agent")
    for part in (bench, other, bench, other):
        part.write(2)
        bench.clock.advance(1)
        other.clock.advance(1)
    for name, source in (("pole-1", bench), ("pole-2", other)):
        for line in JournalReader(source.disk, source.folder).read():
            event = Event(node=name, journal=source.name, epoch=source.writer.epoch, record=msgspec.Raw(line.raw))
            archive.offer(name, event)
    archive.sync()
    archive.close()
    found: list[StoredEvent] = list(stored_events(LinuxDisk(), tmp_path))
    assert len(found) == 8
    assert [event.record.t for event in found] == sorted(event.record.t for event in found)
    assert {event.node for event in stored_events(LinuxDisk(), tmp_path, node="pole-2")} == {"pole-2"}
    assert len(list(stored_events(LinuxDisk(), tmp_path, journal="agent"))) == 4
