from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop
from tests.support.command import edge, environment
from tests.support.nodefile import write_config
from tests.support.ondisk import OnDisk, make_node


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    return make_node(tmp_path)


def test_the_newest_records_of_all_journals_come_by_time(node: OnDisk) -> None:
    outcome = edge("journal", "tail", "--config", node.config)
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert len(lines) == 6
    assert [line.split("  ")[2].split()[0] for line in lines] == ["segment", "segment", "gap", "segment", "segment", "episode"]
    assert "reason=camera_died" in lines[2]
    assert lines[0].startswith("2024-06-01 12:00:02.000  recorder.cam0 #1  segment cam0 ")


def test_fewer_and_one_journal_can_be_asked_for(node: OnDisk) -> None:
    outcome = edge("journal", "tail", "--config", node.config, "--journal", "recorder.cam0", "-n", "2")
    assert [line.split("  ")[1] for line in outcome.out.splitlines()] == ["recorder.cam0 #4", "recorder.cam0 #5"]
    assert edge("journal", "tail", "--config", node.config, "-n", "0").out == ""


def test_json_has_the_record_verbatim(node: OnDisk) -> None:
    raw = (node.data / "journal" / "watcher" / "000000000001.jsonl").read_text("utf-8").strip()
    line = edge("journal", "tail", "--config", node.config, "--journal", "watcher", "--json").out.strip()
    assert line == f'{{"journal":"watcher","record":{raw}}}'
    assert json.loads(line)["record"]["type"] == "episode"


def test_an_unknown_journal_is_a_wrong_word_that_names_the_known_ones(node: OnDisk) -> None:
    outcome = edge("journal", "tail", "--config", node.config, "--journal", "recorder.cam7")
    assert outcome.code == 2
    assert "recorder.cam0, watcher" in outcome.err


def test_a_node_that_never_ran_has_nothing_to_show(tmp_path: Path) -> None:
    outcome = edge("journal", "tail", "--config", write_config(tmp_path))
    assert (outcome.code, outcome.out) == (0, "")


def test_following_shows_what_is_written_from_now_on_until_ctrl_c(node: OnDisk) -> None:
    words = [sys.executable, "-u", "-m", "edge", "journal", "tail", "--config", str(node.config), "-n", "1", "--follow"]
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert "#1  episode" in process.stdout.readline()
        journal = JournalWriter(LinuxDisk(), node.data / "journal" / "watcher", ManualClock(), "boot")
        journal.append(Stop(reason="stopped in order"))
        journal.close()
        assert "watcher #2  stop" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130, process.stderr.read()
        assert process.stderr.read() == ""
