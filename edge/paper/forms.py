"""How moments, lengths, numbers and hashes are written on paper, in each language. Pure."""

from __future__ import annotations

import zoneinfo

from edge.clock import NS_PER_S, utc_datetime
from edge.paper.page import Html, Language, element, stacked

_MARKS: dict[Language, tuple[str, str]] = {"pl": ("\N{NO-BREAK SPACE}", ","), "en": (",", ".")}
"""Between thousands, and before decimals."""
_UNITS: dict[Language, tuple[str, str, str]] = {"pl": ("godz.", "min", "s"), "en": ("h", "min", "s")}
_GROUP, _LINE = 4, 32
_NBSP = "\N{NO-BREAK SPACE}"


def number(value: float, language: Language, decimals: int = 0) -> str:
    """1234567.5 -> "1,234,567.5" or "1 234 567,5"."""
    thousands, decimal = _MARKS[language]
    return f"{value:,.{decimals}f}".translate({ord(","): thousands, ord("."): decimal})


def size(count: int, language: Language) -> str:
    """Bytes, exactly and, where they are many, roughly."""
    exact = f"{number(count, language)}{_NBSP}B"
    return exact if count < 100_000 else f"{exact} ({number(count / 1e6, language, 1)}{_NBSP}MB)"


def length(length_ns: int, language: Language) -> str:
    """59.4 s - 12 min 07 s - 3 h 05 min."""
    hour, minute, second = _UNITS[language]
    seconds = length_ns / NS_PER_S
    if seconds < 60:
        return f"{number(seconds, language, 1)}{_NBSP}{second}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{_NBSP}{minute} {whole % 60:02d}{_NBSP}{second}"
    return f"{number(whole // 3600, language)}{_NBSP}{hour} {whole % 3600 // 60:02d}{_NBSP}{minute}"


def utc(utc_ns: int, language: Language) -> str:
    """2026-11-22 13:05:00.120 UTC."""
    return f"{_stamp(f'{utc_datetime(utc_ns):%Y-%m-%d %H:%M:%S.%f}', language)} UTC"


def local(utc_ns: int, zone_name: str, language: Language, *, offset: bool = True) -> str:
    """2026-11-22 14:05:00.120 +01:00 CET: never ambiguous, also in the hour that comes twice. offset False: only where UTC stands beside
    it. "" where this machine does not know the zone."""
    try:
        moment = utc_datetime(utc_ns).astimezone(zoneinfo.ZoneInfo(zone_name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return ""
    stamp, ahead = _stamp(f"{moment:%Y-%m-%d %H:%M:%S.%f}", language), f"{moment:%z}"
    return f"{stamp} {ahead[:3]}:{ahead[3:5]} {moment:%Z}" if offset else stamp


def grouped(digest: str) -> Html:
    """Hexadecimal digits in fours, 32 a line, so that they can be read out and typed again."""
    lines = [digest[at : at + _LINE] for at in range(0, len(digest), _LINE)]
    return element("code", stacked(_NBSP.join(line[at : at + _GROUP] for at in range(0, len(line), _GROUP)) for line in lines))


def _stamp(text: str, language: Language) -> str:
    """Milliseconds, cut off."""
    date, time = text[:-3].split(" ")
    return f"{date}{_NBSP}{time.replace('.', _MARKS[language][1])}"
