"""Time stamps that repeat, jump, come in bursts or out of order become a fit timeline."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.timestamps import JUMP_NS, ArrivalClock, DecodingOrder, Merger, Smoother, Timeline, Unit
from edge.messages.stream import Packet

MS = 1_000_000
PERIOD_NS = 40 * MS


def unit(dts_ns: int | None, data: bytes = b"x", *, picture: bool = True, key: bool = False, pts_ns: int | None = None) -> Unit:
    return Unit(pts_ns if pts_ns is not None else dts_ns, dts_ns, 0, key, picture, data)


def packet(seq: int, dts_ns: int, arrival_ns: int) -> Packet:
    return Packet(epoch=0, seq=seq, key=seq == 0, pts_ns=dts_ns, dts_ns=dts_ns, duration_ns=PERIOD_NS, boot_ns=arrival_ns, data=b"")


def test_parameter_sets_of_their_own_join_the_key_frame_behind_them() -> None:
    merger = Merger()
    assert merger.add(unit(0, b"sps pps ", picture=False)) is None
    assert merger.add(unit(40, b"idr", key=True)) is None
    whole = merger.add(unit(80, b"p"))
    assert whole == Unit(40, 40, 0, True, True, b"sps pps idr")


def test_slices_with_the_same_time_stamp_are_one_access_unit() -> None:
    merger = Merger()
    merger.add(unit(0, b"a"))
    merger.add(unit(0, b"b"))
    whole = merger.add(unit(40, b"c"))
    assert whole is not None
    assert whole.data == b"ab"
    assert merger.flush() == unit(40, b"c")


def test_units_without_time_stamps_are_not_joined() -> None:
    merger = Merger()
    merger.add(unit(None, b"a"))
    assert merger.add(unit(None, b"b")) == unit(None, b"a")


def test_parameter_sets_alone_at_the_end_are_no_picture() -> None:
    merger = Merger()
    merger.add(unit(0, b"sps", picture=False))
    assert merger.flush() is None


@given(st.lists(st.tuples(st.none() | st.integers(-(2**62), 2**62), st.integers(0, 10**10)), min_size=1, max_size=60))
def test_media_time_begins_at_zero_and_strictly_increases_whatever_comes(stamps: list[tuple[int | None, int]]) -> None:
    timeline, arrival_ns, last_ns = Timeline(PERIOD_NS), 0, -1
    for raw_ns, step_ns in stamps:
        arrival_ns += step_ns
        placed = timeline.place(raw_ns, raw_ns, arrival_ns)
        assert placed.pts_ns >= placed.dts_ns > last_ns
        assert placed.dts_ns - max(last_ns, 0) <= step_ns + JUMP_NS or last_ns < 0
        last_ns = placed.dts_ns
    assert timeline.place(None, None, arrival_ns).dts_ns == last_ns + PERIOD_NS


def test_a_repeated_time_stamp_is_moved_by_one_and_counted() -> None:
    timeline = Timeline(PERIOD_NS)
    assert [timeline.place(at, at, at).dts_ns for at in (0, PERIOD_NS, PERIOD_NS, 2 * PERIOD_NS)] == [
        0,
        PERIOD_NS,
        PERIOD_NS + 1,
        2 * PERIOD_NS,
    ]
    assert timeline.note == "1 time stamps corrected"


@pytest.mark.parametrize("leap_ns", [3600 * 10**9, -3600 * 10**9])
def test_a_jump_of_the_cameras_clock_moves_media_time_by_what_really_passed(leap_ns: int) -> None:
    timeline = Timeline(PERIOD_NS)
    timeline.place(0, 0, 0)
    assert timeline.place(leap_ns, leap_ns, 50 * MS).dts_ns == 50 * MS
    assert timeline.place(leap_ns + PERIOD_NS, leap_ns + PERIOD_NS, 90 * MS).dts_ns == 50 * MS + PERIOD_NS
    assert timeline.jumps == 1


def test_a_real_pause_is_no_jump() -> None:
    timeline = Timeline(PERIOD_NS)
    timeline.place(0, 0, 0)
    assert timeline.place(10**10, 10**10, 10**10).dts_ns == 10**10
    assert timeline.jumps == 0


def test_the_first_time_stamps_may_be_missing() -> None:
    timeline = Timeline(PERIOD_NS)
    assert timeline.place(None, None, 0).dts_ns == 0
    assert timeline.place(777, 777, PERIOD_NS).dts_ns == PERIOD_NS
    assert timeline.place(777 + PERIOD_NS, 777 + PERIOD_NS, 2 * PERIOD_NS).dts_ns == 2 * PERIOD_NS
    assert timeline.note == ""


def test_arrival_jitter_does_not_reach_the_pictures_time() -> None:
    clock = ArrivalClock(drift_ppm=0)
    jitter_ms = [0, 30, 5, 90, 0, 60, 12]
    boots = [clock.boot_ns(n * PERIOD_NS, 10**12 + n * PERIOD_NS + late * MS) for n, late in enumerate(jitter_ms)]
    assert boots == [10**12 + n * PERIOD_NS for n in range(7)]


def test_a_camera_whose_quartz_is_slow_is_followed() -> None:
    clock, hour = ArrivalClock(), 3600 * 25
    for n in range(hour):
        arrival_ns = 10**12 + n * PERIOD_NS + n * PERIOD_NS * 50 // 1_000_000
        boot_ns = clock.boot_ns(n * PERIOD_NS, arrival_ns)
        assert 0 <= arrival_ns - boot_ns <= MS


def test_a_source_that_paused_is_timed_anew() -> None:
    clock = ArrivalClock()
    clock.boot_ns(0, 10**12)
    assert clock.boot_ns(PERIOD_NS, 10**12 + 10**10) == 10**12 + 10**10


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=80))
def test_a_pictures_time_never_goes_back_and_never_lies_ahead_of_its_arrival(steps: list[tuple[int, int]]) -> None:
    clock, dts_ns, arrival_ns, last_ns = ArrivalClock(), 0, 10**12, 0
    for media_ns, elapsed_ns in steps:
        dts_ns, arrival_ns = dts_ns + media_ns, arrival_ns + elapsed_ns
        boot_ns = clock.boot_ns(dts_ns, arrival_ns)
        assert last_ns <= boot_ns <= arrival_ns
        last_ns = boot_ns


def test_the_opening_burst_is_timed_by_its_last_packets() -> None:
    smoother, begin_ns = Smoother(PERIOD_NS), 10**12
    held = [smoother.add(packet(seq, seq * PERIOD_NS, begin_ns + seq * 1000)) for seq in range(25)]
    assert held == [[]] * 25
    out = smoother.add(packet(25, 25 * PERIOD_NS, begin_ns + PERIOD_NS))
    assert [each.boot_ns for each in out] == [begin_ns + PERIOD_NS + (seq - 25) * PERIOD_NS for seq in range(26)]
    [after] = smoother.add(packet(26, 26 * PERIOD_NS, begin_ns + 2 * PERIOD_NS))
    assert after.boot_ns == begin_ns + 2 * PERIOD_NS


def test_an_endless_burst_is_not_held_for_ever() -> None:
    smoother = Smoother(PERIOD_NS)
    out = [each for seq in range(Smoother.MOST) for each in smoother.add(packet(seq, seq * PERIOD_NS, 10**12))]
    assert [each.seq for each in out] == list(range(Smoother.MOST))


@pytest.mark.parametrize(
    "shown",
    [
        [0, 1, 2, 3, 4, 5, 6],
        [0, 2, 1, 4, 3, 6, 5],
        [0, 4, 2, 1, 3, 8, 6, 5, 7],
        [0, 3, 1, 2, 6, 4, 5],
    ],
)
def test_decoding_times_increase_and_never_pass_the_time_of_showing(shown: list[int]) -> None:
    stamps = [place * PERIOD_NS for place in shown]
    order = DecodingOrder(stamps, PERIOD_NS)
    units = [order.ordered(unit(None, pts_ns=stamp)) for stamp in stamps]
    decoded = [each.dts_ns if each.dts_ns is not None else each.pts_ns for each in units]
    assert all(first < second for first, second in itertools.pairwise(decoded) if first is not None and second is not None)
    assert all(each.pts_ns is not None and at is not None and at <= each.pts_ns for each, at in zip(units, decoded, strict=True))


def test_b_frames_that_begin_later_are_learnt() -> None:
    order, timeline, last_ns = DecodingOrder([0, PERIOD_NS], PERIOD_NS), Timeline(PERIOD_NS), -1
    for place in (0, 1, 3, 2, 5, 4, 7, 6, 9, 8):
        ordered = order.ordered(unit(None, pts_ns=place * PERIOD_NS))
        placed = timeline.place(ordered.pts_ns, ordered.dts_ns, place * PERIOD_NS)
        assert placed.pts_ns >= placed.dts_ns > last_ns
        last_ns = placed.dts_ns
    assert timeline.jumps == 0
