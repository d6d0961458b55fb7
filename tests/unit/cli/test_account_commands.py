"""`edge custody`, `edge report month`, `edge centre report month`, `edge journal export` and `check`, as commands."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from edge.centre.archive import Archive
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import epoch_of
from edge.messages.audit import CustodyLog, MonthReport, TownMonth
from edge.messages.wire import Event
from tests.support.command import Outcome, edge
from tests.support.ondisk import OnDisk, at, make_node

QUOTA = "[hold]\nquota_percent = 90.0\n"


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    made = make_node(tmp_path, QUOTA)
    held = ("hold", "add", "--config", made.config, "--from", at(1), "--to", at(3), "--case", "RSOW 12/26", "--by", "a.nowak")
    assert edge(*held).code == 0
    return made


def exported(node: OnDisk, path: Path, *more: str) -> Outcome:
    return edge("journal", "export", "--config", node.config, "--journal", "recorder.cam0", "-o", path, *more)


def test_an_export_is_the_journal_byte_for_byte_and_checks_anywhere(node: OnDisk, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    outcome = exported(node, path, "--json")
    assert outcome.code == 0, outcome.err
    (source,) = (node.data / "journal" / "recorder.cam0").glob("*.jsonl")
    assert path.read_bytes() == source.read_bytes()
    told = json.loads(outcome.out)
    checked = edge("journal", "check", path, "--head", told["head_sha256"], "--json", cwd=tmp_path.parent)
    assert (checked.code, json.loads(checked.out)["whole"]) == (0, True)
    assert exported(node, path).code == 2
    assert edge("journal", "export", "--config", node.config, "--journal", "../x", "-o", tmp_path / "y").code == 2
    assert exported(node, tmp_path / "no" / "where").code == 2


def test_an_export_of_a_period_has_no_hole(node: OnDisk, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    assert exported(node, path, "--from", at(3), "--to", at(9)).code == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(lines[0]["seq"], lines[-1]["seq"] + 1))
    assert lines[0]["seq"] > 1
    assert edge("journal", "check", path).code == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0], *lines[2:]], "missing"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "stands behind"),
        (lambda lines: [lines[0].replace(b'"frames":50', b'"frames":49'), *lines[1:]], "not continue"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], "cut short"),
        (lambda lines: [*lines, b"\xff\xfe\n"], "no records"),
        (lambda lines: [*lines, b"[" * 100_000 + b"\n"], "no records"),
        (lambda lines: [*lines, lines[0]], "another journal begins"),
        (lambda lines: [], "no record in it"),
    ],
)
def test_whatever_is_done_to_an_export_is_found(node: OnDisk, tmp_path: Path, change: object, words: str) -> None:
    path = tmp_path / "out.jsonl"
    exported(node, path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))  # type: ignore[operator]
    outcome = edge("journal", "check", path)
    assert outcome.code == 65, outcome.out
    assert words in outcome.out


def test_an_export_that_ends_too_early_is_found_by_its_head(node: OnDisk, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    head = json.loads(exported(node, path, "--json").out)["head_sha256"]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert edge("journal", "check", path).code == 0
    assert edge("journal", "check", path, "--head", head).code == 65
    assert edge("journal", "check", tmp_path / "nothing").code == 2


def test_the_custody_log_is_printed_exported_and_says_when_the_chain_is_broken(node: OnDisk, tmp_path: Path) -> None:
    plain = edge("custody", "--config", node.config)
    assert plain.code == 0, plain.err
    assert "by a.nowak  case RSOW 12/26" in plain.out
    assert "chain whole" in plain.out
    page = tmp_path / "custody.html"
    as_json = edge("custody", "--config", node.config, "--json", "--html", page, "--lang", "en")
    log = msgspec.json.decode(as_json.out, type=CustodyLog)
    assert [(entry.kind, entry.who) for entry in log.entries] == [("hold", "a.nowak")]
    assert "RSOW 12/26" in page.read_text()
    (journal,) = (node.data / "journal" / "local").glob("*.jsonl")
    edge("hold", "release", log.entries[0].id, "--config", node.config, "--by", "k.lis", "--why", "over")
    journal.write_bytes(journal.read_bytes().replace(b"a.nowak", b"b.nowak"))
    broken = edge("custody", "--config", node.config)
    assert broken.code == 65
    assert "chain BROKEN" in broken.out


def test_the_month_goes_to_files_and_to_the_terminal(node: OnDisk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    outcome = edge("report", "month", "2024-06", "--config", node.config, "-o", out, "--lang", "en")
    assert outcome.code == 0, outcome.err
    report = msgspec.json.decode((out / "availability-pole-1-2024-06.json").read_bytes(), type=MonthReport)
    (camera,) = report.cameras
    assert camera.recorded_s == 8.0
    assert (camera.outages[0].reason, camera.outages[0].seconds) == ("camera_died", 3.0)
    assert "June 2024" in (out / "availability-pole-1-2024-06.en.html").read_text()
    assert "records read in" in outcome.err
    plain = edge("report", "month", "2024-06", "--config", node.config)
    assert plain.out.splitlines()[1].startswith("cam0  ")
    assert edge("report", "month", "2024-06", "--config", node.config, "--json").code == 0


@pytest.mark.parametrize("words", [("2024-6",), ("2024-06", "--camera", "cam7"), ("2024-06", "-o", "x.pdf")])
def test_wrong_words_are_refused(node: OnDisk, words: tuple[str, ...]) -> None:
    assert edge("report", "month", "--config", node.config, *words).code == 2


def test_the_centre_tells_the_same_month_from_its_own_copy(node: OnDisk, tmp_path: Path) -> None:
    folder = tmp_path / "centre"
    archive = Archive(LinuxDisk(), folder)
    for journal in ("recorder.cam0", "local"):
        (source,) = (node.data / "journal" / journal).glob("*.jsonl")
        lines = source.read_bytes().splitlines()
        for line in lines:
            for name in ("pole-1", "pole-2"):
                archive.offer(name, Event(node=name, journal=journal, epoch=epoch_of(lines[0]), record=msgspec.Raw(line)))
    archive.sync()
    archive.close()
    words = ("centre", "report", "month", "2024-06", "--folder", folder)
    mine = msgspec.json.decode(edge("report", "month", "2024-06", "--config", node.config, "--json").out, type=MonthReport)
    theirs = msgspec.json.decode(edge(*words, "--node", "pole-1", "--json").out, type=MonthReport)
    assert theirs.source == "centre"
    assert [msgspec.structs.replace(each, name="") for each in mine.cameras] == theirs.cameras
    out = tmp_path / "out"
    out.mkdir()
    outcome = edge(*words, "-o", out, "--lang", "pl")
    assert outcome.code == 0, outcome.err
    town = msgspec.json.decode((out / "availability-2024-06.json").read_bytes(), type=TownMonth)
    assert [(row.node, row.camera) for row in town.rows] == [("pole-1", "cam0"), ("pole-2", "cam0")]
    names = {path.name for path in out.iterdir()}
    assert {"availability-2024-06.pl.html", "availability-pole-2-2024-06.pl.html"} <= names
    assert edge(*words, "--node", "pole-9").code == 2
    custody = edge("centre", "report", "custody", "pole-1", "--folder", folder, "--json")
    assert custody.code == 0, custody.err
    log = msgspec.json.decode(custody.out, type=CustodyLog)
    assert (log.source, [entry.who for entry in log.entries]) == ("centre", ["a.nowak"])
    assert edge("centre", "report", "custody", "pole-9", "--folder", folder).code == 2
    assert edge("centre", "report", "month", "2024-06", "--folder", tmp_path / "none").code == 2
