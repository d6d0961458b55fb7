"""Months and days of a time zone, those of 23 and 25 hours included. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from edge.clock import NS_PER_S, to_ns, utc_datetime
from edge.errors import UsageError

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1971, 9998


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a day with one UTC offset. wall_s: what clocks on the wall show at its start, in seconds from midnight."""

    start_utc_ns: int
    end_utc_ns: int
    wall_s: int

    @property
    def wall_end_s(self) -> int:
        return self.wall_s + (self.end_utc_ns - self.start_utc_ns) // NS_PER_S


@dataclass(frozen=True, slots=True)
class Day:
    """A day from midnight to midnight. pieces: one, or two where clocks change within it."""

    date: date
    start_utc_ns: int
    end_utc_ns: int
    pieces: tuple[Piece, ...]

    @property
    def length_s(self) -> int:
        return (self.end_utc_ns - self.start_utc_ns) // NS_PER_S


@dataclass(frozen=True)
class Month:
    """text: "2026-11"."""

    text: str
    first: date
    zone: ZoneInfo

    @cached_property
    def days(self) -> list[Day]:
        following = _after(self.first)
        dates = [self.first + timedelta(days=number) for number in range((following - self.first).days)]
        return [_day(each, self.zone) for each in dates]

    @property
    def start_utc_ns(self) -> int:
        return self.days[0].start_utc_ns

    @property
    def end_utc_ns(self) -> int:
        return self.days[-1].end_utc_ns


def month_of(text: str, zone: ZoneInfo) -> Month:
    """Raises UsageError for anything but YYYY-MM."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise UsageError(f'"{text}" is not a month', remedy="write it like 2026-11")
    return Month(found[0], date(int(found[1]), int(found[2]), 1), zone)


def _after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _midnight_ns(day: date, zone: ZoneInfo) -> int:
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc))


def _day(day: date, zone: ZoneInfo) -> Day:
    start, end = _midnight_ns(day, zone), _midnight_ns(day + timedelta(days=1), zone)
    change = _change_ns(start, end, zone)
    bounds = [start, end] if change is None else [start, change, end]
    pieces = [Piece(first, last, _wall_s(first, day, zone)) for first, last in pairwise(bounds)]
    return Day(day, start, end, tuple(pieces))


def _offset_s(utc_ns: int, zone: ZoneInfo) -> int:
    offset = utc_datetime(utc_ns).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _change_ns(start_ns: int, end_ns: int, zone: ZoneInfo) -> int | None:
    """The second at which the UTC offset changes within a day, None where it does not."""
    low, high = start_ns // NS_PER_S, end_ns // NS_PER_S - 1
    before = _offset_s(start_ns, zone)
    if _offset_s(high * NS_PER_S, zone) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(middle * NS_PER_S, zone) == before:
            low = middle
        else:
            high = middle
    return high * NS_PER_S


def _wall_s(utc_ns: int, day: date, zone: ZoneInfo) -> int:
    naive_midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    return utc_ns // NS_PER_S + _offset_s(utc_ns, zone) - to_ns(naive_midnight) // NS_PER_S
