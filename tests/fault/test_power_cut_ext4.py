"""Real power cuts of a real file system: ext4 on a loop device is shut down while the ring is written, mounted, recovered, checked."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from edge.ring.check import check
from edge.ring.query import RingReader
from tests.support.loop_disk import LoopDisk
from tests.support.ring_writer import CAMERA, open_ring

CYCLES = 30
SEED = 20261122
FIRST_UTC_S = 1_795_000_000
CYCLE_S = 1000
ALL = (0, 1 << 62)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    loop = LoopDisk(tmp_path, size_mb=96)
    yield loop
    loop.unmount()


def write_until_cut(disk: LoopDisk, cycle: int, sync: str, fragments: int) -> dict[int, int]:
    """Confirmed fragments, segment -> how many, when the power went in the middle of the writing."""
    argv = [sys.executable, "-m", "tests.support.ring_writer", str(disk.root / "data"), f"boot-{cycle}", str(FIRST_UTC_S + cycle * CYCLE_S)]
    writer = subprocess.Popen([*argv, sync, "1000000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert writer.stdout is not None
    confirmed: dict[int, int] = {}
    with closing(writer.stdout):
        assert writer.stdout.readline() == "ready\n"
        for _ in range(fragments):
            seq, number = writer.stdout.readline().split()
            confirmed[int(seq)] = int(number)
        disk.cut_power()
        writer.kill()
        writer.wait()
    disk.unmount()
    disk.mount()
    return confirmed


def lost_after_recovery(disk: LoopDisk, cycle: int, confirmed: dict[int, int]) -> list[str]:
    """Recovers as the next start does; says what was confirmed and is not there."""
    data = disk.root / "data"
    clock = ManualClock((FIRST_UTC_S + (cycle + 1) * CYCLE_S - 10) * 1_000_000_000)
    if not data.exists():
        return ["everything"]
    with open_ring(data, f"boot-{cycle}-after", clock, "fragment", 1_000_000):
        pass
    reader = RingReader(LinuxDisk(), data, clock, f"boot-{cycle}-after")
    there = {ref.seq: len(reader.index(ref).fragments) for ref in reader.segments(CAMERA, *ALL)}
    return [
        f"segment {seq}: {number} confirmed, {there.get(seq, 0)} there" for seq, number in confirmed.items() if there.get(seq, 0) < number
    ]


@pytest.mark.root
@pytest.mark.slow
def test_no_confirmed_fragment_is_lost_in_thirty_power_cuts(disk: LoopDisk) -> None:
    chance = random.Random(SEED)
    for cycle in range(CYCLES):
        confirmed = write_until_cut(disk, cycle, "fragment", chance.randint(1, 25))
        assert lost_after_recovery(disk, cycle, confirmed) == [], f"cycle {cycle}, seed {SEED}"
        report = check(LinuxDisk(), disk.root / "data")
        assert report.ok, f"cycle {cycle}, seed {SEED}: {report.findings}"


@pytest.mark.root
@pytest.mark.slow
def test_the_same_cuts_catch_a_recorder_that_never_syncs(disk: LoopDisk) -> None:
    """The negative control: without it the test above could pass for the wrong reason. The kernel may have written all just before
    a cut by chance, hence more than one."""
    assert any(lost_after_recovery(disk, cycle, write_until_cut(disk, cycle, "off", 12)) for cycle in range(CYCLES))
