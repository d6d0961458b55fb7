"""The month of a node on paper: what each camera recorded, as a picture too, and each outage with its reason. Built from the report."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from edge.audit.coverage_picture import KINDS, Kind, picture, sample
from edge.audit.months import Month, month_of
from edge.audit.sheet import chains, made_line
from edge.audit.words import REASONS, Words, duration, local, month_name, percent, unbroken
from edge.messages.audit import CameraMonth, ClipCounts, MonthReport, Outage
from edge.paper.page import Html, Language, element, facts, page, table

LISTED = 60
"""Outages in a camera's table: the longest, in order of time. JSON has all."""

_T: dict[str, Words] = {
    "title": {"pl": "Dostępność nagrań", "en": "Availability of footage"},
    "progress": {
        "pl": "Miesiąc trwa: liczony do chwili sporządzenia.",
        "en": "The month is not over: it counts up to when this was made.",
    },
    "none": {"pl": "W tym miesiącu żadna kamera nie ma zapisów.", "en": "No camera has records in this month."},
    "camera": {"pl": "kamera", "en": "camera"},
    "available": {"pl": "dostępność", "en": "available"},
    "recorded": {"pl": "nagrane", "en": "recorded"},
    "unplanned": {"pl": "przerwy nieplanowane", "en": "unplanned outages"},
    "planned": {"pl": "przerwy planowane", "en": "planned outages"},
    "not_reported": {"pl": "brak danych", "en": "not reported"},
    "blank": {"pl": "puste: nie liczy się", "en": "empty: does not count"},
    "longest": {"pl": "najdłuższa", "en": "longest"},
    "counted": {"pl": "liczony czas", "en": "counted time"},
    "clips": {"pl": "klipy", "en": "clips"},
    "clip_words": {
        "pl": "zamówione {0.asked}, dostarczone {0.delivered}, odmowy {0.refused}, nieudane {0.failed}; wydane wprost z węzła {0.exported}",
        "en": "asked {0.asked}, delivered {0.delivered}, refused {0.refused}, failed {0.failed}; handed out by the node {0.exported}",
    },
    "holds": {"pl": "blokady dowodowe", "en": "evidence locks"},
    "hold_words": {"pl": "założone {0}, zwolnione {1}", "en": "made {0}, released {1}"},
    "erased": {"pl": "usunięte segmenty", "en": "segments erased"},
    "erased_words": {"pl": "{0}, w tym przed upływem minimum: {1}", "en": "{0}, before the legal minimum: {1}"},
    "restarts": {"pl": "uruchomienia rejestratora", "en": "starts of the recorder"},
    "restart_words": {
        "pl": "po planowym zatrzymaniu {0.orderly}, po awarii {0.crash}, po zaniku zasilania {0.power}, pierwsze {0.first}",
        "en": "after an orderly stop {0.orderly}, after a crash {0.crash}, after a power cut {0.power}, first {0.first}",
    },
    "signed": {"pl": "bez podpisu", "en": "without signature"},
    "signed_words": {"pl": "odcinki: {0}, grupy obrazów: {1}", "en": "stretches: {0}, groups of pictures: {1}"},
    "clock": {"pl": "zegar niepewny", "en": "clock not trusted"},
    "clock_words": {
        "pl": "{0} nagrań datowano później; bez daty zostało segmentów: {1}",
        "en": "{0} of footage was dated later; segments left without a date: {1}",
    },
    "outages": {"pl": "Przerwy", "en": "Outages"},
    "no_outages": {"pl": "Bez przerw.", "en": "None."},
    "more": {"pl": "Pokazano {0} najdłuższych z {1}; pozostałe trwały razem {2}.", "en": "The longest {0} of {1}; the others lasted {2}."},
    "from": {"pl": "od", "en": "from"},
    "to": {"pl": "do", "en": "to"},
    "length": {"pl": "długość", "en": "length"},
    "reason": {"pl": "przyczyna", "en": "reason"},
    "goes_on": {"pl": "trwa", "en": "goes on"},
    "before": {"pl": "trwała już wcześniej", "en": "began earlier"},
    "after": {"pl": "trwała dłużej", "en": "lasted longer"},
    "first_record": {"pl": "od pierwszego zapisu kamery", "en": "from the camera's first record"},
    "journal": {"pl": "od początku zachowanego dziennika", "en": "from where the journal that is left begins"},
    "removed": {"pl": "do wyłączenia kamery", "en": "until the camera was taken out"},
    "newest_footage": {"pl": "do ostatniego zamkniętego nagrania", "en": "up to the newest footage that is closed"},
    "now": {"pl": "do chwili sporządzenia", "en": "up to when this was made"},
    "other": {"pl": "Zamówienia klipów bez znanej kamery: ", "en": "Clip requests that name no known camera: "},
    "how": {
        "pl": "Dostępność = czas nagrany / czas liczony. Przerwy krótsze niż 0,5 s nie są liczone. Przerwa bez danych z urządzenia "
        "liczy się jako nieplanowana. Nagranie usunięte po upływie okresu przechowywania pozostaje nagrane: zestawienie "
        "powstało z dzienników.",
        "en": "Availability = recorded / counted time. Outages under 0.5 s do not count. Time the node has not reported counts as "
        "unplanned. Footage that was erased in its time stays recorded: this account is built from the journals.",
    },
}


