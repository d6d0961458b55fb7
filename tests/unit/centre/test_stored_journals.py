"""Reading a month out of years of stored journals."""

from __future__ import annotations

from pathlib import Path

from edge.centre.journals import StoredJournals, stored_nodes
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import epoch_of
from tests.support.written_months import WrittenJournal

BEGIN = parse_utc("2026-01-01T00:00:00Z")
DAY = 86_400 * NS_PER_S


def store(folder: Path, journal: WrittenJournal, name: str = "recorder.cam0") -> Path:
    path = folder / "nodes" / "pole-1" / "journal" / f"{name}.{epoch_of(journal.raws[0])}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(raw + b"\n" for raw in journal.raws))
    return path


def half_a_year() -> WrittenJournal:
    journal = WrittenJournal("cam0")
    journal.boot(BEGIN)
    journal.footage(BEGIN, BEGIN + 180 * DAY, segment_s=1200)
    return journal


def test_reading_begins_shortly_before_the_moment_and_misses_nothing_behind_it(tmp_path: Path) -> None:
    journal = half_a_year()
    size = store(tmp_path, journal).stat().st_size
    assert size > 8 << 20
    journals = StoredJournals(LinuxDisk(), tmp_path, "pole-1")
    assert (stored_nodes(tmp_path), journals.names()) == (["pole-1"], ["recorder.cam0"])
    for days in (0, 1, 90, 170, 179, 400):
        moment = format_utc(BEGIN + days * DAY)
        lines = list(journals.lines("recorder.cam0", moment))
        wanted = [raw for line, raw in zip(journal.lines(), journal.raws, strict=True) if line.record.t >= moment]
        raws = [line.raw for line in lines]
        assert raws[len(raws) - len(wanted) :] == wanted
        assert sum(len(raw) + 1 for raw in raws) - sum(len(raw) + 1 for raw in wanted) <= (2 << 20) + (1 << 18) + 2000
        if days <= 1:
            assert raws == journal.raws


def test_lives_of_a_journal_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    later, earlier = WrittenJournal("cam0"), WrittenJournal("cam0")
    later.boot(BEGIN + DAY)
    earlier.boot(BEGIN)
    store(tmp_path, later)
    store(tmp_path, earlier)
    lines = StoredJournals(LinuxDisk(), tmp_path, "pole-1").lines("recorder.cam0", format_utc(BEGIN))
    assert [line.raw for line in lines] == [*earlier.raws, *later.raws]


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    journal = WrittenJournal("cam0")
    for number in range(5):
        journal.boot(BEGIN + number * NS_PER_S)
    path = store(tmp_path, journal)
    path.write_bytes(path.read_bytes().replace(journal.raws[2], b"\xff" * 30))
    lines = StoredJournals(LinuxDisk(), tmp_path, "pole-1").lines("recorder.cam0", format_utc(BEGIN))
    assert [line.seq for line in lines] == [1, 2, 4, 5]
    assert list(StoredJournals(LinuxDisk(), tmp_path, "pole-1").lines("nothing", format_utc(BEGIN))) == []
