"""What an agent finds in its journals at its start."""

from __future__ import annotations

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.host.model_disk import Fault
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised
from edge.services.agent_past import look_back_from, standing_alarms
from tests.support.lanes import JournalBench


def test_an_alarm_stands_however_long_the_node_was_off() -> None:
    bench = JournalBench("agent")
    for code, active in (("hot", True), ("full", True), ("hot", False), ("late", True)):
        bench.writer.append(AlarmRaised(code=code, active=active, severity="warning", text=code))
    bench.clock.advance(40 * 86_400)
    bench.write(3)
    reader = JournalReader(bench.disk, bench.folder)
    assert sorted(alarm.code for alarm in standing_alarms(reader)) == ["full", "late"]
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    assert standing_alarms(reader) == []


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
