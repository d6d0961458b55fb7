from __future__ import annotations

from pathlib import Path

import pytest

from edge.clock import ManualClock, parse_utc
from edge.config.on_request import Upload
from edge.host.model_disk import ModelDisk
from edge.services.clip_rules import rules_of

STATE = Path("/data/agent")


def disk() -> ModelDisk:
    made = ModelDisk()
    made.mkdir(STATE)
    return made


def test_the_configuration_is_what_uploads_keep_to() -> None:
    clock = ManualClock(parse_utc("2026-11-22T21:30:00Z"))
    upload = Upload(url="https://h/", jobs=3, rate_kbps=8000, deadline_h=2, quiet_hours=["22:00-06:00"], metered=True, daily_mb=5)
    rules = rules_of(upload, "Europe/Warsaw", disk(), clock, "boot", STATE)
    assert (rules.jobs, rules.deadline_s, rules.pace.bytes_per_s) == (3, 7200, 1_000_000)
    assert rules.permit.hindrance(urgent=False) == "quiet hours: waits for 06:00"
    assert rules.permit.budget is not None
    assert rules.permit.budget.left() == 5_000_000
    rules.permit.budget.add(5_000_000)
    clock.advance(7.5 * 3600)
    assert rules.permit.hindrance(urgent=False) == "", "a new day, and the night is over"


def test_nothing_configured_is_nothing_that_uploads_wait_for() -> None:
    rules = rules_of(Upload(url="https://h/"), "Europe/Warsaw", disk(), ManualClock(), "boot", STATE)
    assert rules.permit.budget is None
    assert (rules.permit.hindrance(urgent=False), rules.pace.bytes_per_s, rules.jobs) == ("", 0, 2)


def test_a_zone_that_this_machine_does_not_know_is_told_and_taken_as_utc(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(parse_utc("2026-11-22T22:30:00Z"))
    rules = rules_of(Upload(url="https://h/", quiet_hours=["22:00-06:00"]), "Mars/Olympus", disk(), clock, "boot", STATE)
    assert rules.permit.hindrance(urgent=False) == "quiet hours: waits for 06:00"
    assert "Mars/Olympus" in caplog.text
