"""Writing and reading a journal on a healthy disk, and what a start finds after damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.journal.cursor import Cursor
from edge.journal.line import chain_hash, file_name, first_seqs
from edge.journal.reader import JournalReader
from edge.journal.writer import AHEAD_BYTES, JournalWriter
from edge.messages.records import RECORD_MAX_BYTES, Dated, Stop, facts_of

FOLDER = Path("/data/journal/recorder.cam1")
OTHER = Path("/data/other")


def stop(text: str) -> Stop:
    return Stop(reason=text)


def writer_on(disk: ModelDisk, clock: ManualClock | None = None, rotate_bytes: int = 1 << 20, boot: str = "b1") -> JournalWriter:
    writer = JournalWriter(disk, FOLDER, clock or ManualClock(), boot, rotate_bytes)
    writer.open()
    return writer


def fill(disk: ModelDisk) -> None:
    """Another writer takes all that is free."""
    file = disk.create(OTHER)
    file.write(bytes(disk.space(OTHER.parent).free_bytes))
    file.close()


def texts(disk: ModelDisk, after_seq: int = 0) -> list[str]:
    return [facts_of(line.record, Stop).reason for line in JournalReader(disk, FOLDER).read(after_seq)]


def newest_file(disk: ModelDisk) -> Path:
    return FOLDER / file_name(first_seqs(disk, FOLDER)[-1])


def add_bytes(disk: ModelDisk, data: bytes) -> None:
    file = disk.append(newest_file(disk))
    file.write(data)
    file.close()


def edit(disk: ModelDisk, path: Path, old: bytes, new: bytes) -> None:
    disk.replace(path, disk.read(path).replace(old, new))


def test_records_are_numbered_chained_and_carry_clock_boot_and_camera() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock)
    first = writer.append(stop("one"), camera="cam1")
    clock.advance(1.5)
    clock.set_state("holdover")
    second = writer.append(stop("two"))
    lines = list(JournalReader(disk, FOLDER).read())
    assert [line.record for line in lines] == [first, second]
    assert (first.seq, first.prev, first.camera, first.clock, first.boot, first.type) == (1, "0" * 64, "cam1", "trusted", "b1", "stop")
    assert (second.seq, second.prev, second.camera, second.clock) == (2, chain_hash(lines[0].raw), None, "holdover")
    assert second.mono_ms - first.mono_ms == 1500
    assert writer.last_seq == 2


def test_a_record_can_speak_of_an_earlier_moment() -> None:
    disk, clock = ModelDisk(), ManualClock()
    then = clock.read()
    clock.advance(100)
    record = writer_on(disk, clock).append(stop("late"), reading=then)
    assert record.t == format_utc(then.utc_ns)


@given(st.lists(st.text(max_size=200), max_size=30), st.integers(50, 3000), st.integers(1, 5))
def test_any_texts_are_read_back_in_order_whatever_the_rotation_and_the_restarts(reasons: list[str], rotate_bytes: int, every: int) -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=rotate_bytes)
    for number, reason in enumerate(reasons):
        if number % every == 0:
            writer.close()
            writer = writer_on(disk, rotate_bytes=rotate_bytes)
        writer.append(stop(reason))
    assert texts(disk) == reasons
    assert JournalReader(disk, FOLDER).verify() == []


@given(st.lists(st.integers(0, 9000), min_size=1, max_size=30), st.integers(0, 40))
def test_a_batch_is_the_same_records_with_fewer_syncs(sizes: list[int], already: int) -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    for number in range(already):
        writer.append(stop(f"{number}"))
    before = sum(word.startswith("sync") for word in disk.trail)
    records = writer.append_all([stop("x" * size) for size in sizes])
    syncs = sum(word.startswith("sync") for word in disk.trail) - before
    assert [record.seq for record in records] == list(range(already + 1, already + 1 + len(sizes)))
    assert texts(disk, already) == ["x" * size for size in sizes]
    assert syncs <= 1 + 2 * (sum(sizes) + 300 * len(sizes)) // RECORD_MAX_BYTES + 1
    assert JournalReader(disk, FOLDER).verify() == []


def test_a_new_writer_continues_the_chain() -> None:
    disk = ModelDisk()
    writer_on(disk).append(stop("one"))
    later = writer_on(disk, boot="b2")
    assert later.last_seq == 1
    assert later.append(stop("two")).seq == 2
    assert JournalReader(disk, FOLDER).verify() == []


def test_files_are_named_by_their_first_record_and_rotated_by_size() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=1000)
    for number in range(20):
        writer.append(stop(f"{number} " + "x" * 100))
    files = first_seqs(disk, FOLDER)
    assert len(files) > 3
    for first_seq in files:
        assert next(iter(JournalReader(disk, FOLDER).read(first_seq - 1))).seq == first_seq
        assert disk.stat(FOLDER / file_name(first_seq)).size < 1000 + 400


def test_a_disk_that_others_have_filled_still_takes_two_hundred_records() -> None:
    disk = ModelDisk(1 << 20)
    writer = writer_on(disk, rotate_bytes=30_000)
    writer.append(stop("before"))
    fill(disk)
    for number in range(200):
        writer.append(stop(f"while full {number}"))
    assert len(first_seqs(disk, FOLDER)) == 1, "no new file is begun where there is no room for one"
    assert writer.refusals == 0
    disk.unlink(OTHER)
    writer.append(stop("after"))
    assert len(first_seqs(disk, FOLDER)) == 2
    fill(disk)
    writer.close()
    writer = writer_on(disk, rotate_bytes=30_000)
    writer.append(stop("after a restart"))
    assert len(texts(disk)) == 203
    assert JournalReader(disk, FOLDER).verify() == []


def test_a_file_that_is_full_gives_its_reserve_back() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=1000)
    for number in range(50):
        writer.append(stop(f"record {number}"))
    free = disk.space(FOLDER).free_bytes
    used = sum(disk.stat(FOLDER / file_name(seq)).size for seq in first_seqs(disk, FOLDER))
    assert (1 << 40) - free - used < 2 * AHEAD_BYTES


def test_reading_starts_behind_the_number_asked_for_and_stops_at_the_limit() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=700)
    for number in range(1, 31):
        writer.append(stop(str(number)))
    reader = JournalReader(disk, FOLDER)
    assert [line.seq for line in reader.read(17, limit=5)] == [18, 19, 20, 21, 22]
    assert [line.seq for line in reader.read(22, limit=1)] == [23]
    assert [line.seq for line in reader.read(29)] == [30]
    assert list(reader.read(30)) == []
    assert list(reader.read(99)) == []
    assert list(reader.read(0, limit=0)) == []
    writer.append(stop("31"))
    assert [line.seq for line in reader.read(30)] == [31]


class WatchedDisk(ModelDisk):
    """Remembers from where files were read."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets: list[int] = []

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        self.offsets.append(offset)
        return super().read(path, offset, length)


