"""The custody log on paper. Built from the log alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from edge.audit.sheet import chains, made_line
from edge.audit.words import Words, local, unbroken
from edge.messages.audit import CustodyEntry, CustodyKind, CustodyLog
from edge.paper.page import Html, Language, element, join, page, table

_WIDTHS_MM = (40, 28, 26, 32, 37, 64, 40)
_STYLE = Html(
    "<style>@page { size: A4 landscape; } body { max-width: 267mm; } table { font-size: 8.5pt; } .entries table { table-layout: fixed; } "
    ".entries td { overflow-wrap: anywhere; } .entries code { font-size: 7.5pt; } .quiet { font-size: 7.5pt; } "
    + " ".join(f".entries th:nth-child({at}) {{ width: {width}mm; }}" for at, width in enumerate(_WIDTHS_MM, 1))
    + "</style>"
)

KINDS: dict[CustodyKind, Words] = {
    "view": {"pl": "podgląd", "en": "viewed"},
    "export": {"pl": "wydanie", "en": "exported"},
    "hold": {"pl": "blokada", "en": "locked"},
    "release": {"pl": "zwolnienie blokady", "en": "lock released"},
    "erase": {"pl": "zniszczenie", "en": "destroyed"},
    "command": {"pl": "polecenie centrum", "en": "command"},
    "clip": {"pl": "klip dla centrum", "en": "clip for the centre"},
    "decommission": {"pl": "wycofanie urządzenia", "en": "decommissioned"},
}

_STATES: dict[str, Words] = {
    "age": {"pl": "wiek", "en": "age"},
    "space": {"pl": "brak miejsca", "en": "space"},
    "budget": {"pl": "limit kamery", "en": "budget"},
    "early": {"pl": "(przed minimum)", "en": "(before the minimum)"},
    "file": {"pl": "plik", "en": "file"},
    "upload": {"pl": "do centrum", "en": "to the centre"},
    "accepted": {"pl": "przyjęte", "en": "accepted"},
    "running": {"pl": "w toku", "en": "running"},
    "done": {"pl": "wykonane", "en": "done"},
    "failed": {"pl": "nieudane", "en": "failed"},
    "cancelled": {"pl": "odwołane", "en": "cancelled"},
    "refused": {"pl": "odmowa", "en": "refused"},
    "begun": {"pl": "rozpoczęte", "en": "begun"},
    "ended": {"pl": "zakończone", "en": "ended"},
    "decommission": {"pl": "wycofanie urządzenia", "en": "decommissioned"},
}
_T: dict[str, Words] = {
    "title": {"pl": "Rejestr dostępu do nagrań", "en": "Custody log"},
    "period": {"pl": "Okres", "en": "Period"},
    "time": {"pl": "czas lokalny / UTC", "en": "local time / UTC"},
    "kind": {"pl": "czynność", "en": "what"},
    "who": {"pl": "kto", "en": "who"},
    "case": {"pl": "sprawa / odbiorca", "en": "case / recipient"},
    "footage": {"pl": "kamera, nagranie (czas lokalny)", "en": "camera, footage (local time)"},
    "text": {"pl": "szczegóły", "en": "details"},
    "record": {"pl": "zapis", "en": "record"},
    "none": {"pl": "Brak zapisów w tym okresie.", "en": "Nothing was recorded in this period."},
    "segments": {"pl": "segmenty: {0}", "en": "segments: {0}"},
    "untrusted": {"pl": "zegar niepewny", "en": "clock not trusted"},
    "signature": {"pl": "data i podpis sporządzającego", "en": "date and signature of who made this"},
    "signature2": {"pl": "data i podpis zatwierdzającego", "en": "date and signature of who approves it"},
}


def custody_page(log: CustodyLog, language: Language) -> str:
    """Self-contained HTML, landscape."""
    zone = ZoneInfo(log.timezone)
    title = f"{_T['title'][language]}: {log.node}"
    period = f"{_T['period'][language]}: {local(log.start, zone)} \u2013 {local(log.end, zone)}"
    body: list[object] = [_STYLE, element("h1", title), made_line(log, language), element("p", element("b", period))]
    if log.entries:
        headings = [_T[word][language] for word in ("time", "kind", "who", "case", "footage", "text", "record")]
        body.append(element("div", table(headings, (_row(entry, language, zone) for entry in log.entries)), class_="entries"))
    else:
        body.append(element("p", _T["none"][language]))
    signatures = [element("div", _T[word][language]) for word in ("signature", "signature2")]
    return page(title, language, *body, *chains(log.journals, language), element("div", *signatures, class_="signatures"))


def _row(entry: CustodyEntry, language: Language, zone: ZoneInfo) -> tuple[object, ...]:
    clock = [] if entry.clock == "trusted" else [Html("<br>"), _T["untrusted"][language]]
    state = [Html("<br>"), _state(entry.state, language)] if entry.state else []
    count = [_T["segments"][language].format(entry.count), Html("<br>")] if entry.kind == "erase" else []
    return (
        join((unbroken(entry.local), Html("<br>"), _quiet(unbroken(entry.t)), *clock)),
        join((element("b", KINDS[entry.kind][language]), *state)),
        entry.who,
        join((entry.case, *([Html("<br>"), entry.recipient] if entry.recipient else []))),
        join((entry.camera, *_footage(entry, zone))),
        join((*count, *([element("code", entry.id), Html("<br>")] if entry.id else []), entry.text)),
        join((f"{entry.journal} #{entry.seq}", Html("<br>"), element("code", entry.sha256[:16]))),
    )


def _footage(entry: CustodyEntry, zone: ZoneInfo) -> list[object]:
    if not entry.start or not entry.end:
        return []
    return [Html("<br>"), unbroken(local(entry.start, zone)), " \u2013", Html("<br>"), unbroken(local(entry.end, zone))]


def _state(words: str, language: Language) -> str:
    """A command's state may be a newer node's word."""
    return " ".join(_STATES[word][language] if word in _STATES else word for word in words.split(" "))


def _quiet(words: str) -> Html:
    return element("span", words, class_="quiet")
