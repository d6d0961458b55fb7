"""Polish words and forms for printed documents: numbers, sizes, dates, the law."""

from __future__ import annotations

import re

from edge.cli.times import zone_of
from edge.clock import utc_datetime

LAW = {
    "pl-guard": (
        "art. 11 ustawy z dnia 29 sierpnia 1997 r. o strażach gminnych oraz rozporządzenie Rady Ministrów z dnia 16 grudnia 2009 r. "
        "w sprawie sposobu obserwowania i rejestrowania przy użyciu środków technicznych obrazu zdarzeń w miejscach publicznych "
        "przez straż gminną (miejską)"
    ),
    "pl-municipal": "art. 9a ustawy z dnia 8 marca 1990 r. o samorządzie gminnym",
}
"""Legal profile -> what it rests on. custom: the node's configuration says it, and each record repeats it."""

REASONS = {
    "age": "upływ okresu przechowywania",
    "space": "brak miejsca na nośniku",
    "budget": "limit pojemności kamery",
    "decommission": "wycofanie urządzenia z użytkowania",
}
_NBSP = "\N{NO-BREAK SPACE}"
_POLICY = re.compile(r"(?P<profile>[^:]+): at most (?P<most>[\d.]+) days, at least (?P<least>[\d.]+)(?: \((?P<basis>.*)\))?", re.DOTALL)


def number(value: float, places: int = 0) -> str:
    """12 345,6 with no-break spaces."""
    return f"{value:,.{places}f}".replace(",", _NBSP).replace(".", ",")


def size(size_bytes: float) -> str:
    """1000 bytes to a kB."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{number(size_bytes / factor, 1)}{_NBSP}{unit}"
    return f"{number(size_bytes)}{_NBSP}B"


def counted(count: int, one: str, few: str, many: str) -> str:
    """1 segment, 2 segmenty, 5 segmentów, 12 segmentów, 22 segmenty."""
    if count == 1:
        word = one
    elif count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14):
        word = few
    else:
        word = many
    return f"{number(count)} {word}"


def segments(count: int) -> str:
    return counted(count, "segment", "segmenty", "segmentów")


def duration(length_ns: int) -> str:
    """3 d 4 h 5 min, 12 min 5 s."""
    seconds = round(length_ns / 1e9)
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        words = f"{number(days)} d {hours} h {minutes} min"
    elif hours:
        words = f"{hours} h {minutes} min"
    else:
        words = f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
    return words.replace(" ", _NBSP)


def day(utc_ns: int, zone: str) -> str:
    """22.11.2026, local."""
    return f"{utc_datetime(utc_ns).astimezone(zone_of(zone)):%d.%m.%Y}"


def moment(utc_ns: int, zone: str) -> str:
    """22.11.2026 14:05:00, local."""
    return f"{utc_datetime(utc_ns).astimezone(zone_of(zone)):%d.%m.%Y %H:%M:%S}"


def policy(text: str) -> str:
    """The rule of an erase record, in Polish; as it stands where it has another form."""
    found = _POLICY.fullmatch(text)
    if found is None:
        return text
    least, most = (number(float(found[key]), 0 if float(found[key]).is_integer() else 1) for key in ("least", "most"))
    basis = f" – podstawa: {found['basis']}" if found["basis"] else ""
    return f"profil {found['profile']}: nie krócej niż {least} dni, nie dłużej niż {most} dni{basis}"


def law(policy_text: str) -> str:
    """The legal basis behind the rule of an erase record."""
    found = _POLICY.fullmatch(policy_text)
    if found is None:
        return policy_text
    return LAW.get(found["profile"], found["basis"] or f"profil {found['profile']}")