def test_polling_for_news_does_not_read_the_file_again() -> None:
    disk = WatchedDisk()
    writer = writer_on(disk)
    for number in range(100):
        writer.append(stop(str(number)))
    reader = JournalReader(disk, FOLDER)
    assert len(list(reader.read())) == 100
    writer.append(stop("news"))
    disk.offsets.clear()
    assert [line.seq for line in reader.read(100)] == [101]
    assert min(disk.offsets) > 10_000


def test_a_file_that_is_not_the_one_known_is_read_again_from_its_start() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    writer.append(stop("one"))
    writer.append(stop("two, long"))
    reader = JournalReader(disk, FOLDER)
    assert len(list(reader.read())) == 2
    disk.unlink(newest_file(disk))
    other = writer_on(disk, boot="b2")
    for text in ("1", "2 with more words", "3"):
        other.append(stop(text))
    assert [line.seq for line in reader.read(2)] == [3]


def test_what_is_handed_out_is_on_disk_for_good() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    writer.append(stop("synced"))
    unsynced = disk.read(newest_file(disk)).replace(b'"seq":1', b'"seq":2')
    add_bytes(disk, unsynced)
    assert [line.seq for line in JournalReader(disk, FOLDER).read()] == [1, 2]
    for seed in range(20):
        assert len(list(JournalReader(disk.power_cut(seed), FOLDER).read())) == 2


