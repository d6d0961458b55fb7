"""Footage is shown to a named person for a case, and only once that stands in the journal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.audit.local_journal import record_before
from edge.clock import ManualClock
from edge.config.model import NodeConfig
from edge.config.read import load_config
from edge.errors import Refused
from edge.health.alarms import Alarms
from edge.health.probe import probe
from edge.health.report import health_document
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.evidence import Viewed
from edge.messages.records import facts_of
from edge.ring.layout import folders_of
from tests.support.command import environment
from tests.support.loop_disk import LoopDisk
from tests.support.nodefile import SMALLEST, write_config

VIEW = Viewed(
    operator="a.nowak", case="RSOW 1/26", what="snapshot", camera_id="cam0", start="2026-11-22T10:00:00Z", end="2026-11-22T10:00:01Z"
)


def node(folder: Path, text: str = SMALLEST) -> NodeConfig:
    """With a volatile folder of its own: the default is one for each node id on a machine, and other tests' nodes have the same."""
    return load_config(write_config(folder, text.replace("[node]\n", '[node]\nrun = "run"\n'))).config


def test_the_record_is_on_disk_before_the_footage_is_shown(tmp_path: Path) -> None:
    """The process that showed it dies at once: what it wrote is there."""
    config = node(tmp_path)
    (tmp_path / "data").mkdir()
    script = (
        "import os, sys; from pathlib import Path; from edge.config.read import load_config\n"
        "from tests.unit.audit.test_record_before import VIEW, record_before\n"
        "record_before(load_config(Path(sys.argv[1])).config, [VIEW], 'cam0'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "node.toml")], env=environment(), timeout=60)
    (line,) = JournalReader(LinuxDisk(), folders_of(config).journal("local")).read()
    assert facts_of(line.record, Viewed) == VIEW


def alarms(config: NodeConfig) -> list[str]:
    judge = Alarms()
    judge.judge(health_document(config, probe(config, folders_of(config), LinuxDisk(), ManualClock())))
    return [code for code in judge.active if code.startswith("journal_refused")]


def test_where_it_cannot_be_recorded_nothing_is_shown_and_an_alarm_is_raised_until_it_can(tmp_path: Path) -> None:
    config = node(tmp_path)
    folders_of(config).volatile.mkdir(parents=True, exist_ok=True)
    (tmp_path / "data").mkdir()
    journal = tmp_path / "data" / "journal"
    journal.write_text("a file where the journals should be")
    with pytest.raises(Refused) as refused:
        record_before(config, [VIEW], "cam0")
    assert refused.value.code == "not_recorded"
    assert alarms(config) == ["journal_refused.local"]
    journal.unlink()
    record_before(config, [VIEW], "cam0")
    assert alarms(config) == []


@pytest.mark.root
def test_a_full_disk_still_takes_the_record_and_a_read_only_one_refuses_the_view(tmp_path: Path) -> None:
    disk = LoopDisk(tmp_path, size_mb=16)
    try:
        config = node(tmp_path, SMALLEST.replace('"data"', f'"{disk.root}"'))
        record_before(config, [VIEW], "cam0")
        subprocess.run(["dd", "if=/dev/zero", f"of={disk.root / 'filler'}", "bs=64k"], stderr=subprocess.DEVNULL)
        for _ in range(20):
            record_before(config, [VIEW], "cam0")
        subprocess.run(["mount", "-o", "remount,ro", str(disk.root)], check=True)
        with pytest.raises(Refused, match="cannot be recorded"):
            record_before(config, [VIEW], "cam0")
        assert len(list(JournalReader(LinuxDisk(), folders_of(config).journal("local")).read(durable=False))) == 21
    finally:
        disk.unmount()
