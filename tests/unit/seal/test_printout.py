"""edge/seal/words.py, print_words.py, printout.py and verification.py: everything is said in both languages, and keys stay."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import get_args

import msgspec
import pytest

from edge.messages.records import GapReason
from edge.seal import print_words
from edge.seal.printout import grouped, printout, reason_text, verdict_text
from edge.seal.verification import EXIT_CODES, Agreement, Frames, GapFound, Reason, Verdict, Verification
from edge.seal.verify import verify
from edge.seal.words import LANGUAGES, MEANINGS, REASONS, VERDICTS, Language
from tests.support.identities import Town, identity_of
from tests.support.sealed_package import Draft, with_gap
from tests.support.signed import sign_span, write_clip
from tests.support.video import encode

SEAL = Path(__file__).resolve().parents[3] / "edge" / "seal"
TABLES = [getattr(print_words, name) for name in ("GAPS", "GAP_REASONS", "NOT_PROVEN", "AGREEMENTS", "CLOCKS", "ASSURANCES", "LABELS")]


def source() -> str:
    return "".join(path.read_text("utf-8") for path in sorted(SEAL.glob("*.py")) if "words" not in path.name)


@pytest.fixture
def package(tmp_path: Path) -> Verification:
    node = identity_of(Town(), "pole-17")
    clip = write_clip(sign_span(encode(frames=76), node).packets)
    made = with_gap(Draft(node, [("gate.mp4", clip, 0.0, 2.96)], asked=(0.0, 10.0)), 3.0, 10.0)
    return verify(made.write(tmp_path / "pkg"), None)


def test_every_code_has_words_and_every_words_a_code() -> None:
    told = set(re.findall(r'\.add\(\s*"(?:contradicts|unverifiable|gap|note)", "(\w+)"', source()))
    told |= set(re.findall(r'return "(statement_\w+)"|else "(statement_\w+)"', source())[0]) - {""}
    assert told - set(REASONS) == set()
    assert {code for code in REASONS if f'"{code}"' not in source()} == set()


def test_both_languages_say_the_same_things() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for table in [*TABLES, REASONS]:
        for code, (english, polish) in table.items():
            assert names(english) == names(polish), code
            assert english, code
            assert polish, code
    assert set(VERDICTS) == set(MEANINGS) == set(EXIT_CODES) == set(get_args(Verdict))
    assert set(print_words.AGREEMENTS) == set(get_args(Agreement))
    assert set(print_words.GAP_REASONS) == set(get_args(GapReason))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict_comes_first_and_everything_is_there(package: Verification, language: Language) -> None:
    lines = printout(package, language)
    assert lines[0].startswith({"pl": "CZĘŚCIOWO SPRAWDZONE", "en": "PARTLY VERIFIED"}[language])
    text = "\n".join(lines)
    for told in (
        "pole-17/gate",
        "Rynek 1",
        "Brama",
        "k.nowak",
        "RSD 1/26",
        "art. 15",
        "KPP",
        "gate.mp4",
        "12 ms",
        "14:25:00.120 Europe/Warsaw",
    ):
        assert told in text
    assert {"pl": "brak zasilania", "en": "power was cut"}[language] in text
    assert grouped(package.files[0].sha256[:32]) in text
    assert {"pl": "Czego to nie dowodzi", "en": "What this does not prove"}[language] in text
    assert not re.search(r"[{}]", text)


def test_every_reason_can_be_printed() -> None:
    for code, (english, _) in REASONS.items():
        facts: dict[str, str | int] = {name: 1 for _, name, _, _ in Formatter().parse(english) if name and name != "count"}
        for language in LANGUAGES:
            text = reason_text(Reason(effect="note", code=code, count=2, facts=facts), language)
            assert "{" not in text


def test_unknown_words_and_control_characters_do_no_harm(package: Verification) -> None:
    reasons = [Reason(effect="note", code="newer\x1b[31m", count=1, facts={})]
    reasons.append(Reason(effect="contradicts", code="file_of_other_camera", count=1, facts={"name": "a\x1b[2Jb\u202e", "serial": "x\ny"}))
    gaps = [GapFound(why="newer", start="\x1b", end="", reason="other", file="\x07")] * 30
    text = printout(msgspec.structs.replace(package, reasons=reasons, gaps=gaps), "en")
    assert all(line.isprintable() for line in text)
    assert "and 10 more" in "\n".join(text)


def test_verdicts_have_their_words() -> None:
    assert [VERDICTS[verdict] for verdict in EXIT_CODES] == [
        "AUTENTYCZNE",
        "AUTENTYCZNE Z BRAKAMI",
        "CZĘŚCIOWO SPRAWDZONE",
        "NIEAUTENTYCZNE",
        "NIEPODPISANE",
    ]
    assert list(EXIT_CODES.values()) == [0, 2, 3, 4, 5]


def test_the_keys_of_the_json_stay(package: Verification) -> None:
    """Programs read them: new keys may come, none may go."""
    made = msgspec.json.decode(msgspec.json.encode(package))
    assert set(made) == {
        *("v", "kind", "name", "verdict", "exit_code", "reasons", "gaps", "frames", "signer", "times", "counters", "checks", "files"),
        *("not_proven", "request", "made", "statement_sha256"),
    }
    assert set(made["reasons"][0]) == {"effect", "code", "count", "facts", "file"}
    assert set(made["gaps"][0]) == {"why", "start", "end", "gops", "pictures", "explained", "reason", "file"}
    assert set(made["frames"]) == {"total", "verified", "by_package", "altered", "missing", "unverifiable", "closing"}
    assert set(made["times"]) == {"first", "last", "clock", "error_ms", "zone"}
    assert set(made["counters"]) == {"first", "last", "contiguous", "spans"}
    assert set(made["checks"]) == {"parameter_sets", "timing", "file_hash", "statement", "journal"}
    assert set(made["files"][0]) == {"name", "bytes", "sha256", "container", "codec", "frames", "times", "counters", "checks"}
    assert msgspec.convert(made, Verification) == package
    assert verdict_text(package, "pl") == "CZĘŚCIOWO SPRAWDZONE"
    assert package.frames == Frames(total=76, verified=75, by_package=1)
