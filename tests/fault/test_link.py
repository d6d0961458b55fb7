"""Brokers, agents and centres that die while a node has something to say: nothing is lost, nothing is told twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre.store import Counters
from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, Stop, facts_of
from tests.support.agents import NODE, AgentProcess, Town, writer_of
from tests.support.mosquitto import Mosquitto
from tests.support.relay import Relay


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as made:
        yield made


def lines_of(path: Path) -> list[bytes]:
    return [line.raw for line in JournalReader(LinuxDisk(), path).read()]


def assert_complete(town: Town, data: Path, journal: str) -> None:
    """The centre has every line of the node's journal, byte for byte, once, in order."""
    wanted = lines_of(data / "journal" / journal)
    stored = [event.raw for event in town.centre.events(NODE, journal)]
    assert stored == wanted
    assert town.seqs(journal) == list(range(1, len(wanted) + 1))
    (counters,) = [each for key, each in town.centre.counters().items() if key[1] == journal]
    assert counters.breaks == counters.conflicts == counters.missing == 0
    assert counters.stored == len(wanted)


class Speaker:
    """Appends records at a steady pace, in a thread, until `close`."""

    def __init__(self, data: Path, name: str = "watcher", every_s: float = 0.01) -> None:
        self.writer = writer_of(data, name)
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.writer.append(Stop(reason="said"))

    def close(self) -> int:
        self._stop.set()
        self._thread.join(10)
        self.writer.close()
        return self.writer.last_seq


@pytest.mark.slow
def test_a_broker_killed_fifty_times_while_the_node_publishes_loses_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    with Town(broker.port, tmp_path / "town") as town, AgentProcess(tmp_path / "node", broker.port) as agent:
        speaker = Speaker(agent.data)
        for _ in range(50):
            town.until_seq("watcher", len(town.seqs("watcher")) + 5)
            broker.kill()
            broker.start()
        last = speaker.close()
        town.until_seq("watcher", last)
        assert_complete(town, agent.data, "watcher")
        assert agent.stop() == 0


def test_a_broker_killed_while_the_centre_is_away_loses_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    """What the broker held for the centre dies with it; the node's cursor has not moved, so everything comes again."""
    with AgentProcess(tmp_path / "node", broker.port) as agent:
        with Town(broker.port, tmp_path / "town") as town:
            writer = writer_of(agent.data, "watcher")
            writer.append(Stop(reason="before"))
            town.until_seq("watcher", 1)
        for _ in range(3):
            writer.append_all([Stop(reason="centre away")] * 50)
            time.sleep(0.6)  # the node publishes into a broker that then dies: nothing observable happens meanwhile
            broker.kill()
            broker.forget()
            broker.start()
        with Town(broker.port, tmp_path / "town") as town:
            town.until_seq("watcher", 151)
            stored = [event.raw for event in town.centre.events(NODE, "watcher")]
        assert stored == lines_of(agent.data / "journal" / "watcher")
        assert agent.stop() == 0


def test_an_agent_killed_again_and_again_loses_and_doubles_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    with Town(broker.port, tmp_path / "town") as town, AgentProcess(tmp_path / "node", broker.port) as agent:
        speaker = Speaker(agent.data)
        session = 0
        for _ in range(6):
            town.until_seq("watcher", len(town.seqs("watcher")) + 10)
            agent.kill()
            agent.start()
            status = town.until_online(session).status
            assert status is not None
            session = status.session
        last = speaker.close()
        town.until_seq("watcher", last)
        assert_complete(town, agent.data, "watcher")
        assert agent.stop() == 0
        town.until(lambda: town.seqs("agent")[-1] == len(lines_of(agent.data / "journal" / "agent")), "the agent's own journal")
        assert_complete(town, agent.data, "agent")


@pytest.mark.slow
def until_running(agent: AgentProcess) -> None:
    """It has written its first record: all it needs is loaded."""
    deadline_s = time.monotonic() + 30
    while not any(path.stat().st_size for path in (agent.data / "journal/agent").glob("*.jsonl")):
        assert time.monotonic() < deadline_s, agent.log
        threading.Event().wait(0.05)


