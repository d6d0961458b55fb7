"""The words of a request, in one place: query parameters, and the header that may carry the case."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import unquote

from edge.clip.warrant import check_warrant
from edge.clock import NS_PER_S, Clock, format_utc
from edge.command.arguments import range_of, utc_of
from edge.command.clip import CLIP_MAX_S
from edge.errors import Refused
from edge.messages.clip import ClipRequest

CASE_HEADER = "edge-case"
"""Percent-encoded UTF-8 (RFC 3986), since a header is ASCII and a case reference need not be."""
PART_MAX = 9999
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


class Words:
    """query: (name, value) pairs as they came. allowed: what the endpoint knows. Raises Refused("bad_args") for other names, and for a
    name that comes twice: a slip must not become another question."""

    def __init__(self, query: Collection[tuple[str, str]], headers: Mapping[str, str], allowed: Collection[str]) -> None:
        self._given = dict(query)
        unknown = sorted(self._given.keys() - set(allowed))
        if unknown or len(self._given) != len(query):
            wrong = f"unknown: {', '.join(map(ascii, unknown))[:80]}" if unknown else "a name comes twice"
            raise Refused("bad_args", wrong, remedy=f"known here: {', '.join(allowed) or 'none'}")
        in_header = unquote(headers.get(CASE_HEADER, ""), errors="replace")
        in_query = self._given.get("case", "")
        if in_header and in_query and in_header != in_query:
            raise Refused("bad_args", "the case in the header is another than that in the address", remedy="send one of them")
        self.case = in_query or in_header

    def __getitem__(self, name: str) -> str:
        return self._given.get(name, "")

    def instant(self, name: str, otherwise_ns: int) -> int:
        """UTC nanoseconds. Raises Refused: bad_range."""
        return utc_of(_with_plus(self[name])) if self[name] else otherwise_ns

    def range(self, most_s: int) -> tuple[int, int]:
        """UTC nanoseconds. Raises Refused: bad_range."""
        return range_of(_with_plus(self["start"]), _with_plus(self["end"]), most_s)

    def part(self) -> int | None:
        """From 1. None: not named. Raises Refused: bad_args."""
        text = self["part"]
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(PART_MAX)) and int(text)):
            raise Refused("bad_args", "part is a number from 1", remedy="the address without part lists them")
        return int(text)


def warrant_of(words: Words, operator: str, camera: str, start_ns: int, end_ns: int, id: str) -> ClipRequest:
    """Who takes what for which case. Raises Refused: no_case, bad_words."""
    request = ClipRequest(
        id=id,
        camera=camera,
        start=format_utc(start_ns),
        end=format_utc(end_ns),
        operator=operator,
        case=words.case,
        basis=words["basis"],
        recipient=words["recipient"],
    )
    try:
        check_warrant(request)
    except Refused as refused:
        remedy = "add case=REFERENCE to the address, or the header Edge-Case" if refused.code == "no_case" else refused.remedy
        raise Refused(refused.code, refused.message, remedy=remedy) from refused
    return request


def clip_range(words: Words, clock: Clock) -> tuple[int, int]:
    """As the centre's command for clips. Raises Refused: bad_range."""
    start_ns, end_ns = words.range(CLIP_MAX_S)
    now = clock.read()
    if now.dated and end_ns > now.utc_ns:
        raise Refused("bad_range", f"end is {(end_ns - now.utc_ns) // NS_PER_S} s in the future", remedy="ask for what was recorded")
    return start_ns, end_ns


def _with_plus(text: str) -> str:
    """In an address a + that was not written %2B arrives as a blank: 14:05:00 01:00."""
    return _LOST_PLUS.sub(r"+\1", text)
