"""Moments, lengths, numbers and hashes on paper."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import NS_PER_S, parse_utc, to_ns
from edge.paper import forms
from edge.paper.page import Language
from edge.paper.words import CLOCKS, REASONS

NBSP = "\N{NO-BREAK SPACE}"
languages: list[Language] = ["pl", "en"]


def test_numbers_are_written_as_the_language_does() -> None:
    assert forms.number(1234567.25, "en", 1) == "1,234,567.2"
    assert forms.number(1234567.25, "pl", 1) == f"1{NBSP}234{NBSP}567,2"
    assert forms.size(2_345_678, "en") == f"2,345,678{NBSP}B (2.3{NBSP}MB)"
    assert forms.size(2_345_678, "pl") == f"2{NBSP}345{NBSP}678{NBSP}B (2,3{NBSP}MB)"
    assert forms.size(512, "en") == f"512{NBSP}B"


@pytest.mark.parametrize(
    ("seconds", "english", "polish"),
    [(0.1, "0.1 s", "0,1 s"), (59.4, "59.4 s", "59,4 s"), (727, "12 min 07 s", "12 min 07 s"), (11100, "3 h 05 min", "3 godz. 05 min")],
)
def test_lengths_are_written_for_people(seconds: float, english: str, polish: str) -> None:
    length_ns = round(seconds * NS_PER_S)
    assert [forms.length(length_ns, language).replace(NBSP, " ") for language in ("en", "pl")] == [english, polish]


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first, second = parse_utc("2026-10-25T00:30:00.000Z"), parse_utc("2026-10-25T01:30:00.000Z")
    assert forms.local(first, "Europe/Warsaw", "en") == f"2026-10-25{NBSP}02:30:00.000 +02:00 CEST"
    assert forms.local(second, "Europe/Warsaw", "en") == f"2026-10-25{NBSP}02:30:00.000 +01:00 CET"
    assert forms.local(second, "Europe/Warsaw", "pl") == f"2026-10-25{NBSP}02:30:00,000 +01:00 CET"


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31), timezones=st.timezones()))  # noqa: DTZ001 - bounds take no zone
def test_a_local_time_with_its_offset_is_the_moment_it_came_from(moment: datetime) -> None:
    utc_ns = to_ns(moment)
    text = forms.local(utc_ns, "Europe/Warsaw", "en").replace(NBSP, " ")
    assert abs(parse_utc(" ".join(text.split(" ")[:3]).replace(" ", "T", 1).replace(" ", "")) - utc_ns) < 1_000_000


def test_a_zone_that_this_machine_does_not_know_gives_no_local_time() -> None:
    assert forms.local(0, "Europe/Nowhere", "pl") == ""
    assert forms.local(0, "../../etc/passwd", "pl") == ""


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_in_fours_is_the_whole_hash(digest: bytes) -> None:
    markup = forms.grouped(digest.hex())
    plain = re.sub(r"<[^>]*>", "", markup.replace("<br>", NBSP))
    assert [len(group) for group in plain.split(NBSP)] == [4] * 16
    assert plain.replace(NBSP, "") == digest.hex()


def test_every_reason_and_clock_state_has_words_in_each_language() -> None:
    assert {len(set(words.values())) for words in REASONS.values()} == {len(REASONS["en"])}
    assert set(REASONS["pl"]) == set(REASONS["en"])
    assert set(CLOCKS["pl"]) == set(CLOCKS["en"])
