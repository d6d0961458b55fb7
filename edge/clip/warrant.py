"""Who takes footage, and for which case: without these nothing leaves the node."""

from __future__ import annotations

import unicodedata

from edge.errors import Refused
from edge.messages.clip import ClipRequest

LONGEST = 240
"""Characters of one of a request's words: they stand in records, messages and on paper."""
_BREAKS = ("Zl", "Zp")


def check_warrant(request: ClipRequest) -> None:
    """Raises Refused: no_case without an operator or a case; bad_words for what cannot stand on paper as it is - too long, control
    characters, marks that turn the direction of writing."""
    missing = [name for name, word in (("operator", request.operator), ("case", request.case)) if not word.strip()]
    if missing:
        raise Refused("no_case", "footage is given out to somebody, for a case", remedy=f"name the {' and the '.join(missing)}")
    for name in ("operator", "case", "basis", "recipient"):
        word: str = getattr(request, name)
        if len(word) > LONGEST or any(_is_unprintable(each) for each in word):
            raise Refused("bad_words", f"{name} must be at most {LONGEST} printable characters on one line")


def _is_unprintable(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind.startswith("C") or kind in _BREAKS
