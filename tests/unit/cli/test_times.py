from __future__ import annotations

import zoneinfo
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli.times import local_text, parse_range, parse_time
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.errors import UsageError

WARSAW = "Europe/Warsaw"
NOW = parse_utc("2026-11-22T13:05:00Z")


def utc(text: str, zone: str = WARSAW) -> str:
    return format_utc(parse_time(text, NOW, zone))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-22T13:05:00.000Z"),
        ("-90s", "2026-11-22T13:03:30.000Z"),
        ("-0.5s", "2026-11-22T13:04:59.500Z"),
        ("-5m", "2026-11-22T13:00:00.000Z"),
        ("-2h", "2026-11-22T11:05:00.000Z"),
        ("-1d", "2026-11-21T13:05:00.000Z"),
        ("2026-11-22T13:05:00Z", "2026-11-22T13:05:00.000Z"),
        ("2026-11-22 13:05:00.1239Z", "2026-11-22T13:05:00.123Z"),
        ("2026-11-22T14:05+01:00", "2026-11-22T13:05:00.000Z"),
        ("2026-11-22T14:05:00+0100", "2026-11-22T13:05:00.000Z"),
        ("2026-11-22T14:05:00", "2026-11-22T13:05:00.000Z"),
        ("2026-07-22T14:05:00", "2026-07-22T12:05:00.000Z"),
        ("2026-11-22", "2026-11-21T23:00:00.000Z"),
    ],
)
def test_times_are_taken_as_people_write_them(text: str, expected: str) -> None:
    assert utc(text) == expected


NO_TIMES = ["", "yesterday", "13:05", "90s", "+5m", "-5x", "2026-13-01", "2026-11-22T25:00", "22.11.2026", "--", "-s", "2026-11-22T13:05ZZ"]


@pytest.mark.parametrize("text", NO_TIMES)
def test_other_forms_are_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="write 2026-11-22T13:05:00Z"):
        utc(text)


def test_an_hour_that_happens_twice_is_refused_with_both_ways_to_write_it() -> None:
    with pytest.raises(UsageError, match="happens twice") as caught:
        utc("2026-10-25T02:30:00")
    assert "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00" in str(caught.value)
    assert utc("2026-10-25T02:30:00+02:00") == "2026-10-25T00:30:00.000Z"
    assert utc("2026-10-25T02:30:00+01:00") == "2026-10-25T01:30:00.000Z"


def test_an_hour_that_is_skipped_is_refused() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        utc("2026-03-29T02:30:00")
    assert utc("2026-03-29T03:00:00") == "2026-03-29T01:00:00.000Z"
    assert utc("2026-03-29T01:59:59") == "2026-03-29T00:59:59.000Z"


def test_an_unknown_zone_is_told_and_times_with_z_still_work() -> None:
    assert utc("2026-11-22T13:05:00Z", "Nowhere/Land") == "2026-11-22T13:05:00.000Z"
    with pytest.raises(UsageError, match="does not know the time zone"):
        utc("2026-11-22T13:05:00", "Nowhere/Land")


def test_a_range_ends_after_it_starts() -> None:
    assert parse_range("-60s", "now", NOW, WARSAW) == (NOW - 60 * NS_PER_S, NOW)
    with pytest.raises(UsageError, match="not after"):
        parse_range("now", "-60s", NOW, WARSAW)
    with pytest.raises(UsageError, match="not after"):
        parse_range("now", "now", NOW, WARSAW)


def test_times_before_the_calendar_are_refused_in_words() -> None:
    with pytest.raises(UsageError, match="not a time"):
        utc("0001-01-01T00:00:00")


@pytest.mark.parametrize("text", ["-999999999d", "-740000d", "-999999999h"])
def test_a_distance_beyond_the_calendar_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError, match="before the calendar"):
        utc(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused_in_words(text: str) -> None:
    try:
        assert isinstance(parse_time(text, NOW, WARSAW), int)
    except UsageError as error:
        refused = str(error)
    else:
        return
    assert refused


@given(st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-01-01")))
def test_local_times_mean_what_the_wall_clock_showed(moment: datetime) -> None:
    zone = zoneinfo.ZoneInfo(WARSAW)
    moment = moment.replace(microsecond=0)
    twice = moment.replace(tzinfo=zone, fold=0).utcoffset() != moment.replace(tzinfo=zone, fold=1).utcoffset()
    if twice:
        with pytest.raises(UsageError):
            parse_time(moment.isoformat(), NOW, WARSAW)
        return
    read = parse_time(moment.isoformat(), NOW, WARSAW)
    assert datetime.fromtimestamp(read // NS_PER_S, timezone.utc).astimezone(zone).replace(tzinfo=None) == moment
    assert local_text(read, WARSAW) == f"{moment:%Y-%m-%d %H:%M:%S}.000"