def test_a_month_without_a_broker_is_delivered_whole_in_bounded_memory(broker: Mosquitto, tmp_path: Path) -> None:
    broker.stop()
    days, per_day = 30, 1000
    with AgentProcess(tmp_path / "node", broker.port) as agent:
        clock = ManualClock()
        writer = writer_of(agent.data, "recorder.cam0", clock)
        for _ in range(days):
            writer.append_all([Stop(reason="a day's segment " + "x" * 150)] * per_day)
            clock.advance(86_400)
        writer.close()
        until_running(agent)
        before = agent.resident_bytes()
        broker.start()
        with Town(broker.port, tmp_path / "town") as town:
            town.until_seq("recorder.cam0", 100)
            fresh = writer_of(agent.data, "watcher")
            said_s = time.monotonic()
            fresh.append(AlarmRaised(code="hot", active=True, severity="critical", text="fresh"))
            town.until(lambda: "hot" in town.until_online().alarms, "a fresh alarm in the middle of the backlog", 10)
            assert time.monotonic() - said_s < 3
            town.until_seq("recorder.cam0", days * per_day, 100)
            assert_complete(town, agent.data, "recorder.cam0")
            assert agent.resident_bytes() - before < 20_000_000
            assert agent.stop() == 0


def test_a_killed_agent_is_told_offline_by_its_will_and_a_late_will_cannot_hide_its_return(broker: Mosquitto, tmp_path: Path) -> None:
    with Town(broker.port, tmp_path / "town") as town, AgentProcess(tmp_path / "node", broker.port) as agent:
        first = town.until_online().status
        assert first is not None
        agent.kill()
        town.until(lambda: not _online(town), "the will")
        view = town.centre.node(NODE)
        assert view is not None
        assert view.status is not None
        assert (view.status.why, view.status.session) == ("will", first.session)
        agent.start()
        again = town.until_online(first.session).status
        assert again is not None
        assert again.session > first.session
        assert agent.stop() == 0
        town.until(lambda: not _online(town), "the farewell")
        view = town.centre.node(NODE)
        assert view is not None
        assert view.status is not None
        assert view.status.why == "shutdown"


def _online(town: Town) -> bool:
    view = town.centre.node(NODE)
    return view is not None and view.online


def test_a_record_that_breaks_every_connection_is_set_aside_and_the_next_ones_arrive(broker: Mosquitto, tmp_path: Path) -> None:
    relay = Relay(broker.port, poison=b"POISON")
    try:
        with Town(broker.port, tmp_path / "town") as town, AgentProcess(tmp_path / "node", relay.port) as agent:
            town.until_online()
            writer = writer_of(agent.data, "watcher")
            writer.append_all([Stop(reason="good")] * 5)
            writer.append(Stop(reason="POISON"))
            writer.append_all([Stop(reason="good")] * 5)
            town.until_seq("watcher", 11)
            assert relay.cuts <= 4
            assert town.seqs("watcher") == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
            (counters,) = [each for key, each in town.centre.counters().items() if key[1] == "watcher"]
            assert counters == Counters(stored=10, missing=1, duplicates=counters.duplicates, ahead=counters.ahead)
            town.until(lambda: "link_set_aside" in _alarms(town), "the alarm")
            assert agent.stop() == 0
    finally:
        relay.close()


def _alarms(town: Town) -> set[str]:
    return {facts_of(event.record, AlarmRaised).code for event in town.events if event.record.type == "alarm"}


def test_a_centre_killed_between_storing_and_telling_gets_only_what_it_lacks(broker: Mosquitto, tmp_path: Path) -> None:
    """A torn last line in its archive is cut, and the record comes again."""
    with AgentProcess(tmp_path / "node", broker.port) as agent:
        writer = writer_of(agent.data, "watcher")
        with Town(broker.port, tmp_path / "town") as town:
            writer.append_all([Stop(reason="one")] * 10)
            town.until_seq("watcher", 10)
        (path,) = [each for each in (tmp_path / "town").glob("nodes/*/journal/watcher.*.jsonl") if "notes" not in each.name]
        path.write_bytes(path.read_bytes()[:-700])
        with Town(broker.port, tmp_path / "town") as town:
            writer.append_all([Stop(reason="two")] * 10)
            town.until_seq("watcher", 20)
            assert [event.raw for event in town.centre.events(NODE, "watcher")] == lines_of(agent.data / "journal" / "watcher")
        assert agent.stop() == 0


def test_two_nodes_with_one_identity_are_an_alarm(broker: Mosquitto, tmp_path: Path) -> None:
    with Town(broker.port, tmp_path / "town") as town, AgentProcess(tmp_path / "node", broker.port):
        town.until_online()
        with AgentProcess(tmp_path / "clone", broker.port):
            town.until(lambda: "link_identity" in _alarms(town), "the alarm", 20)
