"""`edge events sheet` on a node whose footage and journals are on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from tests.support.command import Outcome, edge
from tests.support.ondisk import OnDisk, at, make_node

WHO = ("--operator", "a.nowak", "--case", "RSOW 12/26")


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    return make_node(tmp_path)


def sheet(node: OnDisk, *words: str | Path) -> Outcome:
    return edge("events", "sheet", "--config", node.config, "--from", at(0), "--to", at(11), *words)


def test_a_page_has_a_picture_of_each_episode_with_its_way_and_the_look_is_on_record(node: OnDisk, tmp_path: Path) -> None:
    outcome = sheet(node, "-o", tmp_path / "s.html", *WHO)
    assert outcome.code == 0
    assert "episodes: 1" in outcome.out
    page = (tmp_path / "s.html").read_text()
    assert page.count("<figure>") == page.count("data:image/jpeg;base64,/9j/") == page.count("<line ") == 1
    assert "kerb" in page
    assert "2024-06-01 12:00:01.000" in page
    custody = edge("custody", "--config", node.config, "--json").out
    assert "a.nowak" in custody
    assert "events" in custody


def test_a_picture_has_a_cell_for_each_episode(node: OnDisk, tmp_path: Path) -> None:
    assert sheet(node, "-o", tmp_path / "s.png", "--zone", "kerb", *WHO).code == 0
    picture = cv2.imread(str(tmp_path / "s.png"))
    assert picture is not None
    assert picture.shape == (40 + 180 + 44, 4 * 320, 3)
    yellow = (picture[:, :, 0] < 90) & (picture[:, :, 1] > 200) & (picture[:, :, 2] > 200)
    assert yellow[40:220, :320].sum() > 200, "the arrow"
    assert not yellow[:, 320:].any()


def test_footage_that_is_gone_leaves_its_place_empty(node: OnDisk, tmp_path: Path) -> None:
    for segment in node.segments:
        segment.unlink()
    for ending in ("html", "png"):
        outcome = sheet(node, "-o", tmp_path / f"s.{ending}", "--lang", "en", *WHO)
        assert outcome.code == 0
        assert "1 without footage" in outcome.out
    assert "no footage" in (tmp_path / "s.html").read_text()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-o", "s.gif", *WHO), "neither .html nor .png"),
        (("-o", "s.html"), "--operator"),
        (("-o", "there.html", *WHO), "exists already"),
        (("-o", "s.html", "--zone", "moon", *WHO), "zones: kerb"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(node: OnDisk, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "there.html").write_text("mine")
    before = {each.name for each in tmp_path.iterdir()}
    outcome = edge("events", "sheet", "--config", node.config, "--from", at(0), "--to", at(11), *words, cwd=tmp_path)
    assert outcome.code == 2
    assert why in outcome.err
    assert {each.name for each in tmp_path.iterdir()} == before
    assert (tmp_path / "there.html").read_text() == "mine"


def test_without_such_motion_nothing_is_written_and_nothing_recorded(node: OnDisk, tmp_path: Path) -> None:
    outcome = sheet(node, "-o", tmp_path / "s.html", "--min-score", "0.9", *WHO)
    assert (outcome.code, outcome.out.strip()) == (0, "no such motion: nothing was written")
    assert not (tmp_path / "s.html").exists()
    assert not (node.data / "journal" / "local").exists()


def test_where_the_look_cannot_be_recorded_nothing_is_shown(node: OnDisk, tmp_path: Path) -> None:
    shutil.rmtree(node.data / "journal" / "local", ignore_errors=True)
    (node.data / "journal" / "local").write_text("a file where a folder belongs")
    assert sheet(node, "-o", tmp_path / "s.html", *WHO).code == 77
    assert not (tmp_path / "s.html").exists()
