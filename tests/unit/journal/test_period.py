"""A journal between two moments: what is in it, what is broken in it, what it cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc, parse_utc
from edge.host.model_disk import ModelDisk
from edge.journal.line import chain_hash, file_name, first_seqs
from edge.journal.period import Period, read_period
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop

FOLDER = Path("/data/journal/recorder.cam1")
START_NS = parse_utc("2026-11-01T00:00:00Z")


@pytest.fixture
def disk() -> ModelDisk:
    """A record an hour for a hundred hours, some seven to a file."""
    disk, clock = ModelDisk(1 << 22), ManualClock(START_NS)
    journal = JournalWriter(disk, FOLDER, clock, "boot-1", rotate_bytes=2000, ahead_bytes=0)
    for number in range(100):
        journal.append(Stop(reason=str(number)))
        clock.advance(3600)
    assert len(first_seqs(disk, FOLDER)) > 8
    return disk


def at(hours: float) -> str:
    return format_utc(START_NS + round(hours * 3600) * NS_PER_S)


def read(disk: ModelDisk, first_h: float, last_h: float) -> tuple[Period, list[int]]:
    seen: list[int] = []
    return read_period(disk, FOLDER, at(first_h), at(last_h), lambda line, moment: seen.append(line.seq)), seen


@pytest.mark.parametrize(("first_h", "last_h"), [(0, 100), (0, 1), (30, 61.5), (98.5, 200), (-50, 3), (47, 47.5)])
def test_a_period_has_the_records_written_in_it(disk: ModelDisk, first_h: float, last_h: float) -> None:
    period, seen = read(disk, first_h, last_h)
    assert seen == [hour + 1 for hour in range(100) if first_h <= hour < last_h]
    assert (period.first, period.last, period.records, period.faults) == (seen[0] if seen else 0, seen[-1] if seen else 0, len(seen), [])
    assert (period.oldest_seq, period.oldest_t) == (1, at(0))


def test_the_head_is_the_hash_that_the_next_record_carries(disk: ModelDisk) -> None:
    period, seen = read(disk, 10, 20)
    following = next(line for line in read_lines(disk) if b'"seq":21,' in line)
    assert seen[-1] == 20
    assert period.head.encode() in following


def read_lines(disk: ModelDisk) -> list[bytes]:
    return [line for first in first_seqs(disk, FOLDER) for line in disk.read(FOLDER / file_name(first)).split(b"\n")]


def test_a_period_reads_its_own_files_and_one_on_either_side(disk: ModelDisk) -> None:
    """A month costs a month, however long the journal is."""
    before = len(disk.trail)
    read(disk, 40, 45)
    reads = [word for word in disk.trail[before:] if word.startswith("read")]
    heads = len(first_seqs(disk, FOLDER))
    assert heads < len(reads) <= heads + 4


@pytest.mark.parametrize("what", ["changed", "removed", "swapped"])
def test_what_was_done_to_the_chain_is_told_where_the_period_touches_it(disk: ModelDisk, what: str) -> None:
    path = FOLDER / file_name(first_seqs(disk, FOLDER)[5])
    lines = disk.read(path).split(b"\n")[:-1]
    if what == "changed":
        lines[2] = lines[2].replace(b'"reason":"', b'"reason":"9')
    elif what == "removed":
        del lines[2]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    disk.replace(path, b"\n".join(lines) + b"\n")
    assert read(disk, 0, 100)[0].faults
    assert read(disk, 80, 100)[0].faults == [], "not in the files of that period"


def test_a_file_that_is_missing_is_told(disk: ModelDisk) -> None:
    disk.unlink(FOLDER / file_name(first_seqs(disk, FOLDER)[4]))
    assert "was expected" in read(disk, 0, 100)[0].faults[0]


def test_older_records_that_were_removed_in_time_are_no_fault_and_are_seen(disk: ModelDisk) -> None:
    for first in first_seqs(disk, FOLDER)[:3]:
        disk.unlink(FOLDER / file_name(first))
    period, _ = read(disk, 0, 100)
    assert period.faults == []
    assert period.oldest_seq == first_seqs(disk, FOLDER)[0]
    assert period.oldest_t == at(period.oldest_seq - 1)


def test_a_record_of_an_untrusted_clock_counts_by_the_last_trusted_time() -> None:
    disk, clock = ModelDisk(1 << 22), ManualClock(START_NS)
    journal = JournalWriter(disk, FOLDER, clock, "boot-1")
    journal.append(Stop(reason="a"))
    clock.set_state("untrusted")
    clock.step_utc(-56 * 365 * 86_400.0)
    journal.append(Stop(reason="b"))
    moments: list[str] = []
    read_period(disk, FOLDER, at(0), at(1), lambda line, moment: moments.append(moment))
    assert moments == [at(0), at(0)]


def test_a_journal_that_never_had_a_clock_counts_by_its_own() -> None:
    disk, clock = ModelDisk(1 << 22), ManualClock(0, state="untrusted")
    JournalWriter(disk, FOLDER, clock, "boot-1").append(Stop(reason="a"))
    seen: list[int] = []
    period = read_period(disk, FOLDER, "1970-01-01T00:00:00.000Z", at(0), lambda line, moment: seen.append(line.seq))
    assert seen == [1]
    assert period.head == chain_hash(disk.read(FOLDER / file_name(1))[:-1])


def test_there_may_be_no_journal_at_all() -> None:
    disk = ModelDisk()
    assert read_period(disk, FOLDER, at(0), at(1), lambda line, moment: None) == Period(FOLDER.name)