def test_a_journal_that_does_not_exist_is_empty() -> None:
    reader = JournalReader(ModelDisk(), FOLDER)
    assert list(reader.read()) == []
    assert list(reader.since("2026-01-01T00:00:00.000Z")) == []
    assert (reader.last(), reader.epoch(), reader.verify(), list(reader.back())) == (None, "", [], [])


def test_the_epoch_is_that_of_the_first_line_and_survives_its_retirement() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock, rotate_bytes=500)
    assert writer.epoch == ""
    writer.append(stop("first"))
    reader = JournalReader(disk, FOLDER)
    epoch = chain_hash(next(iter(reader.read())).raw)[:16]
    assert writer.epoch == reader.epoch() == epoch
    for _day in range(50):
        clock.advance(86_400)
        writer.append(stop("daily " + "x" * 100))
    removed = writer.retire(format_utc(clock.read().utc_ns - 20 * 86_400 * NS_PER_S))
    assert removed
    assert writer.epoch == reader.epoch() == epoch
    assert reader.verify() == []
    times = [line.record.t for line in reader.read()]
    assert 20 <= len(times) <= 25
    assert writer.append(stop("on")).seq == 52


def test_retiring_never_takes_the_newest_file_nor_one_whose_age_is_unknown() -> None:
    disk, clock = ModelDisk(), ManualClock(state="untrusted")
    writer = writer_on(disk, clock, rotate_bytes=300)
    writer.append(stop("undated " + "x" * 300))
    clock.set_state("trusted")
    writer.append(stop("dated " + "x" * 300))
    writer.append(stop("newest"))
    assert writer.retire("2099-01-01T00:00:00.000Z") == []
    disk.unlink(FOLDER / file_name(1))
    assert writer.retire("2099-01-01T00:00:00.000Z") == [file_name(2)]
    assert texts(disk) == ["newest"]


def test_since_finds_a_day_by_reading_little_more_than_that_day() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock, rotate_bytes=4000)
    for _hour in range(60 * 24):
        writer.append(stop("hourly"))
        clock.advance(3600)
    start = format_utc(clock.read().utc_ns - 30 * 86_400 * NS_PER_S)
    before = len(disk.trail)
    lines = JournalReader(disk, FOLDER).since(start)
    day = [next(lines) for _ in range(24)]
    assert [line.seq for line in day] == list(range(30 * 24 + 1, 31 * 24 + 1))
    files_read = {word for word in disk.trail[before:] if word.startswith("read")}
    assert len(first_seqs(disk, FOLDER)) > 60
    assert len(files_read) < 15


def test_since_includes_the_undated_lines_just_before() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock, rotate_bytes=600)
    writer.append(stop("old"))
    clock.advance(86_400)
    clock.set_state("untrusted")
    clock.step_utc(-10 * 365 * 86_400)
    writer.append(stop("undated"))
    clock.step_utc(10 * 365 * 86_400)
    clock.set_state("trusted")
    now = format_utc(clock.read().utc_ns)
    writer.append(stop("new"))
    assert [facts_of(line.record, Stop).reason for line in JournalReader(disk, FOLDER).since(now)] == ["undated", "new"]
    assert list(JournalReader(disk, FOLDER).since("2099-01-01T00:00:00.000Z")) == []


def test_a_ring_of_files_without_any_dated_line_is_searched_without_harm() -> None:
    disk, clock = ModelDisk(), ManualClock(state="untrusted")
    writer = writer_on(disk, clock, rotate_bytes=300)
    for number in range(10):
        writer.append(stop(f"{number}" + "x" * 200))
    assert [line.seq for line in JournalReader(disk, FOLDER).since("2026-01-01T00:00:00.000Z")] == list(range(1, 11))


