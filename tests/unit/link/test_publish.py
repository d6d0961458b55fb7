"""What goes out next: priorities, the window, and a message that breaks every connection."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.host.model_disk import Fault
from edge.link.lane import Lane
from edge.link.pace import SLOW_MIN
from edge.link.port import PACKET_TOO_LARGE, Outgoing
from edge.link.publish import DIRECT_MAX, STRIKE_WITHIN_S, STRIKES, Direct, Publisher
from edge.messages.records import Record
from edge.messages.wire import Ack, Event, Watermark
from tests.support.lanes import JournalBench, PaperCentre, Wire


def publisher_of(wire: Wire, groups: list[list[Lane]], window: int = 20, aside: list[str] | None = None) -> Publisher:
    return Publisher("town", "pole-1", wire.send, groups, window, (aside if aside is not None else []).append)


def what(message: Outgoing) -> str:
    """ "watcher 3" for a record, the topic for anything else."""
    if not message.topic.endswith("/event"):
        return message.topic
    event = msgspec.json.decode(message.payload, type=Event)
    return f"{event.journal} {msgspec.json.decode(event.record, type=Record).seq}"


def property_(name: str, payload: bytes = b"{}") -> Direct:
    return Direct(name, name, payload, retain=True)


def test_properties_go_before_journals_and_urgent_journals_before_others() -> None:
    benches = {name: JournalBench(name) for name in ("agent", "watcher", "recorder.a", "recorder.b")}
    for bench in benches.values():
        bench.write(2)
    lanes = {name: bench.lane() for name, bench in benches.items()}
    wire = Wire()
    publisher = publisher_of(wire, [[lanes["agent"]], [lanes["watcher"]], [lanes["recorder.a"], lanes["recorder.b"]]])
    publisher.put(property_("status"))
    wire.connect(publisher, 0.0)
    publisher.pump(0.0)
    assert [what(message) for message in wire.sent] == [
        "status",
        "agent 1",
        "agent 2",
        "watcher 1",
        "watcher 2",
        "recorder.a 1",
        "recorder.b 1",
        "recorder.a 2",
        "recorder.b 2",
    ]


def test_an_alarm_never_waits_behind_a_backlog() -> None:
    bench = JournalBench()
    bench.write(3000)
    wire = Wire()
    publisher = publisher_of(wire, [[bench.lane(ahead=5000)]])
    wire.connect(publisher, 0.0)
    publisher.pump(0.0)
    publisher.put(property_("alarm"))
    wire.acknowledge(publisher, 0.0, count=1)
    publisher.pump(0.0)
    assert what(wire.sent[-1]) == "alarm"
    assert len(wire.sent) == 21


def test_no_more_than_the_window_is_in_flight_and_the_brokers_limit_counts_too() -> None:
    bench = JournalBench()
    bench.write(100)
    for broker, wanted in ((65_535, 20), (7, 7)):
        wire = Wire()
        publisher = publisher_of(wire, [[bench.lane()]])
        wire.connect(publisher, 0.0, window=broker)
        publisher.pump(0.0)
        assert len(wire.waiting) == wanted
        wire.acknowledge(publisher, 0.0, count=3)
        publisher.pump(0.0)
        assert len(wire.waiting) == wanted


def test_the_lag_is_the_age_of_the_oldest_message_that_the_broker_has_not_acknowledged() -> None:
    bench = JournalBench()
    bench.write(2)
    wire = Wire()
    publisher = publisher_of(wire, [[bench.lane()]])
    assert publisher.lag_s(5.0) == 0.0, "a link that is down is nothing to give way to"
    wire.connect(publisher, 5.0)
    publisher.pump(5.0)
    publisher.put(property_("alarm"))
    publisher.pump(6.0)
    assert publisher.lag_s(7.5) == 2.5
    wire.acknowledge(publisher, 7.5, count=2)
    assert publisher.lag_s(7.5) == 1.5
    wire.acknowledge(publisher, 7.5, count=1)
    assert publisher.lag_s(9.0) == 0.0


def test_of_a_property_only_the_newest_value_waits() -> None:
    wire = Wire()
    publisher = publisher_of(wire, [])
    for value in (b"1", b"2", b"3"):
        publisher.put(property_("motion", value))
    wire.connect(publisher, 0.0)
    publisher.pump(0.0)
    assert [message.payload for message in wire.sent] == [b"3"]


def test_a_property_in_flight_at_a_cut_is_sent_again_unless_a_newer_one_waits() -> None:
    wire = Wire()
    publisher = publisher_of(wire, [])
    wire.connect(publisher, 0.0)
    publisher.put(property_("motion", b"old"))
    publisher.put(property_("health", b"same"))
    publisher.pump(0.0)
    publisher.put(property_("motion", b"new"))
    wire.break_(publisher, 1.0)
    wire.sent.clear()
    wire.connect(publisher, 2.0)
    publisher.pump(2.0)
    wire.acknowledge(publisher, 2.0)
    publisher.pump(2.0)
    assert {message.payload for message in wire.sent} == {b"new", b"same"}


def test_what_waits_is_bounded() -> None:
    publisher = publisher_of(wire := Wire(), [], window=5000)
    for number in range(DIRECT_MAX + 5):
        publisher.put(property_(f"answer {number}"))
    wire.connect(publisher, 0.0)
    publisher.pump(0.0)
    assert [wire.sent[0].topic, len(wire.sent)] == ["answer 5", DIRECT_MAX]


def test_what_the_broker_does_not_take_for_its_size_is_not_sent_at_all() -> None:
    wire = Wire()
    publisher = publisher_of(wire, [])
    codes: list[int] = []
    publisher.put(Direct("long", "resp/clip", b"x" * 5000, on_done=codes.append))
    publisher.put(Direct("short", "resp/clip", b"x"))
    wire.connect(publisher, 0.0, most=4096)
    publisher.pump(0.0)
    assert [message.payload for message in wire.sent] == [b"x"]
    assert codes == [PACKET_TOO_LARGE]


def test_a_journal_that_cannot_be_read_ends_nothing_when_its_watermark_comes(caplog: pytest.LogCaptureFixture) -> None:
    bench = JournalBench()
    bench.write(3)
    publisher = publisher_of(Wire(), [[bench.lane()]])
    (lane,) = publisher.lanes
    lane.learn()
    mark = Ack(watermarks={lane.name: Watermark(epoch=lane.epoch, upto=2)})
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    publisher.watermarks(mark, 0.0)
    assert "cannot be compared" in caplog.text
    bench.disk.fault = None
    publisher.watermarks(mark, 1.0)
    assert lane.confirmed == 2


def test_the_caller_hears_the_brokers_word_on_its_message() -> None:
    codes: list[int] = []
    wire = Wire()
    publisher = publisher_of(wire, [])
    wire.connect(publisher, 0.0)
    publisher.put(Direct("answer", "resp/clip", b"{}", on_done=codes.append))
    publisher.pump(0.0)
    wire.acknowledge(publisher, 0.0, code=0x10)
    assert codes == [0x10]


def run_with_poison(publisher: Publisher, wire: Wire, centre: PaperCentre, poison: bytes, *, reconnects: int) -> int:
    """Each message with `poison` in it breaks the connection; returns how many connections it took."""
    now_s = 0.0
    for number in range(1, reconnects + 1):
        now_s += 1.0
        wire.connect(publisher, now_s)
        publisher.put(Direct("status", "status", b"{}", retain=True, trusted=True))
        broken = False
        while not broken:
            publisher.pump(now_s)
            if not wire.waiting:
                publisher.watermarks(centre.ack(), now_s)
                now_s += 0.3
                if not publisher.pump(now_s):
                    return number
                continue
            broken = poison in wire.waiting[0].payload
            if not broken:
                (message,) = wire.acknowledge(publisher, now_s, count=1)
                if message.topic.endswith(("/event", "/gap")):
                    centre.take(message.payload, gap=message.topic.endswith("/gap"))
        wire.break_(publisher, now_s)
    raise AssertionError("the poison message was never set aside")


def test_a_message_that_breaks_every_connection_is_set_aside_and_all_others_arrive() -> None:
    bench = JournalBench()
    bench.write(30)
    bench.write(1, "POISON")
    bench.write(30)
    wire, centre, aside = Wire(), PaperCentre(), list[str]()
    publisher = publisher_of(wire, [[bench.lane()]], aside=aside)
    connections = run_with_poison(publisher, wire, centre, b"POISON", reconnects=STRIKES + 2)
    assert connections <= STRIKES + 2
    assert centre.upto == {"watcher": 61}
    assert [(gap.from_seq, gap.to_seq, gap.why) for gap in centre.gaps] == [(31, 31, "set_aside")]
    assert aside == ["watcher 31"]


def test_a_link_that_times_out_never_makes_a_message_a_suspect_for_good() -> None:
    bench = JournalBench()
    bench.write(1)
    wire, aside = Wire(), list[str]()
    publisher = publisher_of(wire, [[bench.lane()]], aside=aside)
    for attempt in range(10):
        now_s = attempt * 60.0
        wire.connect(publisher, now_s)
        publisher.put(Direct("status", "status", b"{}", trusted=True))
        publisher.pump(now_s)
        wire.acknowledge(publisher, now_s, count=1)
        publisher.pump(now_s)
        wire.break_(publisher, now_s + STRIKE_WITHIN_S + 1)
    assert aside == []


def test_an_answer_that_breaks_every_connection_is_dropped() -> None:
    wire, aside = Wire(), list[str]()
    publisher = publisher_of(wire, [], aside=aside)
    publisher.put(Direct("answer 1", "resp/clip", b"POISON"))
    assert run_with_poison(publisher, wire, PaperCentre(), b"POISON", reconnects=STRIKES + 2) == STRIKES + 2
    assert aside == ["answer 1"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["send", "lose", "ack", "cut", "write", "wait", "broker forgets"]), st.integers(1, 12)), max_size=60)
)
def test_whatever_is_lost_on_the_way_the_centre_ends_with_every_record_once(steps: list[tuple[str, int]]) -> None:
    """ "lose": the broker acknowledges and forgets."""
    bench = JournalBench()
    bench.write(5)
    wire, centre = Wire(), PaperCentre()
    publisher = publisher_of(wire, [[bench.lane(ahead=16)]], window=4)
    now_s = 0.0
    wire.connect(publisher, now_s)
    for word, count in [*steps, *[("send", 4), ("ack", 1), ("wait", 12)] * 40]:
        if word == "write":
            bench.write(count)
        elif word in ("send", "lose"):
            publisher.pump(now_s)
            for message in wire.acknowledge(publisher, now_s, count=count):
                if word == "send":
                    centre.take(message.payload, gap=message.topic.endswith("/gap"))
        elif word == "ack":
            publisher.watermarks(centre.ack(), now_s)
        elif word == "wait":
            now_s += count
        else:
            wire.break_(publisher, now_s)
            wire.connect(publisher, now_s, present=word == "cut")
    assert centre.upto == {"watcher": bench.writer.last_seq}
    assert centre.chain_is_whole("watcher")
    assert centre.gaps == []


def test_acknowledgements_that_wait_in_a_queue_shrink_what_is_in_flight() -> None:
    bench = JournalBench()
    bench.write(200)
    wire = Wire()
    publisher = publisher_of(wire, [[bench.lane()]], window=20)
    for lane in publisher.lanes:
        lane.learn()
    wire.connect(publisher, 0.0)
    publisher.pump(0.0)
    assert len(wire.waiting) == 20
    wire.acknowledge(publisher, 0.02, count=1)
    for turn in range(1, 6):
        publisher.pump(float(turn))
        wire.acknowledge(publisher, turn + 0.8)
    publisher.pump(7.0)
    assert len(wire.waiting) == SLOW_MIN
