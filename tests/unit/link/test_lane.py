"""One journal on its way: order, watermarks, holes, probes, and what the broker refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.host.model_disk import Fault
from edge.journal.cursor import Cursor
from edge.journal.writer import JournalWriter
from edge.link.lane import AHEAD, AHEAD_MAX, FOLLOWS_S, GROWTH_EVERY_S, PROBE_FIRST_S, Item, Lane
from edge.link.topics import GAP
from edge.messages.records import Record
from edge.messages.wire import Event, JournalGap, Watermark
from tests.support.lanes import JournalBench


def taken(lane: Lane, now_s: float, most: int = 10_000) -> list[Item]:
    items: list[Item] = []
    while len(items) < most:
        item = lane.next(now_s, None)
        if item is None:
            break
        items.append(item)
    return items


def seqs(items: list[Item]) -> list[int]:
    return [item.first for item in items]


def connected(bench: JournalBench, *, by_centre: bool = True, ahead: int = AHEAD) -> Lane:
    lane = bench.lane(by_centre=by_centre, ahead=ahead)
    lane.learn()
    lane.connected(0.0, session_present=True)
    return lane


def mark(lane: Lane, upto: int, *, resend: bool = False) -> Watermark:
    return Watermark(epoch=lane.epoch, upto=upto, resend=resend)


def test_records_go_out_in_order_and_verbatim() -> None:
    bench = JournalBench()
    bench.write(5)
    lines = (bench.disk.read(bench.folder / "000000000001.jsonl")).split(b"\n")
    items = taken(connected(bench), 0.0)
    events = [msgspec.json.decode(item.payload, type=Event) for item in items]
    assert [bytes(event.record) for event in events] == lines[:5]
    assert {event.journal for event in events} == {"watcher"}
    assert {event.epoch for event in events} == {bench.writer.epoch}


def test_new_records_are_seen_without_reading_the_journal_all_the_time() -> None:
    bench = JournalBench()
    bench.write(1)
    lane = connected(bench)
    assert seqs(taken(lane, 0.0)) == [1]
    bench.write(2)
    operations = bench.disk.operations
    assert taken(lane, GROWTH_EVERY_S / 2) == []
    assert bench.disk.operations == operations
    assert seqs(taken(lane, GROWTH_EVERY_S)) == [2, 3]


def test_a_journal_that_begins_later_is_found() -> None:
    bench = JournalBench()
    lane = connected(bench)
    assert taken(lane, 0.0) == []
    bench.write(1)
    assert seqs(taken(lane, 1.0)) == [1]


def test_the_cursor_moves_on_the_watermark_and_never_on_the_brokers_word() -> None:
    bench = JournalBench()
    bench.write(3)
    lane = connected(bench)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    lane.save(0.0, now=True)
    assert (lane.confirmed, bench.stored()) == (0, ("", 0))
    lane.watermark(mark(lane, 2), 1.0)
    lane.save(1.0, now=True)
    assert (lane.confirmed, bench.stored()) == (2, (lane.epoch, 2))


def test_with_delivery_by_the_broker_only_success_moves_the_cursor_and_only_without_holes() -> None:
    bench = JournalBench()
    bench.write(4)
    lane = connected(bench, by_centre=False)
    one, two, three, four = taken(lane, 0.0)
    lane.acknowledged(two, 0, 0.0)
    assert lane.confirmed == 0
    lane.acknowledged(one, 0, 0.0)
    assert lane.confirmed == 2
    lane.acknowledged(three, 0x10, 0.0)
    lane.acknowledged(four, 0, 0.0)
    assert lane.confirmed == 2
    assert taken(lane, 1.0) == []
    assert seqs(taken(lane, PROBE_FIRST_S + 0.1)) == [3, 4]


def test_a_refused_record_is_held_back_with_growing_pauses_and_named() -> None:
    bench = JournalBench()
    bench.write(2)
    lane = connected(bench)
    first = taken(lane, 0.0)[0]
    lane.acknowledged(first, 0x87, 0.0)
    assert lane.refusal == 0x87
    assert taken(lane, PROBE_FIRST_S - 0.1) == []
    again = taken(lane, PROBE_FIRST_S)
    assert seqs(again) == [1, 2]
    lane.acknowledged(again[0], 0x87, PROBE_FIRST_S)
    assert taken(lane, PROBE_FIRST_S * 2.9) == []
    assert seqs(taken(lane, PROBE_FIRST_S * 3)) == [1, 2]


def test_no_more_than_a_bounded_number_goes_ahead_of_the_centre() -> None:
    bench = JournalBench()
    bench.write(50)
    lane = connected(bench, ahead=20)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    assert taken(lane, 1.0) == []
    lane.watermark(mark(lane, 15), 1.0)
    assert seqs(taken(lane, 1.0)) == list(range(21, 51))


def test_more_goes_ahead_of_a_centre_that_keeps_pace_and_little_again_of_one_that_falls_silent() -> None:
    bench = JournalBench()
    bench.write(3 * AHEAD_MAX)
    lane = connected(bench, ahead=256)
    ahead = []
    for turn in range(6):
        sent = taken(lane, turn)
        for item in sent:
            lane.acknowledged(item, 0, turn)
        taken(lane, turn)
        if sent:
            ahead.append(sent[-1].last - lane.confirmed)
            lane.watermark(mark(lane, sent[-1].last), turn)
    assert ahead[:4] == [256, 512, 1024, AHEAD_MAX]
    assert max(ahead) == AHEAD_MAX
    bench.write(AHEAD_MAX)
    for item in taken(lane, 10):
        lane.acknowledged(item, 0, 10)
    assert [item.probe for item in taken(lane, 10 + PROBE_FIRST_S)] == [True]
    lane.watermark(mark(lane, lane.confirmed + 1), 20)
    assert len(taken(lane, 20)) == 256


def test_silence_of_the_centre_is_probed_with_one_record_at_growing_intervals() -> None:
    bench = JournalBench()
    bench.write(5)
    lane = connected(bench)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    probes: list[float] = []
    now_s = 0.0
    while now_s < 60:
        probes += [now_s for item in taken(lane, now_s) if item.probe and item.first == 1]
        now_s += 0.5
    assert probes == [5.0, 15.0, 35.0]


def test_after_an_answered_probe_everything_behind_the_watermark_goes_again() -> None:
    bench = JournalBench()
    bench.write(5)
    lane = connected(bench)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    (probe,) = taken(lane, PROBE_FIRST_S)
    lane.acknowledged(probe, 0, PROBE_FIRST_S)
    lane.watermark(mark(lane, 1), PROBE_FIRST_S)
    assert seqs(taken(lane, PROBE_FIRST_S)) == [2, 3, 4, 5]


def test_the_centre_asks_again_and_gets_everything_after_its_watermark_once() -> None:
    bench = JournalBench()
    bench.write(6)
    lane = connected(bench)
    taken(lane, 0.0)
    lane.watermark(mark(lane, 2, resend=True), 0.1)
    assert seqs(taken(lane, 0.1)) == [3, 4, 5, 6]
    lane.watermark(mark(lane, 2, resend=True), 0.2)
    assert taken(lane, 0.2) == []
    lane.watermark(mark(lane, 2, resend=True), 3.0)
    assert seqs(taken(lane, 3.0)) == [3, 4, 5, 6]


def test_a_centre_that_lost_records_gets_them_again_and_the_cursor_stays() -> None:
    bench = JournalBench()
    bench.write(6)
    lane = connected(bench)
    taken(lane, 0.0)
    lane.watermark(mark(lane, 6), 0.1)
    lane.save(0.1, now=True)
    lane.watermark(mark(lane, 1), 10.0)
    assert seqs(taken(lane, 10.0)) == [2, 3, 4, 5, 6]
    assert (lane.confirmed, bench.stored()) == (6, (lane.epoch, 6))


@pytest.mark.parametrize(("by_centre", "lasted_s"), [(True, FOLLOWS_S), (False, 1.0)])
def test_without_a_centre_a_disconnection_repeats_what_was_in_flight_and_no_more(by_centre: bool, lasted_s: float) -> None:
    bench = JournalBench()
    bench.write(6)
    lane = connected(bench, by_centre=by_centre)
    items = taken(lane, 0.0)
    for item in items[:4]:
        lane.acknowledged(item, 0, 0.0)
    lane.disconnected(lasted_s)
    lane.connected(lasted_s, session_present=True)
    assert seqs(taken(lane, lasted_s)) == [5, 6]


def test_of_a_centre_that_follows_all_that_it_lacks_goes_again_in_order() -> None:
    """A broker that was killed restores our session and not what it had acknowledged."""
    bench = JournalBench()
    bench.write(3)
    lane = connected(bench)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    lane.watermark(mark(lane, 3), 1000.0)
    bench.write(3)
    for item in taken(lane, 2000.0):
        lane.acknowledged(item, 0, 2000.0)
    bench.write(1)
    lane.disconnected(2000.0 + FOLLOWS_S - 1)
    lane.connected(5000.0, session_present=True)
    assert seqs(taken(lane, 5000.0)) == [4, 5, 6, 7]


def test_a_broker_without_our_session_gets_everything_unconfirmed_again() -> None:
    bench = JournalBench()
    bench.write(6)
    lane = connected(bench)
    for item in taken(lane, 0.0):
        lane.acknowledged(item, 0, 0.0)
    lane.watermark(mark(lane, 1), 0.5)
    lane.disconnected(0.5)
    lane.connected(1.0, session_present=False)
    assert seqs(taken(lane, 1.0)) == [2, 3, 4, 5, 6]


def test_a_restart_goes_on_after_the_stored_cursor() -> None:
    bench = JournalBench()
    bench.write(4)
    lane = connected(bench)
    taken(lane, 0.0)
    lane.watermark(mark(lane, 3), 0.0)
    lane.save(0.0, now=True)
    assert seqs(taken(connected(bench), 0.0)) == [4]


def test_another_life_of_the_journal_starts_at_its_first_record() -> None:
    bench = JournalBench()
    bench.write(4)
    lane = connected(bench)
    taken(lane, 0.0)
    lane.watermark(mark(lane, 4), 0.0)
    lane.save(0.0, now=True)
    fresh = JournalBench()
    fresh.clock.advance(1)
    fresh.write(2, "another life")
    fresh_lane = fresh.lane()
    Cursor(fresh.disk, Path("/data/cursor/watcher")).advance(lane.epoch, 4)
    fresh_lane.learn()
    fresh_lane.connected(0.0, session_present=True)
    assert seqs(taken(fresh_lane, 0.0)) == [1, 2]


def test_a_watermark_for_another_life_of_the_journal_is_ignored() -> None:
    bench = JournalBench()
    bench.write(2)
    lane = connected(bench)
    lane.watermark(Watermark(epoch="0123456789abcdef", upto=2), 0.0)
    assert lane.confirmed == 0


def test_a_watermark_beyond_the_journal_is_cut_and_named() -> None:
    bench = JournalBench()
    bench.write(2)
    lane = connected(bench)
    lane.watermark(mark(lane, 99), 0.0)
    assert (lane.confirmed, lane.forked) == (2, True)
    bench.write(1)
    assert seqs(taken(lane, 1.0)) == [3]


def test_a_record_too_large_for_the_broker_leaves_a_notice_with_its_hash() -> None:
    bench = JournalBench()
    bench.write(1)
    bench.write(1, "x" * 5000)
    bench.write(1)
    lane = connected(bench)
    items = [lane.next(0.0, 2000) for _ in range(3)]
    assert all(item is not None for item in items)
    kinds = [item.topic is GAP for item in items if item is not None]
    assert kinds == [False, True, False]
    assert items[1] is not None
    assert items[2] is not None
    notice = msgspec.json.decode(items[1].payload, type=JournalGap)
    after = msgspec.json.decode(msgspec.json.decode(items[2].payload, type=Event).record, type=Record)
    assert (notice.from_seq, notice.to_seq, notice.why, notice.sha256) == (2, 2, "too_large", after.prev)


def test_records_that_are_no_longer_in_the_journal_leave_a_notice() -> None:
    bench = JournalBench()
    bench.writer.close()
    bench.writer = JournalWriter(bench.disk, bench.folder, bench.clock, "boot", rotate_bytes=600)
    bench.writer.open()
    for _ in range(12):
        bench.write(1)
        bench.clock.advance(86_400)
    gone = bench.writer.retire("2026-11-25T00:00:00.000Z")
    assert gone
    lane = connected(bench)
    first = lane.next(0.0, None)
    assert first is not None
    notice = msgspec.json.decode(first.payload, type=JournalGap)
    assert (first.first, notice.why) == (1, "missing")
    following = lane.next(0.0, None)
    assert following is not None
    record = msgspec.json.decode(msgspec.json.decode(following.payload, type=Event).record, type=Record)
    assert (record.seq, record.prev) == (notice.to_seq + 1, notice.sha256)


def test_a_disk_that_refuses_the_cursor_is_asked_again_later() -> None:
    bench = JournalBench()
    bench.write(2)
    lane = connected(bench)
    taken(lane, 0.0)
    lane.watermark(mark(lane, 2), 0.0)
    bench.disk.fault = Fault(bench.disk.operations + 1, forever=True)
    lane.save(0.0, now=True)
    bench.disk.fault = None
    assert bench.stored() == ("", 0)
    lane.save(100.0)
    assert bench.stored() == (lane.epoch, 2)
