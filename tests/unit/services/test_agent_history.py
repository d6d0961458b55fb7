"""Health while the link was down: aggregated, bounded, kept over power cuts, sent once, dropped when taken."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.host.model_disk import Fault, ModelDisk
from edge.link.port import NO_MATCHING_SUBSCRIBERS, PACKET_TOO_LARGE
from edge.link.publish import Direct, Publisher
from edge.link.topics import HISTORY
from edge.messages.health import CameraHealth, ClockHealth, HealthDocument, HeatHealth, PowerHealth, SoftwareHealth, StorageHealth
from edge.messages.history import Figure, History
from edge.services.agent_history import KEPT_MAX, HealthHistory
from tests.support.lanes import JournalBench, Wire

FOLDER = Path("/data/agent/history")
MINUTE_MS = 60_000


def document(minute: int, temp_c: float | None = 50.0, fps: float | None = 25.0, alarms: tuple[str, ...] = ()) -> HealthDocument:
    return HealthDocument(
        node="pole-1",
        t=f"2026-11-26T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z",
        boot="b",
        mono_ms=minute * MINUTE_MS,
        cameras=[CameraHealth(camera="cam0", state="recording", fps=fps, worker_restarts=minute)],
        storage=StorageHealth(free_bytes=10**9, retention_days=30, minimum_days=7),
        heat=HeatHealth(cpu_temp_c=temp_c),
        power=PowerHealth(),
        clock=ClockHealth(state="holdover"),
        software=SoftwareHealth(version="1", boot="b"),
        alarms=list(alarms),
    )


def history_on(disk: ModelDisk) -> HealthHistory:
    return HealthHistory(disk, FOLDER, "town", "pole-1")


def offline(history: HealthHistory, minutes: range) -> None:
    for minute in minutes:
        history.take(document(minute), online=False)


def content(direct: Direct | None) -> History:
    assert direct is not None
    return msgspec.json.decode(direct.payload, type=History)


def taken(direct: Direct, code: int = 0) -> None:
    assert direct.on_done is not None
    direct.on_done(code)


def all_of(history: HealthHistory) -> list[History]:
    found = []
    while (direct := history.next()) is not None:
        found.append(content(direct))
        taken(direct)
    return found


def test_a_quarter_of_an_hour_becomes_one_message_with_least_mean_most_and_last() -> None:
    history = history_on(ModelDisk())
    for minute, temp_c in enumerate([40.0, 70.0, None, 52.0]):
        history.take(document(minute, temp_c, fps=None, alarms=("hot",) if minute == 1 else ()), online=False)
    history.connected()
    direct = history.next()
    found = content(direct)
    assert found.kind == "history"
    assert (found.since, found.until, found.documents) == ("2026-11-26T00:00:00.000Z", "2026-11-26T00:03:00.000Z", 4)
    assert found.figures["cpu_temp_c"] == Figure(min=40.0, mean=54.0, max=70.0, last=52.0)
    assert found.figures["cam0.worker_restarts"].last == 3
    assert "cam0.fps" not in found.figures
    assert (found.clock, found.cameras, found.alarms) == ("holdover", {"cam0": "recording"}, ["hot"])
    assert direct is not None
    assert (direct.topic, direct.retain, direct.expiry_s) == ("town/v1/pole-1/history", False, HISTORY.expiry_s)


def test_nothing_is_kept_of_a_node_that_is_heard() -> None:
    history = history_on(ModelDisk())
    for minute in range(60):
        history.take(document(minute), online=True)
    assert history.next() is None


def test_spans_follow_the_monotonic_clock_and_go_out_oldest_first_each_once() -> None:
    history = history_on(ModelDisk())
    offline(history, range(65))
    history.connected()
    found = all_of(history)
    assert [each.from_mono_ms // MINUTE_MS for each in found] == [0, 15, 30, 45, 60]
    assert [each.documents for each in found] == [15, 15, 15, 15, 5]
    history.connected()
    assert history.next() is None


def test_an_outage_of_months_keeps_its_last_week() -> None:
    disk = ModelDisk()
    history = history_on(disk)
    for quarter in range(KEPT_MAX + 40):
        history.take(document(quarter * 15), online=False)
    history.connected()
    assert len(disk.scan(FOLDER)) == KEPT_MAX
    assert content(history.next()).from_mono_ms == 40 * 15 * MINUTE_MS


def test_a_power_cut_keeps_all_aggregates_but_the_one_being_made_and_numbers_go_on() -> None:
    disk = ModelDisk()
    offline(history_on(disk), range(40))
    after = disk.power_cut(1)
    history = history_on(after)
    offline(history, range(100, 102))
    history.connected()
    assert [(each.number, each.documents) for each in all_of(history)] == [(1, 15), (2, 15), (3, 2)]
    assert after.scan(FOLDER) == []


def test_what_nobody_took_is_tried_once_a_connection_and_what_the_broker_never_takes_is_dropped() -> None:
    history = history_on(ModelDisk())
    offline(history, range(30))
    history.connected()
    first = history.next()
    assert first is not None
    assert history.next() is None, "one at a time"
    taken(first, NO_MATCHING_SUBSCRIBERS)
    second = history.next()
    assert second is not None
    taken(second, PACKET_TOO_LARGE)
    assert history.next() is None
    history.connected()
    assert [each.number for each in all_of(history)] == [1]


def test_a_damaged_file_is_dropped_and_the_next_is_sent() -> None:
    disk = ModelDisk()
    history = history_on(disk)
    offline(history, range(30))
    disk.replace(FOLDER / "0000000001.json", b"{")
    history.connected()
    assert [each.number for each in all_of(history)] == [2]
    assert disk.scan(FOLDER) == []


def test_a_full_disk_costs_the_aggregate_and_nothing_else() -> None:
    disk = ModelDisk()
    history = history_on(disk)
    offline(history, range(15))
    disk.fault = Fault(disk.operations + 1, "ENOSPC", forever=True)
    offline(history, range(15, 31))
    disk.fault = None
    offline(history, range(31, 46))
    history.connected()
    assert [each.from_mono_ms // MINUTE_MS for each in all_of(history)] == [30, 45]


def test_history_goes_after_every_journal() -> None:
    history = history_on(ModelDisk())
    offline(history, range(30))
    bench = JournalBench()
    bench.write(30)
    wire = Wire()
    publisher = Publisher("town", "pole-1", wire.send, [[bench.lane()]], 5, None, history.next)
    for lane in publisher.lanes:
        lane.learn()
    wire.connect(publisher, 0.0)
    history.connected()
    for _ in range(20):
        publisher.pump(0.0)
        wire.acknowledge(publisher, 0.0)
    assert [message.topic.rpartition("/")[2] for message in wire.sent] == ["event"] * 30 + ["history"] * 2
