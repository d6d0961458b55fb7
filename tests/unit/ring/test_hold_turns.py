"""Two programs write the same holds: the agent, which links what was recorded since, and the local tool, which adds and releases."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from edge.clock import NS_PER_MS, ManualClock, format_utc
from edge.host.linux_disk import LinuxDisk
from edge.host.turn import turn_at
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import HoldReleased, facts_of
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, PlainRing

TIMES = 150


def holds_of(data: Path, clock: ManualClock, writer: str) -> Holds:
    disk = LinuxDisk()
    journal = JournalWriter(disk, data / "journal" / writer, clock, "boot-1")
    turn = partial(turn_at, data / "hold", 20.0)
    return Holds(disk, data, journal, clock, RingReader(disk, data, clock, "boot-1"), 90.0, turn=turn)


def test_a_release_is_never_undone_by_a_refresh_at_the_same_moment(tmp_path: Path) -> None:
    """A refresh reads a description, links, and writes it: without turns it wrote over a release in between."""
    ring = PlainRing(LinuxDisk(), data=tmp_path)
    names = [ring.record(60) for _ in range(12)]
    tool, agent = holds_of(tmp_path, ring.clock, "local"), holds_of(tmp_path, ring.clock, "agent")
    done = threading.Event()
    faults: list[BaseException] = []

    def refresh() -> None:
        try:
            while not done.is_set():
                agent.refresh()
        except BaseException as fault:
            faults.append(fault)
            raise

    thread = threading.Thread(target=refresh)
    thread.start()
    try:
        start, end = (format_utc(each * NS_PER_MS) for each in (names[2].start_utc_ms or 0, (names[9].end_utc_ms or 0) + 600_000))
        for number in range(TIMES):
            hold = tool.add(HoldRequest(f"h{number}", CAMERA, start, end, case="RSW 12/26", by="J. Nowak"))
            assert len(hold.segments) == 11
            tool.release(hold.id, by="A. Lis", why="closed")
            assert not (tmp_path / "hold" / hold.id).exists(), "made again behind its release"
    finally:
        done.set()
        thread.join()
    assert faults == []
    assert agent.holds() == []
    assert [path.stat().st_nlink for path in (ring.root / name.path for name in names)] == [1] * 12
    released = [
        facts_of(line.record, HoldReleased).id
        for writer in ("local", "agent")
        for line in JournalReader(LinuxDisk(), tmp_path / "journal" / writer).read()
        if line.record.type == "release"
    ]
    assert sorted(released) == sorted(f"h{number}" for number in range(TIMES)), "each once"
