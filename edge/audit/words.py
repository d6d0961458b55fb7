"""The words of printed accounts, in Polish and English, and how numbers and times are written in each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import get_args
from zoneinfo import ZoneInfo

from edge.clock import parse_utc, utc_datetime
from edge.messages.audit import OutageReason
from edge.paper.page import Language

Words = Mapping[Language, str]
NBSP = "\u00a0"
"""A space that no line breaks at."""

REASONS: Mapping[OutageReason, Words] = {
    "power": {"pl": "brak zasilania lub restart", "en": "power cut or reboot"},
    "crash": {"pl": "awaria programu rejestrującego", "en": "the recorder crashed"},
    "stopped": {"pl": "rejestrator zatrzymany planowo", "en": "the recorder was stopped in order"},
    "camera_stalled": {"pl": "kamera przestała nadawać obraz", "en": "the camera stopped sending pictures"},
    "camera_died": {"pl": "awaria kamery lub jej sterownika", "en": "the camera or its driver failed"},
    "camera_unreachable": {"pl": "kamera nie odpowiada w sieci", "en": "the camera does not answer"},
    "time_jump": {"pl": "skok znaczników czasu kamery", "en": "the camera's time stamps jumped"},
    "stream_changed": {"pl": "zmiana parametrów obrazu", "en": "the stream changed its form"},
    "disk_slow": {"pl": "dysk nie nadążał z zapisem", "en": "the disk was too slow"},
    "disk_error": {"pl": "błąd zapisu na dysku", "en": "the disk refused"},
    "damaged": {"pl": "nagranie uszkodzone", "en": "footage is damaged"},
    "end_of_file": {"pl": "koniec odtwarzanego pliku", "en": "the replayed file ended"},
    "erased": {"pl": "nagranie usunięte", "en": "footage was erased"},
    "before_first": {"pl": "przed pierwszym nagraniem", "en": "before the first footage"},
    "not_yet": {"pl": "jeszcze nie nagrane", "en": "not recorded yet"},
    "unknown": {"pl": "przyczyna nieznana", "en": "cause unknown"},
    "not_reported": {"pl": "brak danych z urządzenia", "en": "the node has not reported"},
}
assert REASONS.keys() == set(get_args(OutageReason))

_WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    "pl": ("pn", "wt", "śr", "cz", "pt", "so", "nd"),
    "en": ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"),
}
_MONTHS: Mapping[Language, tuple[str, ...]] = {
    "pl": (
        "styczeń",
        "luty",
        "marzec",
        "kwiecień",
        "maj",
        "czerwiec",
        "lipiec",
        "sierpień",
        "wrzesień",
        "październik",
        "listopad",
        "grudzień",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}


def month_name(text: str, language: Language) -> str:
    """2026-11 -> November 2026."""
    year, month = text.split("-")
    return f"{_MONTHS[language][int(month) - 1]} {year}"


def day_name(text: str, language: Language) -> str:
    """2026-11-08 -> "8 Su"."""
    day = date.fromisoformat(text)
    return f"{day.day} {_WEEKDAYS[language][day.weekday()]}"


def number_text(value: float, language: Language, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "pl" else text


def percent(value: float, language: Language, digits: int = 2) -> str:
    """Cut off, never rounded up to 100."""
    scale = 10**digits
    shown = value if value >= 100 else int(value * scale + 1e-6) / scale
    return f"{number_text(shown, language, digits)}{NBSP}%"


def duration(seconds: float, language: Language) -> str:
    """0 s, 0.4 s, 42 s, 7 min 05 s, 3 h 05 min, 2 d 04 h: never broken over two lines."""
    if 0 < seconds < 10:
        return f"{number_text(seconds, language, 1)}{NBSP}s"
    whole = int(seconds)
    parts = (
        f"{whole} s"
        if whole < 60
        else f"{whole // 60} min {whole % 60:02d} s"
        if whole < 3600
        else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
        if whole < 86_400
        else f"{whole // 86_400} d {whole % 86_400 // 3600:02d} h"
    )
    return parts.replace(" ", NBSP)


def local(utc_text: str, zone: ZoneInfo) -> str:
    """For people: 2026-11-22 14:05:07; with the zone's own word where the hour happens twice."""
    moment = utc_datetime(parse_utc(utc_text)).astimezone(zone)
    text = f"{moment:%Y-%m-%d %H:%M:%S}"
    twice = moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()
    return f"{text} {moment:%Z}" if twice else text


def unbroken(text: str) -> str:
    """The same on paper, never broken over two lines."""
    return text.replace(" ", NBSP).replace("-", "\u2011")
