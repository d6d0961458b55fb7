"""Times as people write them: ISO 8601 with an offset or in the node's local time, "now", "-90s", "-5m", "-2h", "-1d"."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime, timedelta, timezone

from edge.clock import NS_PER_S, to_ns, utc_datetime
from edge.errors import UsageError

_RELATIVE = re.compile(r"-(\d{1,9}(?:\.\d{1,3})?)([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)
_FORMS = 'write 2026-11-22T13:05:00Z, 2026-11-22T14:05:00 (local time of the node), "now", or -90s, -5m, -2h, -1d'


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Raises UsageError where this machine does not know the zone (no time zone database)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"this machine does not know the time zone {name}", remedy="install tzdata, or write times with Z") from None


def parse_time(text: str, now_utc_ns: int, zone_name: str) -> int:
    """UTC nanoseconds. zone_name: IANA zone for times without an offset.

    Raises UsageError for other forms, and for local times that do not exist or exist twice because clocks change that night.
    """
    text = text.strip()
    if text == "now":
        return now_utc_ns
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return _told(now_utc_ns - round(float(relative[1]) * _SECONDS[relative[2]] * NS_PER_S), text)
    found = _ISO.fullmatch(text)
    if not found:
        raise UsageError(f'"{text}" is not a time', remedy=_FORMS)
    try:
        moment = _moment(found)
        offset = _offset(found[8])
        aware = moment.replace(tzinfo=offset) if offset else _local(moment, zone_name, text)
        return to_ns(aware)
    except (ValueError, OverflowError) as error:
        raise UsageError(f'"{text}" is not a time: {error}', remedy=_FORMS) from None


def is_relative(text: str) -> bool:
    """Told from now, not by a clock on the wall."""
    return text.strip() == "now" or _RELATIVE.fullmatch(text.strip()) is not None


def parse_range(start: str, end: str, now_utc_ns: int, zone_name: str) -> tuple[int, int]:
    """(start, end) in UTC nanoseconds. Raises UsageError when the end is not after the start."""
    first, last = parse_time(start, now_utc_ns, zone_name), parse_time(end, now_utc_ns, zone_name)
    if last <= first:
        raise UsageError(f"the end ({end}) is not after the start ({start})")
    return first, last


def local_text(utc_ns: int, zone_name: str) -> str:
    """For people: "2026-11-22 14:05:00.120"."""
    return f"{utc_datetime(utc_ns).astimezone(zone_of(zone_name)):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def _told(utc_ns: int, text: str) -> int:
    """Raises UsageError for a moment that no calendar can show."""
    try:
        utc_datetime(utc_ns)
    except OverflowError:
        raise UsageError(f'"{text}" is before the calendar begins', remedy=_FORMS) from None
    return utc_ns


def _moment(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    microsecond = int((found[7] or "0").ljust(6, "0")[:6])
    return datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - the zone follows


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return timezone.utc
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))


def _local(moment: datetime, zone_name: str, text: str) -> datetime:
    zone = zone_of(zone_name)
    choices = {aware.utcoffset(): aware for aware in (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1)) if _exists(aware)}
    if not choices:
        raise UsageError(f"{text} does not exist in {zone_name}: clocks are put forward over it", remedy="write the time with Z")
    if len(choices) > 1:
        forms = " or ".join(aware.isoformat() for aware in choices.values())
        raise UsageError(f"{text} happens twice in {zone_name}: clocks are put back that night", remedy=f"write {forms}")
    return next(iter(choices.values()))


def _exists(aware: datetime) -> bool:
    """PEP 495: a time in the gap does not survive the way through UTC."""
    return aware.astimezone(timezone.utc).astimezone(aware.tzinfo).replace(tzinfo=None) == aware.replace(tzinfo=None)