def month_page(report: MonthReport, language: Language) -> str:
    """Self-contained HTML. Raises UsageError for a report whose month is none."""
    month = month_of(report.month, ZoneInfo(report.timezone))
    title = f"{_T['title'][language]}: {report.node}, {month_name(report.month, language)}"
    body: list[object] = [element("h1", title), made_line(report, language)]
    if report.in_progress:
        body.append(element("p", element("b", _T["progress"][language])))
    if report.cameras:
        body += [_summary(report.cameras, language), _legend(language)]
    else:
        body.append(element("p", _T["none"][language]))
    if report.other_clips != ClipCounts():
        body.append(element("p", _T["other"][language], _T["clip_words"][language].format(report.other_clips)))
    body += [element("p", _T["how"][language], class_="quiet"), *chains(report.journals, language)]
    for number, camera in enumerate(report.cameras):
        body += _camera(camera, month, language, number)
    return page(title, language, *body)


def longest_s(camera: CameraMonth) -> float:
    return max((each.seconds for each in camera.outages), default=0.0)


def _summary(cameras: Sequence[CameraMonth], language: Language) -> Html:
    words = ("camera", "available", "recorded", "unplanned", "planned", "longest")
    rows = [
        (
            _name(each),
            element("b", percent(each.availability_percent, language)),
            duration(each.recorded_s, language),
            duration(each.unplanned_s, language),
            duration(each.planned_s, language),
            duration(longest_s(each), language),
        )
        for each in cameras
    ]
    return table([_T[word][language] for word in words], rows, numbers=(1, 2, 3, 4, 5))


def _legend(language: Language) -> Html:
    words: dict[Kind, str] = {kind: _T[kind][language] for kind in KINDS}
    parts = [
        element("span", sample(kind, number), f" {words[kind]}", style="white-space: nowrap; margin-right: 4mm")
        for number, kind in enumerate(KINDS)
    ]
    return element("p", *parts, _T["blank"][language], class_="quiet")


def _camera(camera: CameraMonth, month: Month, language: Language, number: int) -> list[object]:
    zone = month.zone

    def say(word: str) -> str:
        return _T[word][language]

    limits = [say(word) for word in (camera.begins, camera.ends) if word in _T]
    counted = f"{unbroken(local(camera.counted_from, zone))} \u2013 {unbroken(local(camera.counted_to, zone))}"
    rows = [
        (say("available"), element("b", percent(camera.availability_percent, language))),
        (say("counted"), f"{counted} ({duration(camera.counted_s, language)})" + (f": {', '.join(limits)}" if limits else "")),
        (say("restarts"), say("restart_words").format(camera.restarts)),
        (say("clips"), say("clip_words").format(camera.clips)),
        (say("holds"), say("hold_words").format(camera.holds, camera.releases)),
        (say("erased"), say("erased_words").format(camera.erased, camera.erased_early)),
        (say("signed"), say("signed_words").format(camera.unsigned_stretches, camera.unsigned_gops)),
        (say("clock"), say("clock_words").format(duration(camera.undated_s, language), camera.undated_left)),
    ]
    head = element("h2", _name(camera), style="break-before: page")
    return [
        head,
        facts(rows),
        element("p", picture(camera, month, language, number)),
        _legend(language),
        element("h2", say("outages"), style="break-after: avoid"),
        *_outages(camera.outages, language, zone),
    ]


def _outages(outages: Sequence[Outage], language: Language, zone: ZoneInfo) -> list[Html]:
    if not outages:
        return [element("p", _T["no_outages"][language])]
    longest = sorted(outages, key=lambda each: each.seconds, reverse=True)
    shown = sorted(longest[:LISTED], key=lambda each: each.start)
    headings = [_T[word][language] for word in ("from", "to", "length", "reason")]
    rows = [
        (unbroken(local(each.start, zone)), _end(each, language, zone), duration(each.seconds, language), _why(each, language))
        for each in shown
    ]
    found = [table(headings, rows, numbers=(2,))]
    if len(outages) > LISTED:
        rest_s = sum(each.seconds for each in longest[LISTED:])
        found.append(element("p", _T["more"][language].format(LISTED, len(outages), duration(rest_s, language))))
    return found


def _end(outage: Outage, language: Language, zone: ZoneInfo) -> str:
    return _T["goes_on"][language] if outage.open else unbroken(local(outage.end, zone))


def _why(outage: Outage, language: Language) -> Html:
    words = REASONS[outage.reason][language]
    notes = [_T[word][language] for word in ("before" if outage.cut_start else "", "after" if outage.cut_end else "") if word]
    text = f"{words} ({', '.join(notes)})" if notes else words
    return element("span", text, *([Html("<br>"), element("span", outage.text, class_="quiet")] if outage.text else []))


def _name(camera: CameraMonth) -> str:
    return f"{camera.camera} - {camera.name}" if camera.name else camera.camera
