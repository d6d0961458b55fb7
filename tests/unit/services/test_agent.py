"""The agent's parts that need no broker."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.config.model import Camera, ClockTrust, Mqtt, Node, NodeConfig
from edge.config.read import Loaded
from edge.errors import ConfigError, TryAgain
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import Fault
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.lane import Lane
from edge.link.port import SESSION_TAKEN_OVER, Disconnected
from edge.link.publish import Direct
from edge.link.session import SessionNumber
from edge.link.topics import STATUS
from edge.messages.evidence import ConfigInForce
from edge.messages.health import LinkHealth
from edge.messages.records import AlarmRaised, Boot, facts_of
from edge.messages.wire import Response, Status
from edge.ring.layout import folders_of
from edge.services.agent import run_agent
from edge.services.agent_alarms import STANDS_S, LinkAlarms
from edge.services.agent_health import ORPHAN_AFTER_S, HealthWatch, with_backlog
from edge.services.agent_parts import Inbox
from edge.services.agent_voice import Voice, Wills
from edge.services.lifecycle import sole_user
from tests.support.agents import mqtt_of
from tests.support.lanes import JournalBench
from tests.support.pole import Pole


def config_of(data: Path, mqtt: Mqtt | None = None) -> NodeConfig:
    return NodeConfig(
        node=Node(id="pole-1", data=str(data), run=str(data / "run")),
        camera=[Camera(id="cam0", source="synthetic:")],
        clock=ClockTrust(trust="assume"),
        mqtt=mqtt,
    )


def loaded_of(data: Path, mqtt: Mqtt | None = None, sha256: str = "") -> Loaded:
    return Loaded(config_of(data, mqtt), data / "node.toml", sha256)


def alarms_of(bench: JournalBench) -> list[tuple[str, bool]]:
    found = [facts_of(line.record, AlarmRaised) for line in JournalReader(bench.disk, bench.folder).read() if line.record.type == "alarm"]
    return [(alarm.code, alarm.active) for alarm in found]


def test_without_a_broker_configured_the_agent_only_keeps_locks_complete(tmp_path: Path) -> None:
    first_ns = KernelClock("assume").read().utc_ns - 60 * NS_PER_S
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(first_ns), data=tmp_path, boot=boot_id())
    pole.start()
    pole.record(12)
    pole.stop()
    folder = tmp_path / "hold" / "case-1"
    folder.mkdir(parents=True)
    hold = {"id": "case-1", "camera": "cam0", "case": "12/26", "by": "a.nowak", "added": format_utc(first_ns)}
    span = {"start": format_utc(first_ns), "end": format_utc(first_ns + 8 * NS_PER_S)}
    (folder / "hold.json").write_bytes(msgspec.json.encode(hold | span))
    stop = threading.Event()
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(run_agent(loaded_of(tmp_path), stop)))
    before = threading.active_count()
    thread.start()
    journal = JournalReader(LinuxDisk(), tmp_path / "journal" / "agent")
    for _ in range(1000):
        if [line.record.type for line in journal.read()] == ["boot", "key", "hold"]:
            break
        threading.Event().wait(0.01)
    assert threading.active_count() == before + 1
    stop.set()
    thread.join(10)
    assert ended == [0]
    assert [line.record.type for line in journal.read()] == ["boot", "key", "hold", "stop"]
    assert list(folder.glob("*.mp4"))


def test_an_agent_says_how_the_one_before_it_ended(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    for _ in range(2):
        assert run_agent(loaded_of(tmp_path), stop) == 0
    writer = JournalWriter(LinuxDisk(), tmp_path / "journal" / "agent", KernelClock("assume"), "an earlier boot")
    writer.append(Boot(version="0", ended="first"))
    writer.close()
    assert run_agent(loaded_of(tmp_path), stop) == 0
    lines = JournalReader(LinuxDisk(), tmp_path / "journal" / "agent").read()
    assert [facts_of(line.record, Boot).ended for line in lines if line.record.type == "boot"] == ["first", "orderly", "first", "power"]


def test_an_agent_says_that_its_configuration_is_another_one(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    for sha256 in ("one", "one", "two", "", "two"):
        assert run_agent(loaded_of(tmp_path, sha256=sha256), stop) == 0
    lines = list(JournalReader(LinuxDisk(), tmp_path / "journal" / "agent").read())
    changes = [facts_of(line.record, ConfigInForce) for line in lines if line.record.type == "config"]
    assert changes == [ConfigInForce(sha256="two", before="one")]
    assert [facts_of(line.record, Boot).config_sha256 for line in lines if line.record.type == "boot"] == ["one", "one", "two", "", "two"]


def test_two_agents_on_one_disk_and_broken_keys_are_refused(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    (tmp_path / "agent").mkdir()
    with sole_user(tmp_path / "agent", "publishes for this node"), pytest.raises(TryAgain, match="already"):
        run_agent(loaded_of(tmp_path), stop)
    with pytest.raises(ConfigError, match="command_key"):
        run_agent(loaded_of(tmp_path, mqtt_of(1, command_key=str(tmp_path / "none.pub"))), stop)
    with pytest.raises(ConfigError, match="plain text"):
        run_agent(loaded_of(tmp_path, mqtt_of(1, host="broker.example")), stop)


def refusing(lane: Lane, code: int) -> Lane:
    lane.refusal = code
    return lane


def test_link_alarms_are_recorded_at_their_edges_only() -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    lane = bench.lane()
    for now_s, code in enumerate((0, 0x87, 0x87, 0x10, 0x87, 0)):
        alarms.look([refusing(lane, code)], float(now_s))
    assert alarms_of(bench) == [("link_records_refused", True), ("link_records_refused", False)] * 2


def test_one_takeover_is_an_echo_two_are_a_second_device() -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    taken = Disconnected(1, True, SESSION_TAKEN_OVER, "")
    alarms.disconnected(taken, 0.0)
    alarms.disconnected(replace(taken, code=0), 1.0)
    alarms.disconnected(taken, 5000.0)
    assert alarms_of(bench) == []
    alarms.disconnected(taken, 5001.0)
    assert alarms_of(bench) == [("link_identity", True)]
    alarms.look([], 5001.0 + STANDS_S["link_identity"] + 1)
    assert alarms_of(bench) == [("link_identity", True), ("link_identity", False)]


def test_an_alarm_the_disk_refused_is_recorded_at_the_next_look() -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    lane = refusing(bench.lane(), 0x87)
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    alarms.look([lane], 0.0)
    bench.disk.fault = None
    alarms.look([lane], 1.0)
    assert alarms_of(bench) == [("link_records_refused", True)]


def test_alarms_of_an_earlier_life_are_cleared_when_they_do_not_come_again(tmp_path: Path) -> None:
    clock = ManualClock()
    config = config_of(tmp_path)
    told = Inbox()
    old = AlarmRaised(code="hot", active=True, severity="warning", text="the processor is hot")
    watch = HealthWatch(config, folders_of(config), LinuxDisk(), clock, [old], told.put)
    cleared: list[AlarmRaised] = []
    for advance_s in (0.0, ORPHAN_AFTER_S / 2, ORPHAN_AFTER_S):
        clock.advance(advance_s)
        watch.look()
        news = told.get_nowait()
        assert isinstance(news, tuple)
        assert isinstance(news[1], list)
        cleared += [edge for edge in news[1] if edge.code == "hot"]
    assert [(alarm.code, alarm.active) for alarm in cleared] == [("hot", False)]


def test_the_backlog_is_told_and_unknown_where_a_journal_does_not_read() -> None:
    bench = JournalBench()
    bench.write(5)
    bench.clock.advance(100)
    lane = bench.lane()
    lane.learn()
    known = with_backlog(LinkHealth(connected=True), [lane], 3.0, bench.clock)
    assert (known.unsent_records, known.oldest_unsent_s, known.last_confirmed_age_s) == (5, 100.0, 3.0)
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    assert with_backlog(LinkHealth(connected=True), [lane], 3.0, bench.clock).unsent_records is None


def test_the_voice_knows_its_own_status_from_another_s() -> None:
    bench, clock = JournalBench(), ManualClock()
    wills = Wills(Mqtt(host="h"), "pole-1", "boot", SessionNumber(bench.disk, Path("/data/agent/session.json")), clock)
    said: queue.SimpleQueue[Direct] = queue.SimpleQueue()
    told: list[Response] = []
    voice = Voice(Mqtt(host="h"), "pole-1", wills, 180, said.put, told.append)
    will = msgspec.json.decode(wills.next().payload, type=Status)
    voice.status("boot", {"agent": "e"})
    birth = said.get_nowait()
    mine = msgspec.json.decode(birth.payload, type=Status)
    assert (mine.session, mine.nonce) == (will.session, will.nonce)
    assert birth.topic.endswith(STATUS.name)
    foreign = msgspec.structs.replace(mine, nonce="another")
    assert not voice.is_foreign(foreign)
    assert birth.on_done is not None
    birth.on_done(0)
    assert voice.is_foreign(foreign)
    assert not voice.is_foreign(mine)
    assert not voice.is_foreign(msgspec.structs.replace(foreign, state="offline"))


def test_an_answer_counts_as_told_only_when_somebody_was_there_to_hear_it() -> None:
    bench = JournalBench()
    wills = Wills(Mqtt(host="h"), "pole-1", "boot", SessionNumber(bench.disk, Path("/data/agent/session.json")), bench.clock)
    said: queue.SimpleQueue[Direct] = queue.SimpleQueue()
    told: list[Response] = []
    voice = Voice(Mqtt(host="h"), "pole-1", wills, 180, said.put, told.append)
    response = Response(id="c1", state="done")
    voice.answer("clip", response, b"c")
    answer = said.get_nowait()
    assert answer.on_done is not None
    answer.on_done(0x10)
    answer.on_done(0x87)
    assert told == []
    answer.on_done(0)
    assert told == [response]
