"""What an agent finds in its journals at its start."""

from __future__ import annotations

from pathlib import Path

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.host.model_disk import Fault
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, Boot
from edge.services.agent_past import Past, look_back_from, recall, remember
from tests.support.lanes import JournalBench

PATH = Path("/data/journal/past.json")


def alarm(bench: JournalBench, code: str, *, active: bool = True) -> None:
    bench.writer.append(AlarmRaised(code=code, active=active, severity="warning", text=code))


def past_of(bench: JournalBench) -> Past:
    return recall(bench.disk, PATH, JournalReader(bench.disk, bench.folder))


def codes(past: Past) -> list[str]:
    return sorted(alarm.code for alarm in past.alarms)


def test_an_alarm_stands_however_long_the_node_was_off() -> None:
    bench = JournalBench("agent")
    for code, active in (("hot", True), ("full", True), ("hot", False), ("late", True)):
        alarm(bench, code, active=active)
    bench.clock.advance(40 * 86_400)
    bench.write(3)
    assert codes(past_of(bench)) == ["full", "late"]
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    assert past_of(bench) == Past()


def test_what_was_written_down_goes_on_with_what_came_after_it() -> None:
    bench = JournalBench("agent")
    bench.writer.append(Boot(version="1", ended="first", config_sha256="one"))
    alarm(bench, "hot")
    alarm(bench, "full")
    remember(bench.disk, PATH, past_of(bench))
    alarm(bench, "hot", active=False)
    alarm(bench, "late")
    bench.writer.append(Boot(version="1", ended="crash", config_sha256="two"))
    past = past_of(bench)
    assert codes(past) == ["full", "late"]
    assert (past.seq, past.config_sha256, past.epoch) == (6, "two", bench.writer.epoch)


def test_what_was_written_down_of_another_journal_or_is_damaged_is_not_believed() -> None:
    bench = JournalBench("agent")
    alarm(bench, "hot")
    for kept in (Past(epoch="of another", seq=1, alarms=[]), Past(epoch=bench.writer.epoch, seq=9, alarms=[])):
        remember(bench.disk, PATH, kept)
        assert codes(past_of(bench)) == ["hot"]
    bench.disk.replace(PATH, b'{"seq": "no')
    assert codes(past_of(bench)) == ["hot"]


def test_a_clock_that_begins_in_the_past_makes_no_year_of_records_fresh() -> None:
    bench = JournalBench()
    bench.write(2)
    end_ns = bench.clock.read().utc_ns
    reader = JournalReader(bench.disk, bench.folder)
    day_ns = 86_400 * NS_PER_S
    assert look_back_from(reader, bench.clock) == format_utc(end_ns - day_ns)
    reset = ManualClock(utc_ns=5 * NS_PER_S, boot_ns=5 * NS_PER_S, state="untrusted")
    assert look_back_from(reader, reset) == format_utc(end_ns - day_ns)
    assert look_back_from(JournalReader(bench.disk, bench.folder / "none"), reset) == format_utc(5 * NS_PER_S - day_ns)
