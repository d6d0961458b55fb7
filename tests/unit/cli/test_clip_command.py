from __future__ import annotations

import hashlib
import json
from pathlib import Path

import av
import pytest

from tests.support.command import edge
from tests.support.ondisk import OnDisk, at, make_node

WHO = ("--operator", "a.nowak", "--case", "7/26")


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    return make_node(tmp_path)


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_clip_is_a_file_that_plays_with_the_stated_hash(node: OnDisk, tmp_path: Path) -> None:
    out = tmp_path / "evidence.mp4"
    outcome = edge("clip", "--config", node.config, "--camera", "cam0", "--from", at(1), "--to", at(3), "-o", out, *WHO, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    manifest = json.loads(outcome.out)
    assert manifest["request"]["operator"] == "a.nowak"
    assert manifest["files"][0]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert manifest["files"][0]["bytes"] == out.stat().st_size
    assert manifest["gaps"] == []
    assert pictures(out) == 50 + 1, "two seconds, and the closing picture"


def test_several_stretches_get_several_files_and_a_warning_names_the_gap(node: OnDisk, tmp_path: Path) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(2), "--to", at(9), "-o", tmp_path / "c.mp4", *WHO)
    assert outcome.code == 0
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["c-1.mp4", "c-2.mp4"]
    assert outcome.err == f"warning: missing {at(4)} to {at(7)}: camera_died\n"
    assert outcome.out.count("sha256") == 2
    assert [pictures(tmp_path / name) for name in ("c-1.mp4", "c-2.mp4")] == [50, 51]


def test_a_folder_gets_names_of_camera_and_time(node: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "out", *WHO).code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cam0_20240601T100000.000Z.mp4"]


def test_nothing_at_all_is_refused_and_leaves_nothing(node: OnDisk, tmp_path: Path) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(-60), "--to", at(-30), "-o", tmp_path / "c.mp4", *WHO)
    assert outcome.code == 77
    assert "no footage" in outcome.err
    assert list(tmp_path.glob("*.mp4")) == []


def test_a_file_that_exists_is_not_replaced(node: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "c.mp4").write_text("precious", encoding="utf-8")
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "c.mp4", *WHO)
    assert outcome.code == 2
    assert "exists already" in outcome.err
    assert (tmp_path / "c.mp4").read_text("utf-8") == "precious"


def test_a_folder_that_is_not_there_is_told(node: OnDisk, tmp_path: Path) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "no" / "c.mp4", *WHO)
    assert outcome.code == 2
    assert "there is no folder" in outcome.err


def test_damage_is_left_out_with_a_warning(node: OnDisk, tmp_path: Path) -> None:
    """The second GOP of the first segment: its pictures are missing, all others are delivered."""
    data = bytearray(node.segments[0].read_bytes())
    place = data.find(b"mdat", data.find(b"mdat") + 4) + 500
    data[place : place + 64] = bytes(64)
    node.segments[0].write_bytes(data)
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(4), "-o", tmp_path / "c.mp4", *WHO)
    assert outcome.code == 0
    assert "damaged" in outcome.err
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["c-1.mp4", "c-2.mp4"]


def test_taking_a_clip_is_recorded_with_who_and_why(node: OnDisk, tmp_path: Path) -> None:
    out = tmp_path / "c.mp4"
    edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", out, *WHO)
    tail = edge("journal", "tail", "--config", node.config, "--journal", "local", "--json")
    record = json.loads(tail.out)["record"]
    facts = record["facts"]
    assert (record["type"], facts["operator"], facts["case"], facts["how"]) == ("export", "a.nowak", "7/26", "file")
    assert [file["sha256"] for file in facts["files"]] == [hashlib.sha256(out.read_bytes()).hexdigest()]


@pytest.mark.parametrize("who", [(), WHO[:2], (*WHO[:3], "  "), WHO[2:]])
@pytest.mark.parametrize("form", [(), ("--package",)])
def test_nothing_is_given_out_without_who_takes_it_and_for_which_case(
    node: OnDisk, tmp_path: Path, who: tuple[str, ...], form: tuple[str, ...]
) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "c", *form, *who)
    assert outcome.code == 2
    assert "add --operator NAME and --case REFERENCE" in outcome.err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("word", ["a\nb", "a\x1b[31mb", "a\u202eb", "\u2028", "x" * 241])
def test_words_that_cannot_stand_on_paper_are_refused(node: OnDisk, tmp_path: Path, word: str) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "c", *WHO[:2], "--case", f"7{word}")
    assert outcome.code == 2
    assert "case must be at most 240 printable characters" in outcome.err


@pytest.mark.parametrize("form", [("-o", "taken"), ("--package", "taken")])
def test_without_a_journal_that_takes_the_record_nothing_is_given_out(node: OnDisk, tmp_path: Path, form: tuple[str, str]) -> None:
    (tmp_path / "data" / "journal" / "local").write_text("a file where the journal should be")
    before = sorted(path.name for path in tmp_path.iterdir())
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), *form, *WHO, cwd=tmp_path)
    assert outcome.code == 77
    assert "that cannot be recorded" in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_no_temporary_file_stays(node: OnDisk, tmp_path: Path) -> None:
    edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "-o", tmp_path / "c.mp4", *WHO)
    assert list(tmp_path.glob(".*part")) == []
