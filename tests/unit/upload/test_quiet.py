from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import ManualClock, format_utc, parse_utc
from edge.config.hours import quiet_minutes
from edge.upload.permit import Permit
from edge.upload.quiet import quiet_until

WARSAW = ZoneInfo("Europe/Warsaw")
MINUTE_NS = 60 * 1_000_000_000


def until(ranges: list[str], utc: str, zone: ZoneInfo = WARSAW) -> str | None:
    found = quiet_until(quiet_minutes(ranges), zone, parse_utc(utc))
    return None if found is None else format_utc(found)[:16]


@pytest.mark.parametrize(
    ("ranges", "utc", "expected"),
    [
        (["22:00-06:00"], "2026-11-22T20:59:59Z", None),
        (["22:00-06:00"], "2026-11-22T21:00:00Z", "2026-11-23T05:00"),
        (["22:00-06:00"], "2026-11-23T04:59:59.999Z", "2026-11-23T05:00"),
        (["22:00-06:00"], "2026-11-23T05:00:00Z", None),
        (["06:00-09:00", "09:00-24:00"], "2026-11-23T05:30:00Z", "2026-11-23T23:00"),
        ([], "2026-11-23T05:30:00Z", None),
        # The night to 29 March has no 02:00-03:00: 22:00 to 06:00 lasts seven hours.
        (["22:00-06:00"], "2026-03-28T21:00:00Z", "2026-03-29T04:00"),
        (["22:00-02:30"], "2026-03-29T00:59:00Z", "2026-03-29T01:00"),
        (["02:00-03:00"], "2026-03-29T00:30:00Z", None),
        (["02:00-03:00"], "2026-03-29T01:00:00Z", None),
        # The night to 25 October has 02:00-03:00 twice: nine hours.
        (["22:00-06:00"], "2026-10-24T20:00:00Z", "2026-10-25T05:00"),
        (["02:00-03:00"], "2026-10-25T00:00:00Z", "2026-10-25T02:00"),
        (["02:30-02:45"], "2026-10-25T00:40:00Z", "2026-10-25T00:45"),
        (["02:30-02:45"], "2026-10-25T01:40:00Z", "2026-10-25T01:45"),
    ],
)
def test_quiet_hours_follow_the_wall_clock(ranges: list[str], utc: str, expected: str | None) -> None:
    assert until(ranges, utc) == expected


TIMES = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
NIGHTS = (
    datetime(2026, 3, 27, tzinfo=timezone.utc),
    datetime(2026, 10, 23, tzinfo=timezone.utc),
    datetime(2026, 4, 3, tzinfo=timezone.utc),
)
MOMENTS = st.builds(lambda start, minutes: start + timedelta(minutes=minutes), st.sampled_from(NIGHTS), st.integers(0, 4 * 24 * 60))


@settings(max_examples=60)
@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=3), MOMENTS, st.sampled_from(["Europe/Warsaw", "Australia/Lord_Howe"]))
def test_the_end_is_the_first_minute_whose_wall_clock_time_is_in_no_range(
    pairs: list[tuple[str, str]], moment: datetime, name: str
) -> None:
    zone = ZoneInfo(name)

    def is_in(local: datetime) -> bool:
        time = f"{local:%H:%M}"
        return any((first <= time < last) if first < last else (time >= first or time < last) for first, last in pairs)

    found = until([f"{first}-{last}" for first, last in pairs], moment.isoformat(), zone)
    if not is_in(moment.astimezone(zone)):
        assert found is None
        return
    assert found is not None
    end = datetime.fromisoformat(found).replace(tzinfo=timezone.utc)
    minutes = round((end - moment).total_seconds() / 60)
    assert all(is_in((moment + timedelta(minutes=each)).astimezone(zone)) for each in range(minutes))
    assert not is_in(end.astimezone(zone)) or minutes == 2880


def test_what_a_job_waits_for_is_told_and_an_urgent_one_waits_for_nothing() -> None:
    clock = ManualClock(parse_utc("2026-11-22T22:30:00Z"))
    permit = Permit(clock, WARSAW, quiet_minutes(["22:00-06:00"]))
    assert permit.hindrance(urgent=False) == "quiet hours: waits for 06:00"
    assert permit.hindrance(urgent=True) == ""
    clock.advance(6.5 * 3600)
    assert permit.hindrance(urgent=False) == ""


def test_nobody_knows_the_hour_while_the_clock_is_not_trusted() -> None:
    clock = ManualClock(parse_utc("2026-11-22T22:30:00Z"), state="untrusted")
    assert Permit(clock, WARSAW, quiet_minutes(["22:00-06:00"])).hindrance(urgent=False) == ""
