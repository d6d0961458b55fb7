from __future__ import annotations

import threading
from datetime import timezone
from pathlib import Path

import pytest

from edge.clock import ManualClock, monotonic_s
from edge.host.model_disk import ModelDisk
from edge.upload.budget import DailyBudget
from edge.upload.pace import FairPace
from edge.upload.passage import LAG_S, LinkLag, Passage, Stopped

FREE = FairPace(0)


class Watch:
    """Stands for the pause of a transfer: does something at the third look."""

    def __init__(self, at_third: object = None) -> None:
        self.pauses: list[float] = []
        self._at_third = at_third

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == 3 and callable(self._at_third):
            self._at_third()


def never(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s")


def test_without_a_rate_a_budget_or_late_alarms_nothing_is_waited_for() -> None:
    Passage(FREE).enter(65_536, never)


def test_after_a_late_alarm_uploads_rest_as_long_as_it_was_late() -> None:
    lag = LinkLag()
    lag.tell(LAG_S, 100.0)
    assert not lag.is_long(100.0)
    lag.tell(1.5, 100.0)
    lag.tell(0.0, 100.1)
    assert lag.is_long(101.4)
    assert not lag.is_long(101.5)


def test_a_piece_waits_while_they_rest() -> None:
    lag, clock = LinkLag(), threading.Event()

    def pause(seconds: float) -> None:
        clock.wait(seconds)

    began_s = monotonic_s()
    lag.tell(LAG_S + 0.01, began_s)
    Passage(FREE, lag=lag).enter(1, pause)
    assert monotonic_s() - began_s >= LAG_S
    Passage(FREE, lag=lag).enter(1, never)


def test_a_link_that_stays_late_does_not_end_the_upload_which_sends_a_piece_now_and_then() -> None:
    lag = LinkLag()
    began_s = monotonic_s()
    lag.tell(3600.0, began_s)
    Passage(FREE, lag=lag, yield_s=0.05).enter(1, Watch())
    assert monotonic_s() - began_s >= 0.05


def test_a_transfer_that_is_stopped_while_it_waits_keeps_no_place_in_front_of_others() -> None:
    pace = FairPace(1000)
    first, other = Passage(pace), Passage(pace)
    for _ in range(pace.burst_bytes // pace.quantum_bytes):
        first.enter(pace.quantum_bytes, never)

    def stop() -> None:
        raise Stopped("asked to")

    with pytest.raises(Stopped):
        first.enter(1000, Watch(at_third=stop))
    share = pace.share()
    share.ask(1)
    first_wait_s = share.wait_s(monotonic_s())
    share.withdraw()
    assert first_wait_s <= 0.1, "the thousand bytes of the one that was stopped are not owed"
    assert other.quantum_bytes == 1024


def test_a_budget_that_is_used_up_stops_all_but_urgent_ones_and_counts_those_too() -> None:
    disk = ModelDisk()
    disk.mkdir(Path("/data/agent"))
    budget = DailyBudget(disk, Path("/data/agent/uploaded.json"), ManualClock(), timezone.utc, 1_000_000)
    plain, urgent = Passage(FREE, budget=budget), Passage(FREE, urgent=True, budget=budget)
    plain.enter(65_536, never)
    plain.count(65_536)
    urgent.enter(65_536, never)
    urgent.count(990_000)
    with pytest.raises(Stopped, match="used up"):
        plain.enter(65_536, never)
    urgent.enter(65_536, never)
    assert budget.left() == 0
