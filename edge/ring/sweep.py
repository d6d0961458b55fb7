"""Enforcing retention on one camera's ring: before each new segment, and at start-up before anything answers.

`retain` decides, `erase` carries out; here is what they need to know: clock, space, and the oldest segments, of which only as many are
looked at as go. Two lines of segments are kept between sweeps and begun anew when a hold or job came or went, when they are used up, and
now and then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edge.clock import NS_PER_MS, Clock, Reading
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.ring.alarms import EARLY, FULL, JUMPED, OVERDUE, SUSPENDED, UNREAD_HOLD, Alarms
from edge.ring.erase import Eraser, Outcome
from edge.ring.held_ranges import HeldRanges
from edge.ring.names import RingFolder, SegmentName, day_of
from edge.ring.recall import Jumps, look_back
from edge.ring.retain import DAY_MS, Decision, Lines, Policy, Situation, Stored, Suspended, Waiting, decide

_log = logging.getLogger(__name__)

_ROUNDS = 8
_FRESH_LINES_EVERY = 64
_FAILURES = 8
_LEAST_INODES = 16
"""With fewer, a file system that others have crowded may refuse the next segment although there is room: the oldest one gives its place."""
_NAMED = 5
_BY_AGE_AT_MOST = 256
"""By age in one sweep of a recorder at work: a clock that becomes trusted, or a quarantine that ends, may find tens of thousands too old,
and erasing them takes minutes in which nothing is recorded. The rest goes with the next sweeps, within hours."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """early: erased before the legal minimum. short_bytes: lacking still, nothing is left to erase. suspended: why nothing goes by age."""

    erased: int = 0
    freed_bytes: int = 0
    early: int = 0
    short_bytes: int = 0
    suspended: Suspended = ""


class Sweeper:
    """One thread, the one that writes the ring and its journal. Other processes' folders are only read: <data>/hold and <data>/jobs, whose
    sub-folders link to segments, and the descriptions of holds, whose ranges are kept before they are linked."""

    def __init__(
        self,
        disk: Disk,
        folder: RingFolder,
        journal: JournalWriter,
        policy: Policy,
        clock: Clock,
        camera: str,
    ) -> None:
        data = folder.root.parent.parent
        self._disk = disk
        self._folder = folder
        self._journal = journal
        self._policy = policy
        self._clock = clock
        self._camera = camera
        self._pins = (data / "hold", data / "jobs")
        self._held = HeldRanges(disk, data / "hold", folder, journal.boot, clock)
        self._eraser = Eraser(disk, folder, journal, camera, policy.text, self._held)
        self._alarms = Alarms(journal, clock, camera)
        self._jumps = Jumps(round(policy.quarantine_s * 1000))
        self._has_begun = False
        self._at_work = False
        self._lines = Lines(Waiting(()), Waiting(()))
        self._age_of_lines = _FRESH_LINES_EVERY
        self._passed_over = False
        self._seen_pins: tuple[tuple[str, int], ...] = ()
        self._budget = _Budget(disk, folder)

    def sweep(self, needed_bytes: int) -> SweepReport:
        """Erase what is too old (all of it at the first sweep, later so much at a time that recording goes on), then the oldest until
        `needed_bytes` fit beside the reserve, and the budget holds. Raises StorageError when disk or journal refuse; what was decided is
        ended by the next sweep."""
        try:
            return self._sweep(needed_bytes)
        except StorageError:
            self.rewind()
            raise

    def rewind(self) -> None:
        """Look at the whole ring again: segments appeared among the old ones."""
        self._age_of_lines = _FRESH_LINES_EVERY

    def _sweep(self, needed_bytes: int) -> SweepReport:
        now = self._clock.read()
        self._held.look_again()
        self._look_back(now)
        suspended = self._suspended(now)
        fresh = self._refresh_lines(now, suspended)
        situation = self._situation(now, suspended, needed_bytes)
        self._at_work = True
        total, early = Outcome(), 0
        overdue: int | None = None
        for _ in range(_ROUNDS):
            decision = decide(self._policy, situation, self._lines)
            outcome = self._eraser.erase(decision.erase)
            total.add(outcome)
            early += sum(verdict.early for verdict in decision.erase)
            overdue = decision.overdue or overdue
            freed = outcome.freed_bytes
            self._budget.freed(freed)
            ran_out = decision.short_bytes > 0 or (not suspended and self._lines.dated.first() is None)
            if ran_out and not fresh:
                self._begin_lines(now, suspended)
                fresh = True
            elif freed >= sum(verdict.stored.bytes for verdict in decision.erase):
                break
            situation = replace(situation, short_bytes=situation.short_bytes - freed, excess_bytes=situation.excess_bytes - freed)
        if total.failed:
            self.rewind()
        decision.overdue = overdue
        if self._eraser.unrecorded:
            self._look_back(now)  # the journal, too, lacked the room that was made just now
        self._say(suspended, decision, early)
        if total.erased:
            _log.info("camera %s: %d segments erased, %d MB, %d early", self._camera, total.erased, total.freed_bytes // 1_000_000, early)
        return SweepReport(total.erased, total.freed_bytes, early, decision.short_bytes, suspended)

    def _look_back(self, now: Reading) -> None:
        """At the first sweep: what earlier runs left unfinished, which alarms they raised, how the clock moved in this boot. Later only to
        end erasures that could not be recorded. Sweeping goes on whatever the journal says: the disk must not fill up."""
        if self._has_begun and not self._eraser.unrecorded:
            return
        try:
            self._journal.open()  # what it owes is put back first, and is seen then
            known = look_back(JournalReader(self._disk, self._journal.folder), self._journal.boot, now, self._jumps.quarantine_ms)
            if not self._has_begun:
                self._alarms.remember(known.alarms)
                for mono_ms, offset_ms in known.mappings:
                    self._jumps.seen(mono_ms, offset_ms)
                self._has_begun = True
            self._eraser.finish(known.erased)
        except StorageError as refused:
            _log.error("camera %s: earlier erasures cannot be ended yet: %s", self._camera, refused)

    def _suspended(self, now: Reading) -> Suspended:
        if not now.dated or not self._has_begun:
            return "untrusted"
        mono_ms = now.boot_ns // NS_PER_MS
        self._jumps.seen(mono_ms, now.offset_ns // NS_PER_MS)
        return "jumped" if self._jumps.distrusted(mono_ms) else ""

    def _situation(self, now: Reading, suspended: Suspended, needed_bytes: int) -> Situation:
        space = self._disk.space(self._folder.root)
        newest = self._folder.newest() if suspended else None
        short_bytes = needed_bytes + self._policy.reserve_of(space.total_bytes) - space.free_bytes
        return Situation(
            now_utc_ms=now.utc_ns // NS_PER_MS,
            now_boot_ms=now.boot_ns // NS_PER_MS,
            suspended=suspended,
            known_now_ms=newest.end_utc_ms if newest else None,
            short_bytes=max(short_bytes, 1) if space.free_inodes < _LEAST_INODES else short_bytes,
            excess_bytes=self._budget.used(day_of(now.utc_ns // NS_PER_MS)) + needed_bytes - self._policy.budget_bytes
            if self._policy.budget_bytes
            else 0,
            by_age_at_most=_BY_AGE_AT_MOST if self._at_work else None,
        )

    def _refresh_lines(self, now: Reading, suspended: Suspended) -> bool:
        """Whether they were begun anew."""
        pins = self._look_at_pins()
        self._age_of_lines += 1
        used_up = self._lines.first() is None
        if not (used_up or self._passed_over) and pins == self._seen_pins and self._age_of_lines < _FRESH_LINES_EVERY:
            return False
        self._begin_lines(now, suspended)
        self._seen_pins = pins
        return True

    def _begin_lines(self, now: Reading, suspended: Suspended) -> None:
        """A line ends where the ring ended when its last day was listed: what was recorded since is only in a new one."""
        self._passed_over = False
        last_day = "9999-12-31" if suspended else day_of(now.utc_ns // NS_PER_MS + DAY_MS)
        boot, ageless = self._journal.boot, self._folder.ageless(last_day)
        self._lines = Lines(
            dated=Waiting(self._stored(self._folder.dated(last_day))),
            ageless=Waiting(self._stored(name for name in ageless if name.boot != boot)),
            own=Waiting(self._stored(name for name in ageless if name.boot == boot)),
        )
        self._age_of_lines = 0

    def _look_at_pins(self) -> tuple[tuple[str, int], ...]:
        found: list[tuple[str, int]] = []
        for folder in self._pins:
            try:
                for entry in self._disk.scan(folder):
                    if entry.is_dir:
                        found += self._times_of(folder / entry.name)
            except NotFound:
                continue
        return tuple(sorted(found))

    def _times_of(self, folder: Path) -> list[tuple[str, int]]:
        """When names in it, or in a folder of it, changed."""
        inner = [folder / entry.name for entry in self._disk.scan(folder) if entry.is_dir]
        return [(str(each), self._disk.stat(each).mtime_ns) for each in (folder, *inner)]

    def _stored(self, names: Iterable[SegmentName]) -> Iterator[Stored]:
        """A segment that cannot even be looked at is passed over; many of them are a dying disk."""
        failures = 0
        for name in names:
            try:
                found = self._disk.stat(self._folder.root / name.path)
            except NotFound:
                continue
            except StorageError as refused:
                failures += 1
                if failures >= _FAILURES:
                    raise
                _log.error("camera %s: segment %d is passed over: %s", self._camera, name.seq, refused)
                self._passed_over = True
                continue
            yield Stored(name, found.size, found.nlink > 1 or self._held.covers(name))

    def _say(self, suspended: Suspended, decision: Decision, early: int) -> None:
        words = {
            "": "ages are known again",
            "untrusted": "the clock is not trusted",
            "jumped": JUMPED,
        }
        text = f"erasure by age is suspended: {words[suspended]}" if suspended else words[suspended]
        self._alarms.set(SUSPENDED, bool(suspended), text, as_told=True)
        if early:
            self._alarms.set(EARLY, True, f"footage that may be younger than {self._policy.minimum_days:g} days is erased for room")
        elif decision.meets_minimum:
            self._alarms.set(EARLY, False, "the ring reaches back over the legal minimum again")
        short = decision.short_bytes
        self._alarms.set(FULL, short > 0, f"{short} bytes are lacking with nothing left to erase" if short > 0 else "there is room again")
        if decision.overdue is not None:
            self._alarms.set(OVERDUE, True, f"segment {decision.overdue} has no date, and a later one is too old to be kept")
        elif self._lines.ageless.first() is None:
            self._alarms.set(OVERDUE, False, "no footage without a date is left")
        unread = ", ".join(self._held.unreadable[:_NAMED])
        self._alarms.set(UNREAD_HOLD, bool(unread), f"the description of hold {unread} does not read" if unread else "all holds read again")


class _Budget:
    """Bytes of one camera's ring, held ones included: counted once, then kept by what comes and goes."""

    def __init__(self, disk: Disk, folder: RingFolder) -> None:
        self._disk = disk
        self._folder = folder
        self._bytes = 0
        self._counted_seq: int | None = None

    def used(self, today: str) -> int:
        counted = self._counted_seq
        newest = counted or 0
        for name in self._folder.all() if counted is None else self._folder.newer_than(counted, today):
            try:
                self._bytes += self._disk.stat(self._folder.root / name.path).size
            except NotFound:
                continue
            newest = max(newest, name.seq)
        self._counted_seq = newest
        return self._bytes

    def freed(self, freed_bytes: int) -> None:
        if self._counted_seq is not None:
            self._bytes -= freed_bytes
