"""A backlog drains with a fresh alarm in its middle, and a node that was cut off tells its health afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import monotonic_s, parse_utc
from edge.messages.records import AlarmRaised, Stop, facts_of
from tests.fault.test_link import assert_complete
from tests.support.agents import NODE, AgentProcess, Town, writer_of
from tests.support.mosquitto import Mosquitto

RECORDS = 6000
ATTEMPT = "next attempt in"
BACKLOG = "recorder.cam0"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as made:
        yield made


def test_an_alarm_raised_while_a_backlog_drains_overtakes_it_and_nothing_is_lost_or_doubled(broker: Mosquitto, tmp_path: Path) -> None:
    with AgentProcess(tmp_path / "node", broker.port) as agent, Town(broker.port, tmp_path / "town") as town:
        town.until_online()
        backlog, watcher = writer_of(agent.data, BACKLOG), writer_of(agent.data, "watcher")
        agent.kill()
        backlog.append_all([Stop(reason="a backlog")] * RECORDS)
        agent.start()
        town.until_seq(BACKLOG, RECORDS // 10)
        watcher.append(AlarmRaised(code="hot", active=True, severity="critical", text="fresh"))
        town.until_seq("watcher", 1)
        town.until_seq(BACKLOG, RECORDS)
        assert_complete(town, agent.data, BACKLOG)
        assert_complete(town, agent.data, "watcher")
        order = [(event.journal, event.record.seq) for event in town.events]
        overtaken = len(order) - order.index(("watcher", 1)) - 1
        (counters,) = [each for key, each in town.centre.counters().items() if key[1] == BACKLOG]
        seqs = town.seqs(BACKLOG)
        lost, doubled = len(set(range(1, RECORDS + 1)) - set(seqs)), len(seqs) - len(set(seqs))
        print(f"{RECORDS} records: {lost} lost, {doubled} doubled ({counters.duplicates} came twice), {overtaken} overtaken by the alarm")
        assert (lost, doubled) == (0, 0)
        assert order.index(("watcher", 1)) < order.index((BACKLOG, RECORDS))
        (alarm,) = [facts_of(event.record, AlarmRaised) for event in town.events if event.journal == "watcher"]
        assert alarm.code == "hot"
        assert agent.stop() == 0


def until_attempts(agent: AgentProcess, count: int) -> None:
    ends_s = monotonic_s() + 30
    while agent.log.count(ATTEMPT) < count:
        assert monotonic_s() < ends_s, agent.log
        time.sleep(0.05)


def test_the_health_of_an_outage_arrives_afterwards_also_over_an_agent_that_was_killed(broker: Mosquitto, tmp_path: Path) -> None:
    broker.stop()
    kept = tmp_path / "node" / "data" / "agent" / "history"
    with AgentProcess(tmp_path / "node", broker.port, sections="[health]\ninterval_s = 5") as agent:
        until_attempts(agent, 5)
        assert agent.stop() == 0
        while not kept.is_dir():  # it was asked to stop before its first look at the node had ended
            agent.start()
            until_attempts(agent, agent.log.count(ATTEMPT) + 5)
            assert agent.stop() == 0
        assert {path.suffix for path in kept.iterdir()} == {".json"}
        agent.start()
        agent.kill()
        agent.start()
        broker.start()
        with Town(broker.port, tmp_path / "town") as town:
            town.until(lambda: len(list(town.centre.history(NODE))) >= 1, "late health")
            found = next(iter(town.centre.history(NODE)))
            assert found.node == NODE
            assert found.documents >= 1
            assert parse_utc(found.since) <= parse_utc(found.until)
            assert found.figures["free_bytes"].min > 0
            assert agent.stop() == 0
