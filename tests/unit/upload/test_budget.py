from __future__ import annotations

import contextlib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.clock import ManualClock, parse_utc
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.upload.budget import DailyBudget
from edge.upload.permit import Permit

WARSAW = ZoneInfo("Europe/Warsaw")
NOTE = Path("/data/agent/uploaded.json")
LIMIT = 10_000_000
PIECE = 65_536


def clock_at(utc: str = "2026-11-22T12:00:00Z") -> ManualClock:
    return ManualClock(parse_utc(utc))


def disk() -> ModelDisk:
    made = ModelDisk()
    made.mkdir(NOTE.parent)
    return made


def budget(on: Disk, clock: ManualClock, limit: int = LIMIT) -> DailyBudget:
    return DailyBudget(on, NOTE, clock, WARSAW, limit)


def send_all(of: DailyBudget) -> int:
    """Pieces until it says no; how many bytes."""
    sent = 0
    while of.reserve(PIECE):
        of.add(PIECE)
        sent += PIECE
    return sent


def test_a_day_has_its_bytes_and_no_more_and_a_job_is_told_why_it_waits() -> None:
    clock = clock_at()
    of = budget(disk(), clock)
    permit = Permit(clock, WARSAW, budget=of)
    assert permit.hindrance(urgent=False) == ""
    assert LIMIT - PIECE < send_all(of) <= LIMIT
    assert permit.hindrance(urgent=False) == "today's 10 MB are used: waits for tomorrow"
    assert permit.hindrance(urgent=True) == ""


def test_the_day_is_the_places_own() -> None:
    clock = clock_at("2026-11-22T22:59:00Z")
    of = budget(disk(), clock)
    send_all(of)
    clock.advance(59)
    assert not of.left()
    clock.advance(1)
    assert of.left() == LIMIT


def test_bytes_beyond_the_budget_count_and_the_next_day_owes_nothing() -> None:
    clock = clock_at()
    of = budget(disk(), clock)
    of.add(3 * LIMIT)
    assert (of.left(), of.reserve(1)) == (0, False)
    clock.advance(86_400)
    assert of.left() == LIMIT


def test_a_clock_that_is_set_back_and_forth_gives_nothing_and_one_that_ran_ahead_takes_nothing_for_ever() -> None:
    clock = clock_at()
    of = budget(disk(), clock)
    send_all(of)
    clock.step_utc(-2 * 86_400)
    assert not of.left()
    clock.step_utc(400 * 86_400)
    assert of.left() == LIMIT
    send_all(of)
    clock.step_utc(-400 * 86_400)
    assert not of.left(), "what was spent comes along"
    clock.advance(86_400)
    assert of.left() == LIMIT, "and is over with the true next day"


def test_while_the_clock_is_not_trusted_the_last_known_day_goes_on() -> None:
    on, clock = disk(), clock_at()
    send_all(budget(on, clock))
    clock.set_state("untrusted")
    clock.step_utc(5 * 86_400)
    assert not budget(on, clock).left()
    clock.set_state("trusted")
    assert budget(on, clock).left() == LIMIT


@pytest.mark.parametrize("content", [b"{", b"\0" * 30, b"\xff"])
def test_a_note_that_does_not_read_begins_the_day_anew(content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    on = disk()
    on.replace(NOTE, content)
    assert budget(on, clock_at()).left() == LIMIT
    assert "begins anew" in caplog.text


def day_of_restarts(on: ModelDisk, seed: int) -> int:
    """Sends on after a power cut; all bytes of both lives."""
    sent = 0
    with contextlib.suppress(PowerLost):
        of = budget(on, clock_at())
        while of.reserve(PIECE):
            sent += PIECE
            of.add(PIECE)
    return sent + send_all(budget(on.power_cut(seed), clock_at()))


def test_the_power_may_go_at_any_operation_and_the_day_has_no_more_bytes_for_it() -> None:
    for number in range(1, 1000):
        on = disk()
        on.fault = Fault(on.operations + number, "power")
        assert LIMIT * 0.9 < day_of_restarts(on, seed=number) <= LIMIT
        if not on.struck:
            assert number > 100
            return
    raise AssertionError("it never came to its end")


def test_a_disk_that_refuses_the_note_stops_no_upload() -> None:
    on = disk()
    of = budget(on, clock_at())
    on.fault = Fault(on.operations + 1, "EIO", forever=True)
    assert LIMIT - PIECE < send_all(of) <= LIMIT
    with pytest.raises(StorageError):
        on.read(NOTE)
