"""Evidence locks made and released beside a recorder that erases as fast as it records: what is held must stay.

The recorder is a process of its own (pressed_ring); this one adds and releases, with ranges that are about to be swept and ranges that are
still to come, which nobody links for a long while.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc, monotonic_s, parse_utc
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.hold import Hold
from edge.messages.records import Erase, facts_of
from edge.ring.check import check
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.names import RingFolder, SegmentName
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, content_of

ROOM = 40
SEGMENT_NS = 60 * NS_PER_S
_PATIENCE_S = 60.0
_LOOK_S = 0.02


class HoldRace:
    """attempts: holds asked for. held: segments that were promised. lost: of those asked for, segments that were swept first."""

    def __init__(self, data: Path, process: subprocess.Popen[str], seed: int) -> None:
        self.data, self._process, self._random = data, process, random.Random(seed)
        self.disk = LinuxDisk()
        self.folder = RingFolder(self.disk, data / "ring" / CAMERA)
        self.clock = ManualClock()
        journal = JournalWriter(self.disk, data / "journal" / "agent", self.clock, "boot-1")
        self.holds = Holds(self.disk, data, journal, self.clock, RingReader(self.disk, data, self.clock, "boot-1"), 90.0)
        self._pause = threading.Event()
        self._erased: set[int] = set()
        self._erased_upto = 0
        self.attempts = self.held = self.lost = self.waited_for = 0

    def batch(self, holds: int) -> None:
        """Ask for so many, let go of half of them at once, wait for a range that grew, look at everything, let go of the rest."""
        growing, first_seq = self._ahead()
        mine: list[Hold] = []
        for _ in range(holds):
            hold = self._add(*self._oldest())
            if self._random.random() < 0.5:
                self.holds.release(hold.id, by="A. Lis", why="closed")
            else:
                mine.append(hold)
        self._recorded_beyond(first_seq + ROOM + 20)
        self._verify_unlinked(growing)
        self.holds.refresh()
        self._verify(mine)
        for hold in self.holds.holds():
            self.holds.release(hold.id, by="A. Lis", why="closed")

    def check(self) -> None:
        """The ring check, beside the recorder at work."""
        report = check(self.disk, self.data)
        assert report.ok, report.findings

    def _names(self) -> list[SegmentName]:
        return list(self.folder.all())

    def _oldest(self) -> tuple[int, int]:
        """One to four segments of those that go next."""
        names = self._names()
        first = self._random.randrange(min(6, len(names)))
        last = min(first + self._random.randrange(4), len(names) - 1)
        return names[first].start_utc_ms or 0, names[last].end_utc_ms or 0

    def _ahead(self) -> tuple[Hold, int]:
        """Five segments that are still to come, and the number before them."""
        newest = self._names()[-1]
        self.clock = self.holds._clock = ManualClock((newest.end_utc_ms or 0) * NS_PER_MS)
        start_ms = (newest.end_utc_ms or 0) + 300_000
        return self._add(start_ms, start_ms + 300_000), newest.seq

    def _add(self, start_ms: int, end_ms: int) -> Hold:
        """Exactly those segments: two seconds are held beyond both ends."""
        self.attempts += 1
        start, end = (format_utc(each * NS_PER_MS) for each in (start_ms + 3000, end_ms - 3000))
        hold = self.holds.add(HoldRequest(f"h{self.attempts}", CAMERA, start, end, case="RSW 12/26", by="J. Nowak"))
        self.held += len(hold.segments)
        self.lost += not hold.segments
        return hold

    def _recorded_beyond(self, seq: int) -> None:
        ends_s = monotonic_s() + _PATIENCE_S
        while (names := self._names()) and names[-1].seq < seq:
            assert self._process.poll() is None, "the recorder ended"
            assert monotonic_s() < ends_s, f"the recorder stands at {names[-1].seq}"
            self._pause.wait(_LOOK_S)

    def _verify_unlinked(self, hold: Hold) -> None:
        """Nobody linked them, and the ring has been written over since."""
        start_ms, end_ms = (_ms(text) for text in (hold.start, hold.end))
        there = [name.seq for name in self._names() if (name.start_utc_ms or 0) < end_ms and (name.end_utc_ms or 0) > start_ms]
        assert len(there) == 5, f"{hold.id}: {there}"
        assert not self._newly_erased() & set(there)
        self.waited_for += len(there)

    def _verify(self, holds: list[Hold]) -> None:
        """Every promised segment is linked, whole, in the ring, and was not called erased."""
        erased = self._newly_erased()
        present = {name.seq: name for name in [*self._names(), *self.folder.erasing(), *self._names()]}
        for hold in holds:
            folder = self.data / "hold" / hold.id
            links = {int(path.stem.rpartition("_")[2]): path for path in folder.glob("*.mp4")}
            assert set(hold.segments) <= set(links), f"{hold.id}: {hold.segments} were promised, {sorted(links)} are linked"
            for seq in hold.segments:
                assert links[seq].read_bytes() == content_of(seq), f"{hold.id}: segment {seq}"
            assert set(hold.segments) <= set(present), f"{hold.id}: {hold.segments} are not all in the ring"
            assert not erased & set(hold.segments), f"{hold.id}: recorded as erased"

    def _newly_erased(self) -> set[int]:
        for line in JournalReader(self.disk, self.data / "journal" / f"recorder.{CAMERA}").read(self._erased_upto, durable=False):
            self._erased_upto = line.seq
            if line.record.type == "erase":
                self._erased.add(facts_of(line.record, Erase).seq)
        return self._erased


def _ms(text: str) -> int:
    return parse_utc(text) // NS_PER_MS


@contextmanager
def hold_race(data: Path, seed: int) -> Iterator[HoldRace]:
    """With the recorder at work; it is ended in order, and everything is checked once more."""
    data.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "tests.support.pressed_ring", str(data), str(ROOM)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            race = HoldRace(data, process, seed)
            yield race
            process.stdin.close()
            recorded = int(process.stdout.readline())
            assert process.wait(_PATIENCE_S) == 0
        finally:
            process.kill()
    race.check()
    assert recorded > 3 * ROOM