def test_lines_can_be_walked_backwards() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=500)
    for number in range(10):
        writer.append(stop(f"{number}" + "x" * 90))
    assert [line.seq for line in JournalReader(disk, FOLDER).back()] == list(range(10, 0, -1))
    last = JournalReader(disk, FOLDER).last()
    assert last is not None
    assert last.seq == 10


@pytest.mark.parametrize("torn", [b'{"seq":3,"t":"20', b"\0" * 700, b"\0" * 300 + b'"}}\n'])
def test_a_torn_last_line_is_ignored_by_readers_and_cut_by_the_next_writer(torn: bytes) -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    writer.append(stop("one"))
    writer.append(stop("two"))
    add_bytes(disk, torn)
    reader = JournalReader(disk, FOLDER)
    assert texts(disk) == ["one", "two"]
    assert reader.verify() == []
    later = writer_on(disk, boot="b2")
    later.append(stop("three"))
    assert texts(disk) == ["one", "two", "three"]
    assert reader.verify() == []
    assert [entry.name for entry in disk.scan(FOLDER)] == [file_name(1)]


def test_a_batch_of_which_a_page_was_lost_is_cut_and_what_was_whole_is_set_aside() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    writer.append(stop("before"))
    writer.append_all([stop(f"{number}" + "x" * 700) for number in range(20)])
    path = newest_file(disk)
    data = bytearray(disk.read(path))
    data[4096:8192] = bytes(4096)
    disk.replace(path, bytes(data))
    later = writer_on(disk, boot="b2")
    assert later.last_seq < 20
    later.append(stop("after"))
    assert JournalReader(disk, FOLDER).verify() == []
    aside = [entry.name for entry in disk.scan(FOLDER) if entry.name.endswith(".torn")]
    assert len(aside) == 1
    assert b"19xxx" in disk.read(FOLDER / aside[0])


def test_an_edited_record_is_never_cut_away_by_the_writer_and_found_by_the_check() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock)
    for number in range(10):
        clock.advance(1)
        writer.append(stop(f"reason {number}"))
    edit(disk, newest_file(disk), b"reason 4", b"reason X")
    later = writer_on(disk, clock, boot="b2")
    assert later.append(stop("after")).seq == 11
    faults = JournalReader(disk, FOLDER).verify()
    assert len(faults) == 1
    assert "record 6 does not continue" in faults[0]
    assert texts(disk)[-1] == "after"


def test_a_record_made_unreadable_is_never_cut_away_together_with_those_behind_it() -> None:
    disk, clock = ModelDisk(), ManualClock()
    writer = writer_on(disk, clock)
    for number in range(10):
        clock.advance(1)
        writer.append(stop(f"reason {number}"))
    edit(disk, newest_file(disk), b'{"reason":"reason 4"}', b'{"reason:"reason 4"}')
    later = writer_on(disk, clock, boot="b2")
    assert later.append(stop("after")).seq == 11
    faults = JournalReader(disk, FOLDER).verify()
    assert any("record 5 cannot be read" in fault for fault in faults)
    assert len(texts(disk)) == 10


def test_damage_far_from_the_end_changes_nothing_for_the_writer() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    for number in range(800):
        writer.append(stop(f"reason {number}"))
    edit(disk, newest_file(disk), b'"reason 44"', b"\0" * 11)
    later = writer_on(disk, boot="b2")
    assert later.append(stop("after")).seq == 801
    assert first_seqs(disk, FOLDER) == [1]
    faults = JournalReader(disk, FOLDER).verify()
    assert len(faults) == 2
    assert "record 45 cannot be read" in faults[0]
    assert "record 46 does not continue" in faults[1]


def test_a_file_that_is_all_damage_is_left_and_a_new_one_goes_on() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    for number in range(800):
        writer.append(stop(f"reason {number}"))
    path = newest_file(disk)
    disk.replace(path, disk.read(path).replace(b"{", b"?"))
    later = writer_on(disk, boot="b2")
    assert later.append(stop("after")).seq == 801
    assert texts(disk) == ["after"]
    assert len(JournalReader(disk, FOLDER).verify()) == 800


