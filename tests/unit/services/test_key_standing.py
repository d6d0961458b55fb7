"""What the journal says of the signing key: a record a change, an alarm while there is trouble."""

from __future__ import annotations

from typing import Literal

from edge.host.model_disk import Fault
from edge.journal.reader import JournalReader
from edge.messages.evidence import KeyNews
from edge.messages.records import AlarmRaised, facts_of
from edge.services.key_standing import CODE, FLAPPING_S, KeyStanding
from tests.support.lanes import JournalBench

State = Literal["in_force", "off", "missing", "broken"]
OLD_ALARM = AlarmRaised(code=CODE, active=True, severity="warning", text="before")


def say(standing: KeyStanding, state: State, now_s: float = 0.0, fingerprint: str = "") -> None:
    standing.say(KeyNews(state=state, text=f"it is {state}", fingerprint=fingerprint), now_s)


def told(bench: JournalBench) -> list[str]:
    words: list[str] = []
    for line in JournalReader(bench.disk, bench.folder).read():
        if line.record.type == "key":
            words.append(facts_of(line.record, KeyNews).state)
        else:
            words.append("raised" if facts_of(line.record, AlarmRaised).active else "cleared")
    return words


def test_each_change_is_recorded_once_and_trouble_raises_the_alarm() -> None:
    bench = JournalBench("agent")
    standing = KeyStanding(bench.writer)
    for state in ("missing", "missing", "in_force", "in_force", "broken"):
        say(standing, state)
    assert told(bench) == ["missing", "raised", "in_force", "cleared", "broken", "raised"]


def test_another_key_is_a_change() -> None:
    bench = JournalBench("agent")
    standing = KeyStanding(bench.writer)
    for fingerprint in ("a", "a", "b"):
        say(standing, "in_force", fingerprint=fingerprint)
    assert told(bench) == ["in_force", "in_force"]


def test_an_alarm_of_the_process_before_stands_until_the_key_is_good_or_wanted_no_more() -> None:
    for state in ("in_force", "off"):
        bench = JournalBench("agent")
        say(KeyStanding(bench.writer, [OLD_ALARM]), state)
        assert told(bench) == [state, "cleared"]
    bench = JournalBench("agent")
    say(KeyStanding(bench.writer, [OLD_ALARM]), "broken")
    assert told(bench) == ["broken"]


def test_a_key_that_comes_and_goes_is_broken_until_it_was_good_for_an_hour() -> None:
    bench = JournalBench("agent")
    standing = KeyStanding(bench.writer)
    for now_s in range(0, 600, 60):
        say(standing, "broken", float(now_s))
        say(standing, "in_force", now_s + 30.0)
    few = told(bench)
    assert few == ["broken", "raised", "in_force", "cleared"] * 2 + ["broken", "raised"]
    say(standing, "in_force", 600 + FLAPPING_S)
    assert told(bench) == [*few, "in_force", "cleared"]


def test_what_the_disk_refused_is_said_the_next_time() -> None:
    for refused in (0, 1):
        bench = JournalBench("agent")
        standing = KeyStanding(bench.writer)
        if refused:
            say(standing, "in_force")
        bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
        say(standing, "broken")
        bench.disk.fault = None
        say(standing, "broken")
        assert told(bench)[refused:] == ["broken", "raised"]
