"""The configuration is broken, gone or full of lies: recording goes on, or ends with 78 and words."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.read import last_good_path
from tests.support.command import edge
from tests.support.node_process import end, records, running, sealed, wait_for
from tests.support.nodefile import write_config

GOOD = """
[node]
id = "pole-1"
data = "data"
run = "run"

[clock]
trust = "assume"

[ring]
segment_s = 2.0

[[camera]]
id = "cam0"
source = "synthetic:"
width = 320
height = 180
fps = 10
motion = false
"""
BROKEN = GOOD.replace("segment_s = 2.0", "segment_s = 2000.0\nsegmnt = 1")


def test_a_broken_new_file_never_stops_recording(tmp_path: Path) -> None:
    config = write_config(tmp_path, GOOD)
    with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
        wait_for(lambda: sealed(tmp_path), recorder)
        end(recorder)
    assert last_good_path(config).read_text("utf-8") == GOOD
    before = len(sealed(tmp_path))
    write_config(tmp_path, BROKEN)
    with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
        wait_for(lambda: len(sealed(tmp_path)) > before + 1, recorder)
        said = end(recorder)
    assert "its last good copy is in force" in said
    (fault,) = records(tmp_path, "config_fault")
    assert fault["facts"]["path"] == str(config)
    assert len(fault["facts"]["errors"]) == 2
    assert "2 to 300 s" in fault["facts"]["errors"][0]
    assert last_good_path(config).read_text("utf-8") == GOOD
    assert edge("ring", "check", "--config", config).code == 0


def test_the_whole_node_runs_on_with_the_last_good_file(tmp_path: Path) -> None:
    config = write_config(tmp_path, BROKEN)
    last_good_path(config).write_text(GOOD, encoding="utf-8")
    with running("run", "--config", str(config)) as node:
        wait_for(lambda: sealed(tmp_path), node)
        said = end(node)
    assert "recorder cam0: stopped with 0" in said
    assert len(records(tmp_path, "config_fault")) == 1


@pytest.mark.parametrize("text", ["", "[node", "\x00", BROKEN, GOOD.replace("cam0", "../cam0"), GOOD.replace("synthetic:", "rtmp://x/y")])
def test_without_a_good_copy_it_ends_with_78_in_words_and_writes_nothing(tmp_path: Path, text: str) -> None:
    config = write_config(tmp_path, text)
    for words in (("record", "--camera", "cam0"), ("run",)):
        outcome = edge(*words, "--config", config)
        assert outcome.code == 78
        assert str(config) in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["node.toml"]


def test_a_last_good_copy_that_is_broken_too_is_never_used(tmp_path: Path) -> None:
    config = write_config(tmp_path, BROKEN)
    last_good_path(config).write_text(BROKEN, encoding="utf-8")
    outcome = edge("record", "--camera", "cam0", "--config", config)
    assert outcome.code == 78
    assert "ring.segmnt" in outcome.err


def test_a_camera_that_is_not_configured_ends_with_2_and_names_those_that_are(tmp_path: Path) -> None:
    outcome = edge("record", "--camera", "cam7", "--config", write_config(tmp_path, GOOD))
    assert outcome.code == 2
    assert "cam0" in outcome.err


def test_a_secret_that_others_may_read_ends_with_78(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("user=a\npassword=b\n", encoding="utf-8")
    (tmp_path / "secret").chmod(0o644)
    text = GOOD.replace('"synthetic:"', '"rtsp://127.0.0.1:1/x"\nsecrets = "secret"')
    outcome = edge("record", "--camera", "cam0", "--config", write_config(tmp_path, text))
    assert outcome.code == 78
    assert "chmod 600" in outcome.err