def test_a_missing_file_and_a_missing_line_are_found_by_the_check() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=500)
    for number in range(12):
        writer.append(stop(f"reason {number}" + "x" * 60))
    files = first_seqs(disk, FOLDER)
    gone = disk.read(FOLDER / file_name(files[1]))
    disk.unlink(FOLDER / file_name(files[1]))
    assert any("was expected" in fault for fault in JournalReader(disk, FOLDER).verify())
    file = disk.create(FOLDER / file_name(files[1]))
    file.write(b"".join(gone.splitlines(keepends=True)[1:]))
    file.close()
    assert any("stands where" in fault for fault in JournalReader(disk, FOLDER).verify())


def test_a_missing_line_at_the_end_of_an_older_file_is_found() -> None:
    disk = ModelDisk()
    writer = writer_on(disk, rotate_bytes=400)
    for number in range(6):
        writer.append(stop(f"reason {number}" + "x" * 60))
    path = FOLDER / file_name(first_seqs(disk, FOLDER)[0])
    disk.replace(path, disk.read(path)[:-5])
    faults = JournalReader(disk, FOLDER).verify()
    assert any("torn" in fault for fault in faults)


def test_an_oversized_record_is_a_bug_of_the_caller_and_harms_nothing() -> None:
    disk = ModelDisk()
    writer = writer_on(disk)
    with pytest.raises(ValueError, match="dated record"):
        writer.append(Dated(of_boot="b1", offset_ms=1, segments=list(range(20_000))))
    assert writer.append(stop("fine")).seq == 1


def test_the_cursor_moves_forward_only_and_starts_anew_with_another_journal() -> None:
    disk = ModelDisk()
    cursor = Cursor(disk, Path("/data/cursor/recorder.cam1"))
    assert cursor.get() == ("", 0)
    assert cursor.advance("aa", 7)
    assert not cursor.advance("aa", 7)
    assert not cursor.advance("aa", 3)
    assert cursor.get() == ("aa", 7)
    assert cursor.advance("bb", 2)
    assert Cursor(disk, Path("/data/cursor/recorder.cam1")).get() == ("bb", 2)


@pytest.mark.parametrize("damage", [b"", b"\0\0\0", b'{"epoch":1}', b"\xff\xfe"])
def test_a_damaged_cursor_means_sending_everything_again(damage: bytes) -> None:
    disk = ModelDisk()
    path = Path("/data/cursor/recorder.cam1")
    Cursor(disk, path).advance("aa", 7)
    disk.replace(path, damage)
    assert Cursor(disk, path).get() == ("", 0)
    assert Cursor(disk, path).advance("aa", 1)


_WRITE_FOREVER = """
import sys
from pathlib import Path
from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import AHEAD_BYTES, JournalWriter
from edge.messages.records import Stop
writer = JournalWriter(LinuxDisk(), Path(sys.argv[1]), ManualClock(), "b1", rotate_bytes=20_000)
writer.open()
for number in range(1, 2001):
    writer.append(Stop(reason=f"{number} " + "x" * (number % 300)))
    print(number, flush=True)
"""


def test_another_process_reads_whole_lines_in_order_while_the_writer_appends(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, env=environment, text=True
    ) as writer:
        reader = JournalReader(LinuxDisk(), tmp_path)
        seqs: list[int] = []
        assert writer.stdout is not None
        for told in writer.stdout:
            if int(told) % 50 and int(told) != 2000:
                continue
            seqs += [line.seq for line in reader.read(seqs[-1] if seqs else 0)]
            assert seqs[-1] >= int(told)
    assert writer.returncode == 0
    assert seqs == list(range(1, 2001))
    assert reader.verify() == []


def test_a_record_is_plain_json_that_any_tool_reads() -> None:
    disk = ModelDisk()
    writer_on(disk).append(stop("zażółć\n"), camera="cam1")
    raw = disk.read(newest_file(disk))
    assert raw.count(b"\n") == 1
    found = msgspec.json.decode(raw)
    assert found["facts"] == {"reason": "zażółć\n"}
    assert list(found) == ["seq", "t", "clock", "mono_ms", "boot", "type", "camera", "facts", "prev"]
