"""The configuration is broken, gone or full of lies: recording goes on, or ends with 78 and words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from edge.config.read import last_good_path
from tests.support.command import edge, environment
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
LIMIT_S = 40.0


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", "edge", *words], env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline_s, turn = time.monotonic() + LIMIT_S, Event()
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline_s
        turn.wait(0.1)


def sealed(folder: Path) -> list[Path]:
    return sorted((folder / "data/ring/cam0").glob("20*/*.mp4"))


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = [
        line for path in sorted((folder / "data/journal/recorder.cam0").glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    return [record for record in map(json.loads, lines) if record["type"] == kind]


def end(process: subprocess.Popen[str]) -> str:
    """Stop in order; what it said."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, said
    return said


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
