"""The retention report on paper, Polish or English."""

from __future__ import annotations

from collections.abc import Callable

from edge.cli import polish
from edge.cli.times import local_text
from edge.clock import NS_PER_MS, parse_utc
from edge.config.legal import PROFILES
from edge.messages.hold import Hold
from edge.paper.page import Html, Language, element, facts, page, table
from edge.ring.retention_report import EARLY_DAYS, CameraReport, RetentionReport

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Przechowywanie nagrań", "Retention of footage"),
    "node": ("Urządzenie", "Node"),
    "at": ("Stan na", "As of"),
    "rule": ("Zasada", "Rule"),
    "basis": ("Podstawa prawna", "Legal basis"),
    "disk": ("Nośnik", "Disk"),
    "holds": ("Zabezpieczenia", "Holds"),
    "cameras": ("Kamery", "Cameras"),
    "camera": ("Kamera", "Camera"),
    "rate": ("GB na dobę", "GB a day"),
    "kept": ("Sięga dni", "Reaches days"),
    "fits": ("Zmieści dni", "Will reach days"),
    "oldest": ("Najstarsze nagranie", "Oldest footage"),
    "next": ("Najbliższe zniszczenie", "Next erasure"),
    "remarks": ("Uwagi", "Remarks"),
    "case": ("Sprawa", "Case"),
    "by": ("Zabezpieczył", "Held by"),
    "range": ("Nagranie", "Footage"),
    "size": ("Rozmiar", "Size"),
    "review": ("Przegląd", "Review"),
    "late": ("PO TERMINIE", "PAST"),
    "unclear": ("zegar niezsynchronizowany", "clock not synchronised"),
    "age": ("wiek", "age"),
    "space": ("brak miejsca", "no space"),
    "budget": ("limit kamery", "budget"),
    "configured": ("według konfiguracji", "as configured"),
    "short": ("NIE OSIĄGNIE MINIMUM", "WILL NOT REACH THE MINIMUM"),
    "below": ("nie osiągnie dni z konfiguracji", "will not reach the configured days"),
    "gone": ("kamera spoza konfiguracji", "not in the configuration"),
    "none": ("brak", "none"),
}

_Word = Callable[[str], str]
_Moment = Callable[[int], str]


def retention_page(report: RetentionReport, node: str, place: str, zone: str, language: Language) -> str:
    """The whole file."""

    def word(key: str) -> str:
        return _WORDS[key][0 if language == "pl" else 1]

    def moment(utc_ns: int) -> str:
        return polish.moment(utc_ns, zone) if language == "pl" else local_text(utc_ns, zone)[:19]

    headings = [word(key) for key in ("camera", "rate", "kept", "fits", "oldest", "next", "remarks")]
    cameras = [_camera(each, report, word, moment) for each in report.cameras]
    holds = [_hold(hold, report, word, moment) for each in report.cameras for hold in each.holds]
    hold_headings = [word(key) for key in ("case", "camera", "range", "size", "by", "review")]
    return page(
        f"{word('title')} {node}",
        language,
        element("h1", word("title")),
        facts(
            [
                (word("node"), node + (f", {place}" if place else "")),
                (word("at"), moment(report.now_utc_ns) + ("" if report.dated else f" ({word('unclear')})")),
                (word("rule"), _rule(report, language)),
                (word("basis"), report.basis or (polish.LAW.get(report.profile, "") if language == "pl" else _english_law(report.profile))),
                (word("disk"), _disk(report, language)),
                (word("holds"), f"{polish.size(report.held_bytes)} / {polish.size(report.quota_bytes)}"),
            ]
        ),
        element("h2", word("cameras")),
        table(headings, cameras, numbers=[1, 2, 3]),
        element("h2", word("holds")),
        table(hold_headings, holds) if holds else element("p", word("none")),
    )


def remarks(each: CameraReport, report: RetentionReport, language: Language) -> list[str]:
    """What is not as it should be with a camera's retention."""

    def word(key: str) -> str:
        return _WORDS[key][0 if language == "pl" else 1]

    found = []
    if each.horizon is None:
        found.append(word("gone"))
    elif each.horizon.fits_days < report.minimum_days:
        found.append(word("short"))
    elif each.horizon.fits_days < report.days:
        found.append(word("below"))
    if each.early:
        text = f"przed minimum zniszczono ({EARLY_DAYS} dni)" if language == "pl" else f"erased early in {EARLY_DAYS} days"
        found.append(f"{text}: {each.early}")
    if each.undated:
        found.append(f"{'segmenty bez daty' if language == 'pl' else 'segments without a date'}: {each.undated}")
    if each.suspended:
        text = "niszczenie według wieku wstrzymane (zegar)" if language == "pl" else each.suspended
        found.append(text)
    return found


def _camera(each: CameraReport, report: RetentionReport, word: _Word, moment: _Moment) -> list[object]:
    reach = each.horizon
    language: Language = "pl" if word("age") == _WORDS["age"][0] else "en"
    told = Html("<br>").join(element("span", text) for text in remarks(each, report, language))
    oldest = "–" if each.oldest_utc_ms is None else moment(each.oldest_utc_ms * NS_PER_MS)
    if reach is None:
        return [each.camera, "–", "–", "–", oldest, "–", Html(told)]
    rate = polish.number(reach.bytes_per_day / 1e9, 1) + ("" if reach.measured else f" ({word('configured')})")
    following = "–" if reach.next_ms is None else f"{moment(reach.next_ms * NS_PER_MS)} ({word(reach.next_reason or 'age')})"
    kept = "–" if reach.kept_days is None else polish.number(reach.kept_days, 1)
    return [each.camera, rate, kept, polish.number(reach.fits_days, 1), oldest, following, Html(told)]


def _hold(hold: Hold, report: RetentionReport, word: _Word, moment: _Moment) -> list[object]:
    review = "–" if hold.review is None else moment(parse_utc(hold.review))[:10]
    late = element("strong", f" {word('late')}") if hold.id in report.late else ""
    span = f"{moment(parse_utc(hold.start))} – {moment(parse_utc(hold.end))}"
    return [hold.case, hold.camera, span, polish.size(hold.bytes), hold.by, Html(review + late)]


def _rule(report: RetentionReport, language: Language) -> str:
    low, high = report.bounds
    kept, least = f"{report.days:g}", f"{report.minimum_days:g}"
    if language == "pl":
        return f"niszczone po {kept} dniach, nie wcześniej niż po {least}; profil {report.profile} pozwala na {low:g}–{high:g} dni"
    return f"erased after {kept} days, not before {least}; profile {report.profile} allows {low:g} to {high:g} days"


def _english_law(profile: str) -> str:
    return str(PROFILES[profile])


def _disk(report: RetentionReport, language: Language) -> str:
    total, free, reserve = (polish.size(each) for each in (report.total_bytes, report.free_bytes, report.reserve_bytes))
    return f"{total}, wolne {free}, rezerwa {reserve}" if language == "pl" else f"{total}, {free} free, {reserve} kept free"
