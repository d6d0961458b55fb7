from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from edge.cli import polish
from tests.support.command import edge
from tests.support.destroyed import CONFIG, Destroyed, make_destroyed
from tests.support.ondisk import OnDisk, at, make_node
from tests.support.plain_ring import CAMERA


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Destroyed:
    return make_destroyed(tmp_path_factory.mktemp("node"))


def protocol(node: Destroyed, folder: Path, *more: str) -> tuple[str, str]:
    """What the command says, and the page as text."""
    file = folder / "protokol.html"
    words = ["--from", "2026-10-01", "--to", "2026-12-01", "-o", str(file), *more]
    outcome = edge("retention", "protocol", "--config", node.config, *words)
    assert outcome.code == 0, outcome.err
    return outcome.out, plain(file.read_text("utf-8"))


def plain(page: str) -> str:
    """Without its markup."""
    text = re.sub(r"<(style|title)>.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_the_protocol_says_what_a_commission_signs(node: Destroyed, tmp_path: Path) -> None:
    said, text = protocol(node, tmp_path)
    count = 35 + 33 * 24 - len(node.ring.seqs())
    assert f"{count} segments of cam1, gate, 29 of them early; journals whole" in said
    assert text.startswith("Protokół zniszczenia nagrań")
    assert "rejestrator pole-17, ul. Długa 5 <Rynek>" in text
    assert f"Zniszczono {polish.segments(count)}" in text
    assert "art. 11 ustawy z dnia 29 sierpnia 1997 r. o strażach gminnych" in text
    assert "profil custom: nie krócej niż 20 dni, nie dłużej niż 45 dni – podstawa: uchwała Rady Miasta nr XII/345/2025" in text
    assert "Uwaga: 29 segmentów zniszczono przed upływem okresu minimalnego (kamery: gate;" in text
    assert "wycofanie urządzenia z użytkowania" in text
    assert "zapisy są kompletne i niezmienione" in text
    assert "Czas zniszczenia 4 segmentów podano w przybliżeniu" in text
    assert "Skrótu 1 segmentu brak" in text
    assert "RSOW-12/26 cam1 02.10.2026 12:00:00 – 02.10.2026 12:30:00 zabezpieczono: a.nowak" in text
    assert "przewodniczący komisji (imię, nazwisko, podpis)" in text


def test_the_annex_has_every_segment_with_its_hash_and_the_page_loads_nothing(node: Destroyed, tmp_path: Path) -> None:
    _, text = protocol(node, tmp_path)
    page = (tmp_path / "protokol.html").read_text("utf-8")
    names = set(re.findall(r"\b\d{8}T\d{6}\.\d{3}Z_\d+ms_\d{9}\.mp4", text))
    assert len(names) == 35 - 4 + 33 * 24 - len(node.ring.seqs())
    assert text.count("nagrania bez daty") == 1
    annex = text.partition("Załącznik: wykaz zniszczonych segmentów")[2]
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", annex))) >= len(names)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "<Rynek>" not in page


def test_the_order_of_days_is_that_of_the_calendar(node: Destroyed, tmp_path: Path) -> None:
    _, text = protocol(node, tmp_path, "--camera", CAMERA)
    days = re.findall(r"cam1 – nagrania z dnia (\d\d\.\d\d\.\d{4})", text)
    assert days == sorted(days, key=lambda day: day.split(".")[::-1])
    assert "gate" not in text.replace("recorder.gate", "")


def test_nothing_destroyed_is_a_protocol_too(node: Destroyed, tmp_path: Path) -> None:
    file = tmp_path / "p.html"
    words = ["--from", "2026-10-05", "--to", "2026-10-06", "-o", str(file)]
    assert edge("retention", "protocol", "--config", node.config, *words).code == 0
    assert "W podanym okresie nie zniszczono żadnych nagrań." in plain(file.read_text("utf-8"))


def test_a_broken_chain_is_in_the_protocol_and_the_exit_code(node: Destroyed, tmp_path: Path) -> None:
    shutil.copytree(node.data / "journal", tmp_path / "data" / "journal")
    (tmp_path / "node.toml").write_text(CONFIG, "utf-8")
    path = tmp_path / "data" / "journal" / "recorder.gate" / "000000000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"reason":"space"', b'"reason":"age"', 1))
    words = ["--from", "2026-10-01", "--to", "2026-12-01", "-o", str(tmp_path / "p.html")]
    outcome = edge("retention", "protocol", "--config", tmp_path / "node.toml", *words)
    assert outcome.code == 65
    assert "BROKEN" in outcome.out
    assert "recorder.gate: 000000000001.jsonl: record 2 does not continue the line before it" in outcome.err
    text = plain((tmp_path / "p.html").read_text("utf-8"))
    assert "łańcuch zapisów jest PRZERWANY" in text
    assert "record 2 does not continue" in text


def test_older_records_that_are_gone_are_stated(node: Destroyed, tmp_path: Path) -> None:
    shutil.copytree(node.data / "journal", tmp_path / "data" / "journal")
    (tmp_path / "node.toml").write_text(CONFIG, "utf-8")
    journal = tmp_path / "data" / "journal" / "recorder.gate"
    lines = (journal / "000000000001.jsonl").read_bytes().split(b"\n")
    (journal / "000000000011.jsonl").write_bytes(b"\n".join(lines[10:]))
    (journal / "000000000001.jsonl").unlink()
    words = ["--from", "2026-10-01", "--to", "2026-12-01", "-o", str(tmp_path / "p.html")]
    assert edge("retention", "protocol", "--config", tmp_path / "node.toml", *words).code == 0
    assert "recorder.gate: zachowane zapisy zaczynają się od nr 11" in plain((tmp_path / "p.html").read_text("utf-8"))


def test_a_file_that_exists_is_not_replaced_and_nonsense_is_usage(node: Destroyed, tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("mine", "utf-8")
    here = ["retention", "protocol", "--config", str(node.config)]
    taken = edge(*here, "--from", "2026-10-01", "--to", "2026-12-01", "-o", str(tmp_path / "p.html"))
    assert (taken.code, (tmp_path / "p.html").read_text("utf-8")) == (2, "mine")
    assert "exists already" in taken.err
    assert edge(*here, "--from", "2026-12-01", "--to", "2026-10-01", "-o", str(tmp_path / "q.html")).code == 2
    assert edge(*here, "--from", "soon", "--to", "2026-10-01", "-o", str(tmp_path / "q.html")).code == 2
    assert edge(*here, "--from", "2026-10-01", "--to", "2026-12-01", "-o", str(tmp_path / "no" / "q.html")).code == 74
    assert not (tmp_path / "q.html").exists()


def test_the_report_tells_reach_forecast_next_erasure_and_holds(tmp_path: Path) -> None:
    node = make_node(tmp_path, '[hold]\nquota_percent = 90.0\n[clock]\ntrust = "assume"\n')
    words = ["--from", at(1), "--to", at(3), "--case", "RSOW 12/26", "--by", "a.nowak", "--review-date", "2024-12-01", "--id", "h1"]
    assert edge("hold", "add", "--config", node.config, *words).code == 0
    outcome = edge("retention", "report", "--config", node.config)
    assert outcome.code == 0
    assert "erased after 3650 days, not before 0; custom allows 0 to 3650 days" in outcome.out
    assert re.search(r"cam0 +\d+\.\d +\d+\.\d +\d+\.\d  2024-06-01 12:00  20\d\d-\d\d-\d\d \d\d:\d\d \((age|space)\)", outcome.out)
    assert "hold h1:" in outcome.out
    assert "past review: h1" in outcome.out
    told = json.loads(edge("retention", "report", "--json", "--config", node.config).out)
    (camera,) = told["cameras"]
    assert camera["oldest"] == "2024-06-01T10:00:00.000Z"
    assert camera["horizon"]["measured"] is True
    assert camera["horizon"]["forecast_days"] <= 3650
    assert [hold["id"] for hold in camera["holds"]] == ["h1"]
    assert told["late"] == ["h1"]


@pytest.mark.parametrize(("language", "title"), [("pl", "Przechowywanie nagrań"), ("en", "Retention of footage")])
def test_the_report_is_a_page_too(node: Destroyed, tmp_path: Path, language: str, title: str) -> None:
    file = tmp_path / "r.html"
    assert edge("retention", "report", "--config", node.config, "--html", file, "--lang", language).code == 0
    text = plain(file.read_text("utf-8"))
    assert text.startswith(title)
    assert "pole-17" in text
    assert "cam1" in text


def test_footage_past_its_time_is_no_answer_of_the_local_tools_although_nobody_has_swept(tmp_path: Path) -> None:
    node: OnDisk = make_node(tmp_path, '[clock]\ntrust = "assume"\n', for_years=False)
    span = ["--from", at(0), "--to", at(4), "--config", str(node.config)]
    told = json.loads(edge("timeline", "--json", *span).out)[0]
    assert told["spans"] == []
    assert {gap["reason"] for gap in told["gaps"]} == {"erased"}
    clip = edge("clip", "--camera", "cam0", *span, "-o", str(tmp_path / "c.mp4"), "--operator", "a.nowak", "--case", "RSOW 12/26")
    assert clip.code == 77
    assert not (tmp_path / "c.mp4").exists()
    held = edge("hold", "add", *span, "--case", "RSOW 12/26", "--by", "a.nowak")
    assert held.code == 0
    assert "0 segments" in held.out
    assert "was due for destruction: not kept" in held.err
    assert [path.stat().st_nlink for path in node.segments] == [1, 1, 1, 1]


def test_polish_numbers_and_words() -> None:
    assert [polish.segments(count) for count in (1, 2, 5, 12, 22, 112)] == [
        "1 segment",
        "2 segmenty",
        "5 segmentów",
        "12 segmentów",
        "22 segmenty",
        "112 segmentów",
    ]
    assert polish.number(1234567.8, 1) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,8"
    assert polish.size(31_200_000) == "31,2\N{NO-BREAK SPACE}MB"
    assert polish.duration(90_061 * 10**9).replace("\N{NO-BREAK SPACE}", " ") == "1 d 1 h 1 min"
    assert polish.policy("anything else") == "anything else"
    assert polish.law("pl-municipal: at most 90 days, at least 20").startswith("art. 9a")
