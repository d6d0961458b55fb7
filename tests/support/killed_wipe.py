"""A decommissioning that is killed again and again, and called again each time."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import parse_line
from edge.messages.records import Erase, facts_of
from tests.support.command import environment
from tests.support.plain_ring import PlainRing

KILLS_MAX = 19


def erased(journal: Path) -> list[Erase]:
    lines = [parse_line(raw) for path in sorted(journal.glob("*.jsonl")) for raw in path.read_bytes().split(b"\n")[:-1]]
    return [facts_of(line.record, Erase) for line in lines if line is not None and line.record.type == "erase"]


def wiped_in_spite_of_kills(folder: Path, segments: int) -> int:
    """How often it was killed before it came to its end, KILLS_MAX at most. Fails where anything is left or was not recorded."""
    home = folder / "etc"
    home.mkdir()
    config = home / "node.toml"
    config.write_text('[node]\nid = "pole-1"\ndata = "data"\n[[camera]]\nid = "cam1"\nsource = "synthetic:"\n')
    ring = PlainRing(LinuxDisk(), ManualClock(), data=home / "data")
    for _ in range(segments):
        ring.record(recorded=False)
    kills = 0
    while (status := _wipe(config, kill=kills < KILLS_MAX)) == -signal.SIGKILL:
        kills += 1
        assert config.exists()
    assert status == 0
    assert not config.exists()
    assert sorted(path.name for path in (home / "data").iterdir()) == ["journal"]
    assert sorted(each.seq for each in erased(home / "data" / "journal" / "recorder.cam1")) == list(range(1, segments + 1))
    return kills


def _wipe(config: Path, *, kill: bool) -> int:
    """Killed at its first news of progress, if `kill`; its exit status."""
    words = ["decommission", "--config", str(config), "--yes-wipe-node", "pole-1", "--by", "a.nowak", "--why", "pole taken down"]
    process = subprocess.Popen([sys.executable, "-m", "edge", *words], env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if kill and b"segments destroyed" in line:
            process.kill()
            break
    process.communicate(timeout=60)
    return process.returncode
