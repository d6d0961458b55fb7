"""Retained properties follow the end of the journals."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.clock import format_utc
from edge.journal.reader import JournalReader
from edge.link.growth import growth_of
from edge.link.properties import Follower, Properties
from edge.link.publish import Direct
from edge.messages.records import AlarmRaised, Episode
from edge.messages.wire import AlarmState, Motion
from tests.support.lanes import JournalBench

NOON, LATER = "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:09.500Z"


def followed(bench: JournalBench, back_s: int = 86_400) -> Properties:
    since = format_utc(bench.clock.read().utc_ns - back_s * 10**9)
    return Properties(
        "town", "n", [Follower(bench.name, JournalReader(bench.disk, bench.folder), growth_of(bench.disk, bench.folder), since)]
    )


def episode(id: str, *, end: bool = False) -> Episode:
    state, until = ("end", LATER) if end else ("start", None)
    return Episode(id=id, state=state, since=NOON, until=until, since_mono_ms=1, until_mono_ms=2, score=0.5, zones=["gate"])  # type: ignore[arg-type]


def alarm(code: str, *, active: bool = True) -> AlarmRaised:
    return AlarmRaised(code=code, active=active, severity="critical", text="t", todo="d", value=90.0, threshold=85.0)


def motions(directs: list[Direct]) -> dict[str, Motion]:
    return {each.topic: msgspec.json.decode(each.payload, type=Motion) for each in directs if "/motion/" in each.topic}


def test_motion_is_active_from_start_to_end_and_carries_its_change() -> None:
    bench = JournalBench()
    properties = followed(bench)
    bench.writer.append(episode("a"), camera="cam1")
    bench.writer.append(episode("b"), camera="cam2")
    found = motions(properties.fresh(0.0))
    assert {topic: (each.active, each.id, each.since) for topic, each in found.items()} == {
        "town/v1/n/motion/cam1": (True, "a", NOON),
        "town/v1/n/motion/cam2": (True, "b", NOON),
    }
    bench.writer.append(episode("a", end=True), camera="cam1")
    found = motions(properties.fresh(1.0))
    assert [(each.active, each.since) for each in found.values()] == [(False, LATER)]
    assert all(each.retain for each in properties.all())


def test_of_many_changes_only_the_last_is_told() -> None:
    bench = JournalBench()
    for number in range(50):
        bench.writer.append(episode(str(number)), camera="cam1")
        bench.writer.append(episode(str(number), end=True), camera="cam1")
    assert [each.id for each in motions(followed(bench).fresh(0.0)).values()] == ["49"]


def test_alarms_say_since_when_and_by_whom() -> None:
    bench = JournalBench("agent")
    bench.writer.append(alarm("hot"))
    bench.clock.advance(60)
    record = bench.writer.append(alarm("hot", active=False))
    (direct,) = followed(bench).fresh(0.0)
    state = msgspec.json.decode(direct.payload, type=AlarmState)
    assert direct.topic == "town/v1/n/alarm/hot"
    assert (state.active, state.since, state.source) == (False, record.t, "agent")


def test_a_month_old_state_is_not_dug_up_and_the_rest_of_the_journal_is_not_read_again() -> None:
    bench = JournalBench()
    bench.writer.append(episode("old"), camera="cam1")
    bench.clock.advance(30 * 86_400)
    bench.writer.append(episode("new"), camera="cam2")
    properties = followed(bench)
    assert list(motions(properties.fresh(0.0))) == ["town/v1/n/motion/cam2"]
    assert properties.fresh(1.0) == []


def test_a_code_that_is_no_topic_level_is_left_out() -> None:
    bench = JournalBench()
    bench.writer.append(alarm("no/level"))
    bench.writer.append(alarm("fine"))
    assert [each.topic for each in followed(bench).fresh(0.0)] == ["town/v1/n/alarm/fine"]


def test_a_journal_that_does_not_exist_yet_is_empty() -> None:
    bench = JournalBench()
    missing = Path("/data/journal/none")
    properties = Properties("town", "n", [Follower("none", JournalReader(bench.disk, missing), growth_of(bench.disk, missing), NOON)])
    assert properties.fresh(0.0) == []
