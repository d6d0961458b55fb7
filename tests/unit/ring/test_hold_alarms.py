"""Alarms about holds: levels with hysteresis, review dates, and what an earlier process raised."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from edge.clock import format_utc
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import AlarmRaised, facts_of
from edge.ring.hold import Holds
from edge.ring.hold_alarms import HoldAlarms, Level, level_of
from edge.ring.hold_request import HoldRequest
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, DATA, DAY_S, SEGMENT_BYTES, PlainRing

QUOTA_SEGMENTS = 10


class Agent:
    """Its quota is ten segments."""

    def __init__(self, ring: PlainRing, standing: list[AlarmRaised] | None = None) -> None:
        self.ring = ring
        self.journal = JournalWriter(ring.disk, DATA / "journal" / "agent", ring.clock, ring.boot)
        percent = 100 * QUOTA_SEGMENTS * SEGMENT_BYTES / ring.disk.space(DATA).total_bytes
        reader = RingReader(ring.disk, DATA, ring.clock, ring.boot)
        self.holds = Holds(ring.disk, DATA, self.journal, ring.clock, reader, percent + 1e-9)
        self.alarms = HoldAlarms(self.holds, self.journal, ring.clock, standing or [])

    def hold(self, first: int, last: int, id: str, review: str | None = None) -> None:
        names = {name.seq: name for name in self.ring.folder.all()}
        start, end = (names[first].start_utc_ms or 0) + 5000, (names[last].end_utc_ms or 0) - 5000
        words = (format_utc(start * 1_000_000), format_utc(end * 1_000_000))
        self.holds.add(HoldRequest(id, CAMERA, *words, case="RSW 12/26", by="J. Nowak", review=review))
        self.look()

    def release(self, id: str) -> None:
        self.holds.release(id, by="A. Lis", why="closed")
        self.look()

    def look(self) -> None:
        self.holds.refresh()
        self.alarms.look(changed=True)

    def said(self, code: str) -> list[AlarmRaised]:
        lines = JournalReader(self.ring.disk, self.journal.folder).read()
        alarms = [facts_of(line.record, AlarmRaised) for line in lines if line.record.type == "alarm"]
        return [alarm for alarm in alarms if alarm.code == code]

    def levels(self, code: str = "hold_quota") -> list[str]:
        return [alarm.severity if alarm.active else "" for alarm in self.said(code)]


@pytest.fixture
def agent() -> Agent:
    ring = PlainRing(ModelDisk(1 << 22))
    for _ in range(20):
        ring.record(3600)
    return Agent(ring)


@pytest.mark.parametrize(
    ("percent", "before", "after"),
    [
        (79.9, "", ""),
        (80.0, "", "warning"),
        (76.0, "warning", "warning"),
        (74.9, "warning", ""),
        (100.0, "warning", "critical"),
        (97.5, "critical", "critical"),
        (96.9, "critical", "warning"),
        (50.0, "critical", ""),
        (120.0, "", "critical"),
    ],
)
def test_the_level_follows_use_with_hysteresis(percent: float, before: Level, after: Level) -> None:
    assert level_of(percent, before) == after


def test_the_quota_warns_at_80_percent_is_critical_when_full_and_clears_with_a_release(agent: Agent) -> None:
    agent.hold(1, 7, "h1")
    assert agent.levels() == []
    agent.hold(8, 8, "h2")
    assert agent.levels() == ["warning"]
    agent.look()
    assert agent.levels() == ["warning"]
    agent.hold(9, 10, "h3")
    assert agent.levels() == ["warning", "critical"]
    assert "100 % of their quota: 10000 of 10000 bytes" in agent.said("hold_quota")[-1].text
    agent.release("h3")
    agent.release("h1")
    assert agent.levels() == ["warning", "critical", "warning", ""]


def test_holds_past_their_review_date_are_named_and_news_is_told_again(agent: Agent) -> None:
    agent.hold(1, 1, "old", review="2026-11-19")
    agent.hold(2, 2, "later", review=format_utc(agent.ring.clock.read().utc_ns + round(DAY_S * 1e9)))
    assert [alarm.text for alarm in agent.said("hold_review")] == ["past their review date: old (2026-11-19)"]
    agent.ring.clock.advance(2 * DAY_S)
    agent.look()
    agent.look()
    assert [len(alarm.text.split(",")) for alarm in agent.said("hold_review")] == [1, 2]
    agent.release("old")
    agent.release("later")
    assert not agent.said("hold_review")[-1].active


def test_without_a_clock_nobody_knows_what_is_past_its_date(agent: Agent) -> None:
    agent.ring.clock.set_state("untrusted")
    agent.hold(1, 1, "old", review="2020-01-01")
    assert agent.said("hold_review") == []


def test_what_an_earlier_process_raised_is_known_and_cleared_when_it_is_over(agent: Agent) -> None:
    agent.hold(1, 9, "h1", review="2026-11-19")
    assert agent.levels() == ["warning"]
    standing = [agent.said("hold_quota")[-1], agent.said("hold_review")[-1]]
    standing.append(msgspec.structs.replace(standing[0], code="hold_damaged.gone"))
    after = Agent(agent.ring, standing)
    after.look()
    assert after.levels() == ["warning"], "not said again"
    assert [alarm.active for alarm in after.said("hold_damaged.gone")] == [False]
    after.release("h1")
    assert after.levels() == ["warning", ""]
    assert [alarm.active for alarm in after.said("hold_review")] == [True, False]


def test_a_hold_that_outgrew_the_quota_is_told_and_its_rest_may_go(agent: Agent) -> None:
    agent.hold(1, 6, "h1")
    names = list(agent.ring.folder.all())
    start, end = ((names[15].start_utc_ms or 0) + 5000, (names[19].end_utc_ms or 0) + 2 * 3_600_000)
    wanted = HoldRequest("grows", CAMERA, format_utc(start * 1_000_000), format_utc(end * 1_000_000), case="RSW 13/26", by="J. Nowak")
    with pytest.raises(Exception, match="over the quota"):
        agent.holds.add(wanted)
    agent.holds.add(replace(wanted, end=format_utc(((names[16].end_utc_ms or 0) - 5000) * 1_000_000)))
    assert agent.holds.held_bytes() == 8 * SEGMENT_BYTES


def test_agent_and_holds_count_quotas_of_others_that_still_grow(agent: Agent) -> None:
    now_ns = agent.ring.clock.read().utc_ns

    def ahead(id: str) -> HoldRequest:
        hours_ns = 3600 * 10**9
        return HoldRequest(id, CAMERA, format_utc(now_ns), format_utc(now_ns + 6 * hours_ns), case="RSW 13/26", by="J. Nowak")

    agent.holds.add(ahead("h1"))
    with pytest.raises(Exception, match="promised to holds that still grow"):
        agent.holds.add(ahead("h2"))
