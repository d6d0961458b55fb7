from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.host.linux_disk import LinuxDisk
from tests.support.command import edge
from tests.support.nodefile import SMALLEST, write_config


def test_a_good_file_is_ok(tmp_path: Path) -> None:
    outcome = edge("config", "check", "--config", write_config(tmp_path))
    assert outcome.code == 0
    assert "OK" in outcome.out
    assert "30 days (profile pl-guard): about 1,296 GB" in outcome.out


def test_all_errors_come_one_a_line_and_78(tmp_path: Path) -> None:
    outcome = edge("config", "check", "--config", write_config(tmp_path, more="fps = 100\nwdth = 7\n[ring]\nsegment_s = 1\n"))
    assert outcome.code == 78
    assert outcome.out == ""
    lines = outcome.err.splitlines()
    assert lines[0].endswith("3 errors")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["camera[0].fps", "camera[0].wdth", "ring.segment_s"]


def test_a_secret_that_others_may_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x", encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    config = write_config(tmp_path, more='[upload]\nurl = "https://h/"\ntoken_file = "token"\n')
    outcome = edge("config", "check", "--config", config)
    assert outcome.code == 78
    assert "upload.token_file" in outcome.err
    assert "0644" in outcome.err


def test_programs_get_json(tmp_path: Path) -> None:
    config = write_config(tmp_path, more="fps = 100\n")
    outcome = edge("config", "check", "--json", "--config", config)
    report = json.loads(outcome.out)
    assert outcome.code == 78
    assert report["ok"] is False
    assert report["problems"] == [{"path": "camera[0].fps", "text": "100 is too large; allowed 1 to 60 frames/s"}]
    assert json.loads(edge("config", "check", "--json", "--config", write_config(tmp_path)).out)["ok"] is True


def test_check_reads_the_file_itself_also_when_a_last_good_copy_is_there(tmp_path: Path) -> None:
    config = write_config(tmp_path, "nonsense")
    (tmp_path / "node.toml.last-good").write_text(SMALLEST, encoding="utf-8")
    assert edge("config", "check", "--config", config).code == 78
    explained = edge("config", "explain", "node.id", "--config", config)
    assert explained.code == 0
    assert 'node.id = "pole-1"' in explained.out
    assert "last good copy is used" in explained.err


def test_explain_shows_origin_unit_and_range(tmp_path: Path) -> None:
    outcome = edge("config", "explain", "ring", "--config", write_config(tmp_path, more="[ring]\nsegment_s = 10\n"))
    assert "ring.segment_s     = 10.0 s  [node.toml]" in outcome.out
    assert "allowed 2 to 300 s" in outcome.out
    values = json.loads(edge("config", "explain", "ring.sync", "--json", "--config", tmp_path / "node.toml").out)
    assert values[0]["origin"] == "default"


def test_explaining_what_is_not_there_is_a_wrong_word(tmp_path: Path) -> None:
    outcome = edge("config", "explain", "rings", "--config", write_config(tmp_path))
    assert outcome.code == 2
    assert "there is no key rings" in outcome.err


def test_the_schema_is_json() -> None:
    assert json.loads(edge("config", "schema").out)["$defs"]["Camera"]


def test_without_any_file_the_places_are_named(tmp_path: Path) -> None:
    outcome = edge("config", "check", cwd=tmp_path)
    assert outcome.code == 78
    assert "node.toml" in outcome.err


def test_a_service_without_a_usable_configuration_ends_with_78(tmp_path: Path) -> None:
    config = write_config(tmp_path, more="fps = 100\n")
    for words in (["watch"], ["agent"], ["run"], ["record", "--camera", "cam0"]):
        outcome = edge(*words, "--config", config)
        assert outcome.code == 78, words
        assert "camera[0].fps: 100 is too large" in outcome.err


def test_a_disk_that_cannot_hold_the_legal_minimum_is_a_warning_with_figures(tmp_path: Path) -> None:
    config = write_config(tmp_path, more="bitrate_kbps = 50000\n" + second_camera(50_000) + "[retention]\ndays = 60\nminimum_days = 59\n")
    total_gb = LinuxDisk().space(tmp_path).total_bytes / 1e9
    if total_gb > 60_000:
        pytest.skip(f"this disk of {total_gb:,.0f} GB holds it")
    outcome = edge("config", "check", "--config", config)
    assert outcome.code == 0
    (warning,) = outcome.err.splitlines()
    assert warning.startswith(f"warning: {tmp_path}/data has {total_gb:,.1f} GB")
    assert "(1,080.0 GB a day)" in warning
    assert "the legal minimum is 59 days" in warning
    told = json.loads(edge("config", "check", "--json", "--config", config).out)
    assert (told["ok"], len(told["warnings"])) == (True, 1)


def test_a_disk_that_is_large_enough_is_no_warning(tmp_path: Path) -> None:
    more = 'bitrate_kbps = 100\n[retention]\nprofile = "custom"\nbasis = "test"\nminimum_days = 0.5\n'
    outcome = edge("config", "check", "--config", write_config(tmp_path, more=more))
    assert (outcome.code, outcome.err) == (0, "")


def second_camera(kbps: int) -> str:
    return f'[[camera]]\nid = "cam1"\nsource = "synthetic:"\nbitrate_kbps = {kbps}\n'
