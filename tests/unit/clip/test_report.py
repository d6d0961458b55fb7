"""The printed report: what it says, that it loads nothing, and that no word of a request becomes markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.stills import Coded
from edge.clip.report import report
from edge.clip.report_words import WORDS
from edge.clip.sheet import Sheet, Still
from edge.clip.signing import NO_SEAL
from edge.messages.clip import ClipFile, ClipRequest, GapSpan
from edge.messages.package import Statement
from edge.messages.records import GapReason
from edge.paper.page import Language
from edge.paper.words import REASONS
from tests.support.video import encode
from tests.unit.capture.test_stills import answers

NBSP = "\N{NO-BREAK SPACE}"
NAMES = ["cam0_a.mp4", "clip.json", "clip.json.jws", "report.pl.html", "report.en.html"]
languages = pytest.mark.parametrize("language", ["pl", "en"])


def statement(gaps: int = 0, files: int = 1, **words: str) -> Statement:
    known = {
        "operator": "st. insp. Żaneta Brzęczyszczykiewicz-Wiśniewska",
        "case": "RSOW 7/26",
        "basis": "art. 11 ust. 2 ustawy z dnia 29 sierpnia 1997 r. o strażach gminnych; § 5 rozporządzenia z 16 grudnia 2009 r.",
        "recipient": "Komenda Rejonowa Policji Warszawa I, Wydział do walki z Przestępczością Przeciwko Mieniu",
    }
    reasons = list(REASONS["en"])
    return Statement(
        node="pole-17",
        place=words.pop("place", "skrzyżowanie ul. Świętokrzyskiej i ul. Marszałkowskiej, słup nr 17"),
        timezone=words.pop("timezone", "Europe/Warsaw"),
        camera="cam0",
        camera_name=words.pop("camera_name", "kierunek północny"),
        version="0.1.0",
        made="2026-11-22T14:00:00.000Z",
        clock="trusted",
        clock_error_ms=3.5,
        request=ClipRequest(id="c-1", camera="cam0", start="2026-10-25T00:59:50.000Z", end="2026-10-25T01:00:10.000Z", **(known | words)),
        files=[_file(number) for number in range(files)],
        gaps=[
            GapSpan(start="2026-10-25T00:59:58.000Z", end="2026-10-25T01:00:01.500Z", reason=reasons[number % len(reasons)])
            for number in range(gaps)
        ],
        records=[],
        fingerprint="fe" * 32,
        assurance="hardware",
        certificates="",
    )


def _file(number: int) -> ClipFile:
    return ClipFile(
        name=f"cam0_20261025T0059{50 + number}.000Z.mp4",
        bytes=12_345_678,
        sha256=f"{number:02x}" * 32,
        codec="h264",
        asked_start="2026-10-25T00:59:50.000Z",
        asked_end="2026-10-25T01:00:10.000Z",
        delivered_start="2026-10-25T00:59:50.000Z",
        delivered_end="2026-10-25T01:00:10.000Z",
        frames=1501,
        span="b/1",
        segments=[1],
        clock="trusted",
    )


def made(language: Language, told: Statement | None = None, *, unsigned: str = "", sheet: Sheet | None = None) -> str:
    return report(told or statement(), "ab" * 32, unsigned, [], sheet or Sheet([], "failed"), language, NAMES)


class Page(HTMLParser):
    """Tags, attributes and the text a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.words += " " if tag in ("td", "th", "br", "tr", "p", "h2", "li", "div") else ""

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style":
            self.words += data.replace(NBSP, " ")


@languages
def test_it_says_who_for_what_when_and_the_hash_to_compare(language: Language) -> None:
    words = Page(made(language)).words
    for expected in (
        "RSOW 7/26",
        "Brzęczyszczykiewicz-Wiśniewska",
        "art. 11 ust. 2",
        "Komenda Rejonowa",
        "pole-17",
        "kierunek północny (cam0)",
    ):
        assert expected in words
    assert "abab abab abab abab abab abab abab abab" in words
    assert "fefe fefe" in words
    assert f"edge verify . --trust CA.pem --lang {language}" in words


def test_times_stand_in_local_time_with_their_offset_and_in_utc_on_the_night_the_clocks_change() -> None:
    english = Page(made("en")).words
    assert "2026-10-25 02:59:50.000 +02:00 CEST 2026-10-25 00:59:50.000 UTC" in english
    assert "2026-10-25 02:00:10.000 +01:00 CET 2026-10-25 01:00:10.000 UTC" in english
    assert "2026-10-25 02:00:10,000 +01:00 CET" in Page(made("pl")).words


