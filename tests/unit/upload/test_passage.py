from __future__ import annotations

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


def test_a_piece_waits_while_alarms_are_late_and_goes_when_they_are_through() -> None:
    lag = LinkLag()
    lag.seconds = LAG_S + 0.1
    watch = Watch(at_third=lambda: setattr(lag, "seconds", LAG_S))
    Passage(FREE, lag=lag).enter(1, watch)
    assert len(watch.pauses) == 3
    Passage(FREE, lag=lag).enter(1, never)


def test_a_link_that_stays_late_does_not_end_the_upload_which_sends_a_piece_now_and_then() -> None:
    lag = LinkLag()
    lag.seconds = 3600.0
    began_s = monotonic_s()
    Passage(FREE, lag=lag, yield_s=0.05).enter(1, Watch())
    assert monotonic_s() - began_s >= 0.05


def test_a_transfer_that_is_stopped_while_it_waits_keeps_no_place_in_front_of_others() -> None:
    pace = FairPace(1000)
    first, other = Passage(pace), Passage(pace)
    first.enter(pace.burst_bytes, Watch())

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
