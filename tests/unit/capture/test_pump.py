"""The thread that waits for a camera: bounded, quick to tell the end, never in the reader's way."""

from __future__ import annotations

import threading

import pytest

from edge.capture.pump import Pump
from edge.capture.source import CameraUnreachable, Picture
from edge.clock import monotonic_s
from edge.errors import TryAgain
from edge.messages.stream import Packet


def packet(seq: int, size: int = 10, *, key: bool = False) -> Packet:
    return Packet(epoch=0, seq=seq, key=key, pts_ns=seq, dts_ns=seq, duration_ns=1, boot_ns=seq, data=bytes(size))


def test_everything_before_the_end_is_given_out_before_the_error() -> None:
    def work(pump: Pump) -> None:
        for seq in range(3):
            pump.put(packet(seq))
        raise CameraUnreachable("gone")

    pump = Pump("test", work)
    pump.start()
    assert [pump.get(5.0) for _ in range(3)] == [packet(seq) for seq in range(3)]
    with pytest.raises(CameraUnreachable, match="gone"):
        pump.get(5.0)
    assert pump.close(5.0)


def test_work_that_just_ends_is_told_as_an_end() -> None:
    pump = Pump("test", lambda _pump: None)
    pump.start()
    with pytest.raises(TryAgain, match="ended"):
        pump.get(5.0)


def test_nobody_reading_costs_whole_gops_and_no_more_memory_than_allowed() -> None:
    full = threading.Event()

    def work(pump: Pump) -> None:
        for seq in range(100):
            pump.put(packet(seq, 100, key=seq % 10 == 0))
        full.set()
        pump.stopping.wait(30)

    pump = Pump("test", work, limit_bytes=2_550)
    pump.start()
    assert full.wait(10)
    found = []
    while (item := pump.get(0)) is not None:
        found.append(item)
    assert found == [packet(seq, 100, key=seq % 10 == 0) for seq in range(25)]
    assert pump.dropped == 75
    assert pump.close(5.0)


def test_of_pictures_only_the_newest_waits() -> None:
    done = threading.Event()

    def work(pump: Pump) -> None:
        for number in range(5):
            pump.put(Picture(number, 1, 1, b"x"))
        done.set()
        pump.stopping.wait(30)

    pump = Pump("test", work)
    pump.start()
    assert done.wait(10)
    assert pump.newest() == Picture(4, 1, 1, b"x")
    assert pump.newest() is None
    assert pump.close(5.0)


@pytest.mark.parametrize("urgent", [packet(1, key=True), Picture(1, 1, 1, b"x")], ids=["key frame", "picture"])
def test_what_must_not_wait_wakes_the_reader_at_once(urgent: Packet | Picture) -> None:
    waiting = threading.Event()

    def work(pump: Pump) -> None:
        pump.put(packet(0, key=True))
        waiting.wait(10)
        pump.put(urgent)
        pump.stopping.wait(30)

    pump = Pump("test", work)
    pump.start()
    assert pump.get(10.0) == packet(0, key=True)
    timer = threading.Timer(0.02, waiting.set)
    timer.start()
    begin_s = monotonic_s()
    assert pump.get(10.0) == urgent
    assert monotonic_s() - begin_s < 5.0
    timer.join()
    assert pump.close(5.0)


def test_work_that_is_stuck_is_told_and_does_not_hold_the_closer() -> None:
    release = threading.Event()

    def work(_pump: Pump) -> None:
        release.wait(30)

    pump = Pump("test", work)
    pump.start()
    assert not pump.close(0.01)
    release.set()
    assert pump.close(5.0)
