"""What every printed account says of itself: who, when, from what, and whether the journals are whole."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from edge.audit.words import Words, local
from edge.messages.audit import ChainState, CustodyLog, MonthReport
from edge.paper.page import Html, Language, element, join, table

_T: dict[str, Words] = {
    "node": {"pl": "urządzenie", "en": "node"},
    "made": {"pl": "sporządzono", "en": "made"},
    "zone": {"pl": "czas lokalny", "en": "local time"},
    "from_node": {"pl": "z dzienników urządzenia", "en": "from the node's own journals"},
    "from_centre": {"pl": "z kopii dzienników w centrum", "en": "from the centre's copy of the journals"},
    "chains": {"pl": "Dzienniki", "en": "Journals"},
    "whole": {"pl": "łańcuch nieprzerwany", "en": "whole chain"},
    "broken": {"pl": "ŁAŃCUCH PRZERWANY", "en": "CHAIN BROKEN"},
    "lives": {"pl": "dziennik zaczęty od nowa: {0} razy", "en": "begun anew {0} times"},
    "journal": {"pl": "dziennik", "en": "journal"},
    "records": {"pl": "zapisy", "en": "records"},
    "chain": {"pl": "łańcuch", "en": "chain"},
    "head": {"pl": "SHA-256 ostatniego zapisu", "en": "SHA-256 of the last record"},
    "what": {
        "pl": "Każdy zapis zawiera skrót SHA-256 poprzedniego; sprawdzono zapisy użyte w tym zestawieniu. Podpis: węzeł podpisuje ostatnie "
        "skróty (punkt kontrolny), a centrum je przechowuje - porównaj skrót poniżej.",
        "en": "Each record holds the SHA-256 of the one before it; those used here were checked. Signature: the node signs the newest "
        "hashes (checkpoint) and the centre keeps them - compare the hash below.",
    },
}


def made_line(account: MonthReport | CustodyLog, language: Language) -> Html:
    zone = ZoneInfo(account.timezone)
    source = _T["from_centre" if account.source == "centre" else "from_node"][language]
    place = f", {account.place}" if account.place else ""
    text = f"{_T['node'][language]} {account.node}{place}; {_T['made'][language]} {local(account.made, zone)} {source}"
    return element("p", f"{text}; {_T['zone'][language]}: {account.timezone}; edge-recorder {account.version}", class_="quiet")


def chains(states: Sequence[ChainState], language: Language) -> list[Html]:
    if not states:
        return []
    rows = [
        (each.journal, f"{each.first_seq}\u2013{each.last_seq}", _verdict(each, language), element("code", each.head_sha256))
        for each in states
    ]
    headings = [_T[word][language] for word in ("journal", "records", "chain", "head")]
    together = "break-after: avoid"
    return [
        element("h2", _T["chains"][language], style=together),
        element("p", _T["what"][language], class_="quiet", style=together),
        table(headings, rows),
    ]


def _verdict(state: ChainState, language: Language) -> Html:
    verdict = element("span", _T["whole"][language]) if state.whole else element("b", _T["broken"][language])
    notes = [*([_T["lives"][language].format(state.lives - 1)] if state.lives > 1 else []), *state.faults]
    return join((verdict, *(join((Html("<br>"), note)) for note in notes)))
