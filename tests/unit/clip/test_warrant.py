"""Nothing leaves without who takes it and for which case."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clip.warrant import LONGEST, check_warrant
from edge.errors import Refused
from edge.messages.clip import ClipRequest

GOOD = ClipRequest(id="c-1", camera="cam0", start="a", end="b", operator="Ż. Brzęczyszczykiewicz", case="RSOW 12/26", recipient="KRP\xa0I")


def code_of(request: ClipRequest) -> str:
    try:
        check_warrant(request)
    except Refused as refused:
        return refused.code
    return ""


def test_names_with_the_letters_and_blanks_people_use_pass() -> None:
    assert code_of(GOOD) == ""


@pytest.mark.parametrize("missing", ["", " ", "\t\n", "\xa0"])
@pytest.mark.parametrize("name", ["operator", "case"])
def test_a_word_that_says_nothing_is_missing(name: str, missing: str) -> None:
    assert code_of(msgspec.structs.replace(GOOD, **{name: missing})) == "no_case"


@pytest.mark.parametrize("name", ["operator", "case", "basis", "recipient"])
@pytest.mark.parametrize("bad", ["a\nb", "a\x00", "\x7f1", "a\u202eb", "a\u2066b", "a\u2028b", "\ud800", "a" * (LONGEST + 1)])
def test_what_cannot_stand_on_paper_as_it_is_is_refused(name: str, bad: str) -> None:
    assert code_of(msgspec.structs.replace(GOOD, **{name: bad})) == "bad_words"


@given(st.text(max_size=300))
def test_what_passes_is_one_printable_line(word: str) -> None:
    if code_of(msgspec.structs.replace(GOOD, case=word)) == "":
        assert word.strip()
        assert len(word.splitlines()) == 1
        assert len(word) <= LONGEST
        word.encode()