@languages
def test_a_zone_that_the_node_does_not_know_leaves_utc_and_a_note(language: Language) -> None:
    words = Page(made(language, statement(timezone="Mars/Olympus"))).words
    assert "2026-10-25 00:59:50" in words
    assert "Mars/Olympus" in words


@languages
@pytest.mark.parametrize("reason", sorted(REASONS["en"]))
def test_gaps_have_their_reasons_in_words(language: Language, reason: GapReason) -> None:
    gap = GapSpan(start="2026-10-25T00:59:58.000Z", end="2026-10-25T01:00:01.500Z", reason=reason)
    words = Page(made(language, msgspec.structs.replace(statement(), gaps=[gap]))).words
    assert REASONS[language][reason] in words
    assert {"pl": "3,5 s", "en": "3.5 s"}[language] in words
    assert WORDS[language].no_gaps not in words
    assert WORDS[language].no_gaps in Page(made(language)).words


@languages
def test_what_is_not_signed_says_so_and_names_no_key(language: Language) -> None:
    words = Page(made(language, unsigned="the chip answers with an error")).words
    assert "the chip answers with an error" in words
    assert "fefe" not in words
    assert "edge verify" not in words, "there is nothing to verify but hashes"
    assert WORDS[language].by_hash in words
    assert WORDS[language].no_seal in Page(made(language, unsigned=NO_SEAL)).words


@languages
def test_the_report_has_a_place_for_the_hand_over(language: Language) -> None:
    words = Page(made(language)).words
    own = WORDS[language]
    for expected in (own.handover, own.date, own.medium, own.giver, own.taker, own.sign_giver, own.sign_taker, *NAMES):
        assert expected in words


@languages
def test_nothing_is_loaded_from_anywhere_and_nothing_runs(language: Language) -> None:
    text = made(language, sheet=Sheet([Still(1_795_353_900_000_000_000, b"\xff\xd8jpeg")]))
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert [value[:23] for name, value in page.attributes if name in ("src", "href", "srcset")] == ["data:image/jpeg;base64,"]
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bon[a-z]+=", text)
    assert "default-src 'none'" in text


MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "&lt;b&gt;", "{statement}", "{0}", "%s", "<!--"]
WORD_NAMES = ("operator", "case", "basis", "recipient")
hostile = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "&lt;b&gt;", "{statement}", "{0}", "%s", "<!--"]
    ),
)


@cache
def tags_of(language: Language) -> list[str]:
    return Page(made(language, statement(camera_name="x", place="x"), unsigned="x")).tags


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["pl", "en"]),
    st.fixed_dictionaries(dict.fromkeys(WORD_NAMES, hostile)),
    hostile,
    hostile,
)
def test_whatever_the_words_are_they_stay_words(language: Language, words: dict[str, str], place: str, why: str) -> None:
    page = Page(made(language, statement(0, 1, camera_name="x", place=place, **words), unsigned=why or "x"))
    assert page.tags == tags_of(language)
    seen = page.words.replace("\r", "\n")
    for word in (*words.values(), place, why):
        plain = word.replace(NBSP, " ").replace("\r\n", "\n").replace("\r", "\n")
        assert "\0" in plain or plain in seen or plain in seen.replace("\n\n", "\n")


@pytest.mark.slow
@languages
@pytest.mark.parametrize(("gaps", "files", "pages"), [(0, 1, 2), (4, 3, 3)])
def test_it_prints_on_as_few_pages_as_it_needs(tmp_path: Path, language: Language, gaps: int, files: int, pages: int) -> None:
    """Two for what is common: the report, and how to verify it with the hand-over record; a blank page behind it for nobody."""
    browser, pdfinfo = shutil.which("chromium"), shutil.which("pdfinfo")
    if browser is None or pdfinfo is None:
        pytest.skip("chromium and pdfinfo (poppler-utils) are not both installed")
    key = encode(frames=1, width=640, height=360)[0].data
    (jpeg,) = answers([Coded("h264", key)])
    stills = [Still(1_795_353_900_000_000_000 + number * 1_000_000_000, jpeg) for number in range(12)]
    path = tmp_path / "report.html"
    path.write_text(made(language, statement(gaps, files), sheet=Sheet(stills)), encoding="utf-8")
    printed = tmp_path / "report.pdf"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", str(path)], capture_output=True, timeout=100, check=True)
    told = subprocess.run([pdfinfo, str(printed)], capture_output=True, text=True, timeout=20, check=True).stdout
    assert re.search(rf"Pages: +{pages}\b", told), told
    assert "A4" in told
