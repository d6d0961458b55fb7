"""A recorder whose key is not there, is not its own, or comes later: it records all the same, and says in the journal what it lacked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.clock import monotonic_s
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.evidence import KeyNews, UnsignedGops
from edge.messages.records import TYPE_OF, Segment, facts_of
from edge.ring.check import check
from edge.services.seal_check import check_seals, stored_gops
from tests.support.command import environment
from tests.support.nodefile import write_config
from tests.support.signing import write_key

DEADLINE_S = 60.0
CONFIG = """
[node]
id = "pole-1"
data = "data"
run = "run"

[[camera]]
id = "cam0"
source = "synthetic:"
width = 320
height = 180
fps = 10.0
gop_s = 0.5
motion = false

[ring]
segment_s = 2.0

[clock]
trust = "assume"

[seal]
key = "media.key"
certificate = "media.pem"
"""


@contextmanager
def recording(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "edge", "record", "--config", str(config), "--camera", "cam0"]
    process = subprocess.Popen(words, env=environment(), cwd=config.parent, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) in (0, -signal.SIGKILL)


def facts(folder: Path, shape: type[msgspec.Struct]) -> list[msgspec.Struct]:
    lines = JournalReader(LinuxDisk(), folder / "data" / "journal" / "recorder.cam0").read(durable=False)
    return [facts_of(line.record, shape) for line in lines if line.record.type == TYPE_OF[shape]]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    ends_s, pause = monotonic_s() + DEADLINE_S, threading.Event()
    while not holds():
        assert monotonic_s() < ends_s, f"not within {DEADLINE_S:g} s: {what}"
        pause.wait(0.05)


def key_states(folder: Path) -> list[str]:
    return [news.state for news in facts(folder, KeyNews) if isinstance(news, KeyNews)]


def segments(folder: Path) -> int:
    return len(facts(folder, Segment))


def assert_ring_is_whole(folder: Path) -> int:
    """How many GOPs are signed."""
    assert check(LinuxDisk(), folder / "data", deep=True).findings == []
    findings, signed = check_seals(LinuxDisk(), folder / "data")
    assert findings == []
    return signed


def test_a_key_that_comes_later_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    config = write_config(tmp_path, CONFIG)
    (tmp_path / "data").mkdir()
    with recording(config):
        wait_until(lambda: segments(tmp_path) >= 1, "a segment without a key")
        write_key(tmp_path)
        wait_until(lambda: "in_force" in key_states(tmp_path), "the key is in force")
        before = segments(tmp_path)
        wait_until(lambda: segments(tmp_path) >= before + 3, "signed segments")
    assert key_states(tmp_path)[0] in ("missing", "broken")
    lapses = [lapse for lapse in facts(tmp_path, UnsignedGops) if isinstance(lapse, UnsignedGops)]
    assert {lapse.reason for lapse in lapses} == {"no_key"}
    assert not lapses[-1].open
    assert assert_ring_is_whole(tmp_path) >= 6


def test_the_key_of_another_certificate_leaves_everything_unsigned_and_recorded(tmp_path: Path) -> None:
    config = write_config(tmp_path, CONFIG)
    (tmp_path / "data").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    write_key(tmp_path)
    os.replace(write_key(other)[1], tmp_path / "media.pem")
    with recording(config):
        wait_until(lambda: segments(tmp_path) >= 2, "segments")
    assert key_states(tmp_path) == ["broken"]
    assert assert_ring_is_whole(tmp_path) == 0


def test_a_recorder_that_is_killed_again_and_again_leaves_no_gop_unsigned(tmp_path: Path) -> None:
    config = write_config(tmp_path, CONFIG)
    (tmp_path / "data").mkdir()
    write_key(tmp_path)
    for _ in range(3):
        with recording(config) as process:
            seen = segments(tmp_path)
            wait_until(lambda seen=seen: segments(tmp_path) >= seen + 2, "two segments more")  # type: ignore[misc]
            process.kill()
    with recording(config):
        seen = segments(tmp_path)
        wait_until(lambda: segments(tmp_path) >= seen + 2, "two segments more")
    assert key_states(tmp_path) == ["in_force"] * 4
    assert facts(tmp_path, UnsignedGops) == []
    gops = sum(1 for _ in stored_gops(LinuxDisk(), tmp_path / "data" / "ring" / "cam0"))
    assert assert_ring_is_whole(tmp_path) == gops - 1
