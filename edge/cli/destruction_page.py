"""The destruction protocol on paper ("Protokół zniszczenia nagrań"), in Polish, as a commission signs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from edge import __version__
from edge.cli import polish
from edge.clock import NS_PER_S, parse_utc
from edge.journal.period import Period
from edge.paper.page import Html, element, facts, join, page, table
from edge.ring.destruction import Destroyed, Destruction, list_sha256

_UNDATED = "bez daty"
_MORE_STYLE = Html(
    "<style>.annex{break-before:page}.annex table{font-size:7pt;line-height:1.2}.annex td{padding:.35mm 1.5mm .35mm 0}"
    ".annex code{font-size:6.2pt;overflow-wrap:normal;white-space:nowrap}.days code{font-size:6.4pt;white-space:nowrap}"
    ".days table{font-size:8pt}.days td,.days th{padding-right:1.5mm}section{break-inside:avoid-page}"
    ".note{border:.3mm solid #111;padding:1.5mm 3mm;margin:2mm 0}.signatures{margin-top:16mm;row-gap:16mm;break-inside:avoid}</style>"
)


def destruction_page(found: Destruction, node: str, place: str, zone: str, made_ns: int) -> str:
    """The whole file. zone: of the local times. made_ns: now, UTC."""
    destroyed = found.destroyed
    return page(
        f"Protokół zniszczenia nagrań {node}",
        "pl",
        _MORE_STYLE,
        element("h1", "Protokół zniszczenia nagrań"),
        _heading(found, node, place, zone, made_ns),
        _law(destroyed),
        _summary(destroyed, zone),
        _early(destroyed, zone),
        _holds(found, zone),
        _days(destroyed, zone),
        _journals(found, zone),
        _statement(found),
        _annex(destroyed, zone),
    )


def _heading(found: Destruction, node: str, place: str, zone: str, made_ns: int) -> Html:
    start, end = polish.moment(found.start_ns, zone), polish.moment(found.end_ns, zone)
    length_ns = sum(_length_ns(each) for each in found.destroyed)
    total = sum(each.facts.bytes for each in found.destroyed)
    return facts(
        [
            ("Numer protokołu", "………………………… / …………………………"),
            ("Miejscowość, data", "………………………………………………………………"),
            ("Urządzenie", f"rejestrator {node}" + (f", {place}" if place else "")),
            ("Okres zniszczenia", f"od {start} do {end} (czas lokalny {zone})"),
            ("Zniszczono", f"{polish.segments(len(found.destroyed))}, {polish.duration(length_ns)} nagrań, {polish.size(total)}"),
            ("Kamery", ", ".join(found.cameras()) or "brak zniszczeń w tym okresie"),
            ("Sposób", "automatyczne usunięcie plików z nośnika rejestratora; zwolnione miejsce zajmują kolejne nagrania"),
            ("Źródło", "wyłącznie dzienniki rejestratora (zapisy łączone skrótem SHA-256)"),
            ("Sporządzono", f"{polish.moment(made_ns, zone)}, edge-recorder {__version__}"),
        ]
    )


def _law(destroyed: Sequence[Destroyed]) -> Html:
    policies = Counter(each.facts.policy for each in destroyed)
    if not policies:
        return Html("")
    bases = list(dict.fromkeys(polish.law(policy) for policy in policies))
    rules = table(
        ["Zasada przechowywania w chwili zniszczenia", "Segmenty"],
        [[polish.policy(policy), polish.number(count)] for policy, count in sorted(policies.items())],
        numbers=[1],
    )
    return element("section", element("h2", "Podstawa prawna"), *(element("p", basis) for basis in bases), rules)


def _summary(destroyed: Sequence[Destroyed], zone: str) -> Html:
    if not destroyed:
        return element("p", "W podanym okresie nie zniszczono żadnych nagrań.", class_="note")
    headings = ["Kamera", "Przyczyna", "Nagrania od", "do", "Segmenty", "Czas nagrań", "Rozmiar"]
    rows = []
    for (camera, why), group in groupby(sorted(destroyed, key=_camera_and_reason), key=_camera_and_reason):
        each = list(group)
        first, last = _reach(each, zone)
        length = polish.duration(sum(_length_ns(one) for one in each))
        size = polish.size(sum(one.facts.bytes for one in each))
        rows.append([camera, why, first, last, polish.number(len(each)), length, size])
    return element("section", element("h2", "Zestawienie"), table(headings, rows, numbers=[4]))


def _early(destroyed: Sequence[Destroyed], zone: str) -> Html:
    early = [each for each in destroyed if each.is_early]
    if not early:
        return Html("")
    first, last = _reach(early, zone)
    cameras = ", ".join(sorted({each.camera for each in early}))
    text = (
        f"Uwaga: {polish.segments(len(early))} zniszczono przed upływem okresu minimalnego "
        f"(kamery: {cameras}; nagrania od {first} do {last}). Przyczyna i czas każdego zniszczenia są w załączniku."
    )
    return element("p", element("strong", text), class_="note")


def _holds(found: Destruction, zone: str) -> Html:
    """What was kept from destruction, or let go, in the period."""
    rows = [
        [held.case, held.camera_id, f"{_local(held.start, zone)} – {_local(held.end, zone)}", f"zabezpieczono: {held.by}"]
        for held in found.holds.values()
    ]
    rows += [[gone.case or gone.id, "", _local(at, zone), f"zwolniono: {gone.by} – {gone.why}"] for at, gone in found.releases]
    if not rows:
        return Html("")
    headings = ["Sprawa", "Kamera", "Czas", "Kto"]
    return element("section", element("h2", "Zabezpieczenia w tym okresie (nagrania wyłączone ze zniszczenia)"), table(headings, rows))


def _days(destroyed: Sequence[Destroyed], zone: str) -> Html:
    if not destroyed:
        return Html("")
    headings = ["Kamera", "Dzień nagrania", "Segmenty", "Czas nagrań", "Rozmiar", "SHA-256 wykazu dnia (zob. załącznik)"]
    rows = [
        [
            camera,
            day,
            polish.number(len(each)),
            polish.duration(sum(_length_ns(one) for one in each)),
            polish.size(sum(one.facts.bytes for one in each)),
            element("code", list_sha256(each)),
        ]
        for camera, day, each in _by_day(destroyed, zone)
    ]
    return element("div", element("h2", "Dni nagrań"), table(headings, rows, numbers=[2]), class_="days")


def _journals(found: Destruction, zone: str) -> Html:
    headings = ["Dziennik", "Zapisy w okresie", "Łańcuch", "SHA-256 ostatniego zapisu w okresie"]
    rows = []
    for period in found.journals:
        numbers = f"{polish.number(period.first)} – {polish.number(period.last)}" if period.records else "brak"
        verdict = "ciągły" if not period.faults else element("strong", "PRZERWANY")
        rows.append([period.journal, numbers, verdict, element("code", period.head or "–")])
    remarks = [element("li", text) for period in found.journals for text in _remarks(period, found, zone)]
    return element(
        "div",
        element("h2", "Dzienniki"),
        table(headings, rows),
        element("ul", *remarks) if remarks else Html(""),
        class_="days",
    )


def _remarks(period: Period, found: Destruction, zone: str) -> Iterator[str]:
    """Holes: what the journal cannot tell of the period."""
    for fault in period.faults:
        yield f"{period.journal}: {fault}"
    if period.oldest_seq is None:
        yield f"{period.journal}: dziennik jest pusty"
    elif period.oldest_seq > 1 and period.oldest_t and parse_utc(period.oldest_t) > found.start_ns:
        yield (
            f"{period.journal}: zachowane zapisy zaczynają się od nr {polish.number(period.oldest_seq)} "
            f"({_local(period.oldest_t, zone)}); o wcześniejszej części okresu dziennik nic nie mówi"
        )


def _statement(found: Destruction) -> Html:
    untrusted = sum(not each.trusted for each in found.destroyed)
    unhashed = sum(not each.facts.sha256 for each in found.destroyed)
    lines = [
        "Komisja stwierdza, że nagrania wymienione w załączniku zostały zniszczone w podanym okresie. Każdy zapis zawiera nazwę, czas, "
        "przyczynę zniszczenia i skrót SHA-256 pliku sprzed zniszczenia.",
        "Ciągłość dzienników w tym okresie sprawdzono przy sporządzaniu protokołu: "
        + ("zapisy są kompletne i niezmienione." if found.is_whole else "łańcuch zapisów jest PRZERWANY – zob. część „Dzienniki”."),
    ]
    if untrusted:
        lines.append(
            f"Czas zniszczenia {polish.counted(untrusted, 'segmentu', 'segmentów', 'segmentów')} podano w przybliżeniu: zegar "
            "rejestratora nie był wtedy zsynchronizowany."
        )
    if unhashed:
        lines.append(f"Skrótu {polish.counted(unhashed, 'segmentu', 'segmentów', 'segmentów')} brak: pliku nie dało się już odczytać.")
    places = [
        "przewodniczący komisji (imię, nazwisko, podpis)",
        "członek komisji (imię, nazwisko, podpis)",
        "członek komisji (imię, nazwisko, podpis)",
        "zatwierdził: komendant straży (data, podpis)",
    ]
    signatures = element("div", *(element("div", text) for text in places), class_="signatures")
    return element("section", element("h2", "Oświadczenie komisji"), *(element("p", line) for line in lines), signatures)


def _annex(destroyed: Sequence[Destroyed], zone: str) -> Html:
    if not destroyed:
        return Html("")
    parts: list[object] = [element("h1", "Załącznik: wykaz zniszczonych segmentów")]
    headings = ["Nr", "Początek i koniec nagrania", "Zniszczono", "Przyczyna", "Plik i jego SHA-256"]
    for camera, day, each in _by_day(destroyed, zone):
        parts.append(element("h2", f"{camera} – nagrania z dnia {day}" if day != _UNDATED else f"{camera} – nagrania bez daty"))
        parts.append(table(headings, (_row(one, zone) for one in each), numbers=[0]))
        parts.append(element("p", "SHA-256 wykazu dnia: ", element("code", list_sha256(each)), class_="quiet"))
    return element("div", *parts, class_="annex")


def _row(each: Destroyed, zone: str) -> list[object]:
    known = each.facts
    when = (
        "czas nagrania nieznany" if known.start is None else f"{_local(known.start, zone)} – {_local(known.end or known.start, zone)[11:]}"
    )
    at = _local(each.at, zone) + ("" if each.trusted else " (ok.)")
    digest = element("code", known.sha256) if known.sha256 else "brak skrótu"
    return [known.seq, when, at, _reason(each), join([element("code", known.name), Html("<br>"), digest])]


def _by_day(destroyed: Sequence[Destroyed], zone: str) -> Iterator[tuple[str, str, list[Destroyed]]]:
    """By camera and local day of recording, in the order of recording."""

    def day(each: Destroyed) -> str:
        return _UNDATED if each.facts.start is None else polish.day(parse_utc(each.facts.start), zone)

    def moment(each: Destroyed) -> tuple[str, str, int]:
        return each.camera, each.facts.start or "", each.facts.seq

    for (camera, name), group in groupby(sorted(destroyed, key=moment), key=lambda each: (each.camera, day(each))):
        yield camera, name, list(group)


def _camera_and_reason(each: Destroyed) -> tuple[str, str]:
    return each.camera, _reason(each)


def _reason(each: Destroyed) -> str:
    return polish.REASONS.get(each.facts.reason, each.facts.reason) + (", przed okresem minimalnym" if each.is_early else "")


def _reach(destroyed: Sequence[Destroyed], zone: str) -> tuple[str, str]:
    starts = [each.facts.start for each in destroyed if each.facts.start is not None]
    ends = [each.facts.end for each in destroyed if each.facts.end is not None]
    return (_local(min(starts), zone), _local(max(ends), zone)) if starts and ends else (_UNDATED, _UNDATED)


def _length_ns(each: Destroyed) -> int:
    """By its name, which every record has."""
    words = each.facts.name.rpartition("/")[2].split("_")
    text = words[1].removesuffix("ms") if len(words) == 3 else ""
    return int(text) * NS_PER_S // 1000 if text.isdecimal() else 0


def _local(text: str, zone: str) -> str:
    return polish.moment(parse_utc(text), zone)
