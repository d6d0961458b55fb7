"""Quiet hours by the wall clock of a place, through the nights on which it is put forward and back. Pure.

An hour that comes twice is quiet both times; one that is left out is not waited for.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from edge.clock import NS_PER_S, to_ns, utc_datetime

_MINUTE_NS = 60 * NS_PER_S
_MOST_MINUTES = 2 * 24 * 60
"""Two days: by then any quiet stretch that leaves a minute of the day is over, whatever the clock is put to."""


def quiet_until(minutes: frozenset[int], zone: tzinfo, utc_ns: int) -> int | None:
    """UTC of the end of the quiet stretch under way; None: it is not quiet. minutes: the quiet ones, since local midnight."""
    return _quiet_until(minutes, zone, utc_ns // _MINUTE_NS) if minutes else None


@lru_cache(maxsize=4)
def _quiet_until(minutes: frozenset[int], zone: tzinfo, utc_minute: int) -> int | None:
    """Asked for every waiting job, every second."""
    moment = utc_datetime(utc_minute * _MINUTE_NS)
    if not _is_quiet(minutes, zone, moment):
        return None
    for later in range(1, _MOST_MINUTES):
        if not _is_quiet(minutes, zone, moment + timedelta(minutes=later)):
            return to_ns(moment + timedelta(minutes=later))
    return to_ns(moment + timedelta(minutes=_MOST_MINUTES))


def _is_quiet(minutes: frozenset[int], zone: tzinfo, moment: datetime) -> bool:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute in minutes
