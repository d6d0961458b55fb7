"""Sweeping a ring: what goes, what is written down, what it costs."""

from __future__ import annotations

import errno
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from edge.clock import NS_PER_S
from edge.errors import StorageError
from edge.host.disk import Stat
from edge.host.model_disk import Fault, ModelDisk
from edge.messages.records import AlarmRaised, ClockStep, Erase
from edge.ring.names import SegmentName
from tests.support.plain_ring import CAMERA, DATA, DAY_S, POLICY, SEGMENT_BYTES, PlainRing, content_of

HOUR_S = 3600.0
FREE_BYTES = 1 << 20


def small_ring(segments: int, **policy: float) -> PlainRing:
    """A disk that has room for about so many segments of SEGMENT_BYTES besides journals."""
    disk = ModelDisk(segments * SEGMENT_BYTES + FREE_BYTES)
    return PlainRing(disk, policy=replace(POLICY, reserve_bytes=FREE_BYTES, **policy))  # type: ignore[arg-type]


def alarms(ring: PlainRing) -> list[tuple[str, bool]]:
    return [(alarm.code.removesuffix(f".{CAMERA}"), alarm.active) for alarm in ring.facts(AlarmRaised)]


def test_what_is_too_old_goes_and_each_segment_leaves_a_record_with_its_hash() -> None:
    ring = PlainRing()
    names = ring.record_days(31)
    report = ring.sweeper.sweep(0)
    assert report.erased == 25
    assert report.freed_bytes == 25 * SEGMENT_BYTES
    assert ring.seqs() == list(range(26, 31 * 24 + 1))
    erased = ring.facts(Erase)
    assert [each.seq for each in erased] == list(range(1, 26))
    first = erased[0]
    assert first.name == names[0].path
    assert first.sha256 == sha256(content_of(1)).hexdigest()
    assert (first.bytes, first.reason, first.early) == (SEGMENT_BYTES, "age", False)
    assert first.policy == "pl-guard: at most 30 days, at least 20"
    assert first.start is not None
    assert first.end is not None
    assert first.start < first.end
    assert alarms(ring) == []


def test_a_second_sweep_finds_nothing_to_do() -> None:
    ring = PlainRing()
    ring.record_days(31)
    ring.sweeper.sweep(0)
    assert ring.sweeper.sweep(0).erased == 0
    assert len(ring.facts(Erase)) == 25


def test_after_a_long_time_without_power_the_first_sweep_ends_all_that_is_too_old() -> None:
    ring = PlainRing()
    ring.record_days(10)
    ring.reboot(60 * DAY_S, "boot-2")
    syncs = sum(word.startswith("sync") for word in ring.disk.trail)  # type: ignore[attr-defined]
    assert ring.sweeper.sweep(0).erased == 240
    syncs = sum(word.startswith("sync") for word in ring.disk.trail) - syncs  # type: ignore[attr-defined]
    assert syncs < 60, "one for each of 240 would keep the camera waiting"
    assert ring.seqs() == []
    assert ring.folder.days() == []
    assert [each.seq for each in ring.facts(Erase)] == list(range(1, 241))


def test_a_held_segment_is_never_swept_until_its_last_link_is_gone() -> None:
    ring = PlainRing()
    names = ring.record_days(31)
    first, second = ring.hold(names[3], "h1"), ring.hold(names[3], "h2")
    ring.sweeper.sweep(0)
    assert 4 in ring.seqs()
    ring.disk.unlink(first)
    ring.sweeper.sweep(0)
    assert 4 in ring.seqs()
    ring.disk.unlink(second)
    assert ring.sweeper.sweep(0).erased == 1
    assert 4 not in ring.seqs()


def test_a_clip_job_pins_its_footage_in_a_folder_of_links() -> None:
    ring = PlainRing()
    names = ring.record_days(31)
    links = DATA / "jobs" / "j1" / "links"
    ring.disk.mkdir(links)
    ring.disk.link(ring.root / names[0].path, links / "000000001.mp4")
    ring.sweeper.sweep(0)
    assert 1 in ring.seqs()
    ring.disk.unlink(links / "000000001.mp4")
    ring.sweeper.sweep(0)
    assert 1 not in ring.seqs()


def test_a_full_disk_makes_room_by_the_oldest_and_an_alarm_names_what_is_early() -> None:
    ring = small_ring(200)
    ring.record_days(5)
    ring.disk.mkdir(DATA / "other")
    free = ring.disk.space(DATA).free_bytes
    report = ring.sweeper.sweep(free - FREE_BYTES + 10 * SEGMENT_BYTES)
    assert report.erased == report.early
    assert 10 <= report.erased <= 11
    assert ring.seqs()[0] == report.erased + 1
    assert {(each.reason, each.early) for each in ring.facts(Erase)} == {("space", True)}
    assert alarms(ring) == [("erased_early", True)]


def test_the_early_alarm_is_raised_once_and_cleared_when_the_ring_is_long_enough_again() -> None:
    ring = small_ring(60 * 24)
    ring.record_days(10)
    free = ring.disk.space(DATA).free_bytes
    for _ in range(3):
        ring.sweeper.sweep(free - FREE_BYTES + SEGMENT_BYTES)
    assert alarms(ring) == [("erased_early", True)]
    ring.start()
    ring.record_days(19)
    ring.sweeper.sweep(0)
    assert alarms(ring) == [("erased_early", True), ("erased_early", False)]


def test_an_alarm_that_lasts_is_repeated_twice_a_day() -> None:
    ring = PlainRing()
    ring.clock.set_state("untrusted")
    for _ in range(48):
        ring.sweeper.sweep(0)
        ring.clock.advance(HOUR_S)
    assert alarms(ring) == [("erasure_suspended", True)] * 4


def test_with_nothing_left_to_erase_an_alarm_says_so_and_recording_is_not_refused() -> None:
    ring = small_ring(50)
    names = [ring.record() for _ in range(10)]
    for name in names:
        ring.hold(name)
    free = ring.disk.space(DATA).free_bytes
    report = ring.sweeper.sweep(free)
    assert report.erased == 0
    assert report.short_bytes == FREE_BYTES
    assert alarms(ring) == [("ring_full", True)]
    ring.sweeper.sweep(0)
    assert alarms(ring) == [("ring_full", True), ("ring_full", False)]


def test_what_was_recorded_since_the_last_look_makes_room_in_the_same_sweep() -> None:
    ring = small_ring(20)
    ring.record()
    ring.sweeper.sweep(SEGMENT_BYTES)
    for _ in range(12):
        ring.record()
    free = ring.disk.space(DATA).free_bytes - FREE_BYTES
    report = ring.sweeper.sweep(free + 5 * SEGMENT_BYTES)
    assert report.short_bytes == 0
    assert report.erased >= 5
    assert ("ring_full", True) not in alarms(ring)


def test_the_budget_bounds_the_ring_while_it_grows() -> None:
    ring = PlainRing(policy=replace(POLICY, budget_bytes=20 * SEGMENT_BYTES))
    for _ in range(15):
        ring.record()
    for _ in range(50):
        ring.sweeper.sweep(SEGMENT_BYTES)
        ring.record()
        assert len(ring.seqs()) <= 20
    assert len(ring.seqs()) == 20
    assert {each.reason for each in ring.facts(Erase)} == {"budget"}


def test_the_budget_holds_after_a_clock_that_ran_ahead_was_set_back() -> None:
    ring = PlainRing(policy=replace(POLICY, budget_bytes=20 * SEGMENT_BYTES))
    ring.clock.step_utc(365 * DAY_S)
    for _ in range(5):
        ring.sweeper.sweep(SEGMENT_BYTES)
        ring.record()
    ring.clock.step_utc(-365 * DAY_S)
    for _ in range(60):
        ring.sweeper.sweep(SEGMENT_BYTES)
        ring.record()
    assert len(ring.seqs()) == 20


def test_a_clock_that_becomes_trusted_does_not_make_the_recorder_erase_for_minutes() -> None:
    """All that is too old goes at the start; what turns out to be too old in a recorder at work goes in portions."""
    ring = PlainRing()
    ring.record_days(30, every_s=DAY_S / 24)
    ring.reboot(60 * DAY_S, "boot-2")
    ring.clock.set_state("untrusted")
    assert ring.sweeper.sweep(0).erased == 0
    ring.clock.set_state("trusted")
    assert [ring.sweeper.sweep(0).erased for _ in range(4)] == [256, 256, 208, 0]


@pytest.mark.parametrize("state", ["trusted", "holdover"])
def test_no_erasure_by_age_while_the_clock_is_untrusted_and_an_alarm_until_it_is(state: str) -> None:
    ring = PlainRing()
    ring.record_days(31)
    ring.clock.set_state("untrusted")
    assert ring.sweeper.sweep(0).suspended == "untrusted"
    assert ring.facts(Erase) == []
    ring.clock.set_state(state)  # type: ignore[arg-type]
    assert ring.sweeper.sweep(0).erased == 25
    assert alarms(ring) == [("erasure_suspended", True), ("erasure_suspended", False)]


def test_a_year_forward_in_a_running_node_erases_nothing_for_a_day() -> None:
    ring = PlainRing()
    ring.record_days(5)
    ring.sweeper.sweep(0)
    ring.clock.step_utc(365 * DAY_S)
    assert ring.sweeper.sweep(0).suspended == "jumped"
    ring.clock.advance(0.9 * DAY_S)
    assert ring.sweeper.sweep(0).suspended == "jumped"
    assert ring.facts(Erase) == []
    ring.clock.advance(0.2 * DAY_S)
    assert ring.sweeper.sweep(0).erased == 5 * 24
    assert alarms(ring) == [("erasure_suspended", True), ("erasure_suspended", True), ("erasure_suspended", False)]


def test_the_quarantine_survives_restarts_within_the_boot() -> None:
    ring = PlainRing()
    ring.record_days(5)
    ring.clock.step_utc(365 * DAY_S)
    ring.start()
    assert ring.sweeper.sweep(0).suspended == "jumped", "the last record knows the mapping from before the jump"
    ring.clock.advance(HOUR_S)
    ring.record()
    ring.start()
    assert ring.sweeper.sweep(0).suspended == "jumped", "the jump lies further back in the journal"
    ring.clock.advance(DAY_S)
    ring.start()
    assert ring.sweeper.sweep(0).suspended == ""


def test_a_clock_that_was_set_by_less_than_an_hour_or_back_is_believed() -> None:
    ring = PlainRing()
    ring.record_days(31)
    ring.clock.step_utc(-HOUR_S * 3)
    assert ring.sweeper.sweep(0).suspended == ""
    ring.clock.step_utc(HOUR_S * 0.9)
    assert ring.sweeper.sweep(0).suspended == ""


def test_the_first_trust_of_a_boot_is_no_jump() -> None:
    ring = PlainRing()
    ring.record_days(5)
    ring.reboot(60 * DAY_S, "boot-2")
    ring.clock.step_utc(-50 * 365 * DAY_S)
    ring.clock.set_state("untrusted")
    ring.journal.append(ClockStep(step_ms=0, before="untrusted", after="untrusted", error_ms=None, source=""))
    assert ring.sweeper.sweep(0).suspended == "untrusted"
    ring.clock.step_utc(50 * 365 * DAY_S)
    ring.clock.set_state("trusted")
    assert ring.sweeper.sweep(0).erased == 5 * 24


def undated_between(ring: PlainRing) -> None:
    """1 and 5 are dated; 2, 3 and 4 are of a boot whose clock was never set."""
    ring.record()
    ring.reboot(60, "boot-2")
    ring.clock.set_state("untrusted")
    for _ in range(3):
        ring.record()
    ring.reboot(60, "boot-3")
    ring.clock.set_state("trusted")
    ring.record()


def test_undated_footage_is_swept_by_age_when_what_was_recorded_after_it_is_too_old() -> None:
    ring = PlainRing()
    undated_between(ring)
    ring.clock.advance(30 * DAY_S - 61)
    assert ring.sweeper.sweep(0).erased == 1
    assert ring.seqs() == [2, 3, 4, 5]
    ring.clock.advance(1)
    assert ring.sweeper.sweep(0).erased == 4
    assert [(each.seq, each.reason) for each in ring.facts(Erase)] == [(1, "age"), (5, "age"), (2, "age"), (3, "age"), (4, "age")]
    assert alarms(ring) == []


def test_undated_footage_of_this_boot_is_swept_by_its_monotonic_age_to_the_millisecond() -> None:
    ring = PlainRing()
    ring.clock.set_state("untrusted")
    for _ in range(3):
        ring.record()
    ring.clock.advance(30 * DAY_S - 180.001)
    for seconds, left in ((0, [1, 2, 3]), (0.001, [2, 3]), (59.999, [2, 3]), (0.001, [3]), (60, [])):
        ring.clock.advance(seconds)
        ring.sweeper.sweep(0)
        assert ring.seqs() == left
    assert {each.reason for each in ring.facts(Erase)} == {"age"}


def test_undated_footage_that_nothing_proves_old_goes_for_room_in_its_turn() -> None:
    ring = small_ring(3000)
    undated_between(ring)
    ring.clock.advance(25 * DAY_S)
    ring.record()
    free = ring.disk.space(DATA).free_bytes
    ring.sweeper.sweep(free - FREE_BYTES + 3 * SEGMENT_BYTES - 500)
    assert ring.seqs() == [4, 5, 6]
    record = ring.facts(Erase)[-1]
    assert (record.seq, record.start, record.reason) == (3, None, "space")


def test_a_segment_without_a_record_is_hashed_before_it_goes() -> None:
    ring = PlainRing()
    ring.record(recorded=False)
    ring.record()
    ring.clock.advance(31 * DAY_S)
    ring.sweeper.sweep(0)
    assert [each.sha256 for each in ring.facts(Erase)] == [sha256(content_of(seq)).hexdigest() for seq in (1, 2)]


def test_a_segment_that_is_not_what_was_recorded_is_erased_with_its_own_hash() -> None:
    ring = PlainRing()
    name = ring.record()
    file = ring.disk.append(ring.root / name.path)
    file.write(b"more")
    file.close()
    ring.clock.advance(31 * DAY_S)
    ring.sweeper.sweep(0)
    (record,) = ring.facts(Erase)
    assert record.bytes == SEGMENT_BYTES + 4
    assert record.sha256 == sha256(content_of(1) + b"more").hexdigest()


def test_a_segment_that_vanished_or_was_renamed_meanwhile_is_no_trouble() -> None:
    ring = PlainRing()
    names = ring.record_days(31)
    ring.sweeper.sweep(0)
    ring.disk.unlink(ring.root / names[25].path)
    ring.clock.advance(2 * HOUR_S)
    assert ring.sweeper.sweep(0).erased == 1
    assert 26 not in [each.seq for each in ring.facts(Erase)]


class LateHold(ModelDisk):
    """A hold that links a segment in the very moment between the sweep's look and its claim."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: Path | None = None

    def rename(self, old: Path, new: Path) -> None:
        if old == self.victim:
            self.victim = None
            self.mkdir(DATA / "hold" / "h1")
            self.link(old, DATA / "hold" / "h1" / old.name)
        super().rename(old, new)


def test_a_hold_that_links_at_the_last_moment_wins() -> None:
    disk = LateHold()
    ring = PlainRing(disk)
    names = ring.record_days(31)
    disk.victim = ring.root / names[5].path
    assert ring.sweeper.sweep(0).erased == 24
    assert 6 in ring.seqs()
    assert 6 not in [each.seq for each in ring.facts(Erase)]
    assert ring.folder.erasing() == []


def test_a_claimed_segment_that_turns_out_to_be_held_comes_back() -> None:
    ring = PlainRing()
    name = ring.record()
    ring.hold(name)
    ring.disk.mkdir(ring.root / "erasing")
    ring.disk.rename(ring.root / name.path, ring.root / "erasing" / f"age@{name.flat}")
    ring.sweeper.sweep(0)
    assert ring.seqs() == [1]
    assert ring.facts(Erase) == []


def test_room_is_made_of_other_segments_when_a_hold_wins() -> None:
    disk = LateHold()
    ring = PlainRing(disk, policy=replace(POLICY, budget_bytes=10 * SEGMENT_BYTES))
    names = [ring.record() for _ in range(10)]
    disk.victim = ring.root / names[0].path
    ring.sweeper.sweep(SEGMENT_BYTES)
    assert ring.seqs() == [1, *range(3, 11)]


class SickDisk(ModelDisk):
    """One file that cannot be looked at."""

    sick: Path | None = None

    def stat(self, path: Path) -> Stat:
        if path == self.sick:
            raise StorageError(f"stat {path}: bad block", number=errno.EIO)
        return super().stat(path)


def test_one_unreadable_segment_does_not_keep_the_others() -> None:
    disk = SickDisk()
    ring = PlainRing(disk)
    names = ring.record_days(31)
    disk.sick = ring.root / names[2].path
    assert ring.sweeper.sweep(0).erased == 24
    assert ring.seqs()[:2] == [3, 26]


class RefusingJournal(ModelDisk):
    """Journals take nothing any more."""

    refuses = False

    def write_to(self, path: Path, inode: object, data: bytes) -> None:
        if self.refuses and "journal" in path.parts:
            raise StorageError(f"write {path}: no", number=errno.EIO)
        super().write_to(path, inode, data)  # type: ignore[arg-type]


def test_a_journal_that_refuses_does_not_stop_the_ring_and_every_erasure_is_recorded_later() -> None:
    disk = RefusingJournal()
    ring = PlainRing(disk, policy=replace(POLICY, budget_bytes=10 * SEGMENT_BYTES))
    for _ in range(10):
        ring.record()
    disk.refuses = True
    with pytest.raises(StorageError):
        ring.sweeper.sweep(SEGMENT_BYTES)
    assert ring.seqs() == list(range(2, 11))
    assert [name.seq for name in ring.folder.erasing()] == [1]
    used = disk.total_bytes - disk.space(DATA).free_bytes
    with pytest.raises(StorageError):
        ring.sweeper.sweep(2 * SEGMENT_BYTES)
    assert disk.total_bytes - disk.space(DATA).free_bytes == used - SEGMENT_BYTES, "room is made all the same"
    disk.refuses = False
    ring.start()
    ring.sweeper.sweep(0)
    assert ring.folder.erasing() == []
    assert [(each.seq, each.bytes, each.reason, each.early) for each in ring.facts(Erase)] == [
        (1, SEGMENT_BYTES, "budget", True),
        (2, SEGMENT_BYTES, "budget", True),
    ]
    assert [each.sha256 for each in ring.facts(Erase)] == [sha256(content_of(seq)).hexdigest() for seq in (1, 2)]


def test_a_disk_filled_to_the_last_byte_by_others_still_makes_room() -> None:
    ring = small_ring(100)
    for _ in range(100):
        ring.record()
    ring.disk.mkdir(ring.root / "erasing")
    other = ring.disk.create(DATA / "other")
    other.write(bytes(ring.disk.space(DATA).free_bytes))
    assert ring.disk.space(DATA).free_bytes == 0
    ring.sweeper.sweep(0)
    assert ring.disk.space(DATA).free_bytes > 40 * SEGMENT_BYTES, "records of the erasures take some of it"
    assert ring.folder.erasing() == [], "the journal, too, uses the room that was made"
    assert sorted(each.seq for each in ring.facts(Erase)) == list(range(1, 101))


def test_a_sweep_costs_what_it_erases_not_what_the_ring_holds() -> None:
    costs = []
    for days in (32, 90):
        ring = PlainRing(policy=replace(POLICY, days=days - 1.0, quarantine_s=0.0), rotate_bytes=100_000)
        names = ring.record_days(days)
        for name in names[30:200:10]:
            ring.hold(name)
        ring.sweeper.sweep(0)
        ring.record(HOUR_S)
        assert isinstance(ring.disk, ModelDisk)
        before = ring.disk.operations
        assert ring.sweeper.sweep(0).erased == 1
        costs.append(ring.disk.operations - before)
    assert max(costs) - min(costs) <= 4
    assert max(costs) < 40


def test_a_months_names_and_sweeps_are_one_listing_per_day() -> None:
    ring = PlainRing()
    ring.record_days(30)
    assert isinstance(ring.disk, ModelDisk)
    before = len(ring.disk.trail)
    ring.sweeper.sweep(0)
    for _ in range(5):
        ring.sweeper.sweep(0)
    listed = [word for word in ring.disk.trail[before:] if word.startswith("list") and word[-3] == "-"]
    assert len(listed) == 1


@pytest.mark.parametrize("quarantine_h", [0.0, 24.0])
def test_a_power_cut_right_after_a_sweep_leaves_nothing_unexplained(quarantine_h: float) -> None:
    ring = PlainRing(policy=replace(POLICY, quarantine_s=quarantine_h * 3600))
    ring.record_days(31)
    ring.sweeper.sweep(0)
    assert isinstance(ring.disk, ModelDisk)
    for seed in range(20):
        later = PlainRing(ring.disk.power_cut(seed), clock=ring.clock, policy=ring.policy, boot="boot-2")
        later.sweeper.sweep(0)
        recorded = [each.seq for each in later.facts(Erase)]
        assert recorded == list(range(1, 26))
        assert later.seqs() == list(range(26, 745))


def test_a_fault_in_a_sweep_is_told_and_the_next_one_ends_it() -> None:
    ring = PlainRing()
    ring.record_days(31)
    assert isinstance(ring.disk, ModelDisk)
    ring.disk.fault = Fault(ring.disk.operations + 40, "EIO", forever=True)
    with pytest.raises(StorageError):
        ring.sweeper.sweep(0)
    ring.disk.fault = None
    ring.sweeper.sweep(0)
    assert ring.seqs() == list(range(26, 745))
    assert sorted({each.seq for each in ring.facts(Erase)}) == list(range(1, 26))
    assert ring.folder.erasing() == []


def test_a_name_from_the_future_is_not_what_the_ring_is_measured_by() -> None:
    ring = PlainRing()
    ring.record()
    ring.clock.step_utc(365 * DAY_S)
    ring.record()
    ring.clock.step_utc(-365 * DAY_S)
    ring.record()
    now_ms = ring.clock.read().utc_ns // (NS_PER_S // 1000)
    assert [name.seq for name in ring.folder.all() if (name.start_utc_ms or 0) > now_ms] == [2]
    ring.clock.advance(31 * DAY_S)
    assert ring.sweeper.sweep(0).erased == 3
    assert ring.seqs() == [], "its number proves its age"


def test_names_in_erasing_keep_the_decision() -> None:
    ring = PlainRing()
    name = SegmentName(1, 1000, None, "boot-1", 5)
    ring.disk.mkdir(ring.root / "erasing")
    for why, seq in (("age", 1), ("budget-early", 2), ("nonsense", 3)):
        ring.disk.create(ring.root / "erasing" / f"{why}@{replace(name, seq=seq).flat}").close()
    ring.sweeper.sweep(0)
    assert [(each.seq, each.reason, each.early, each.sha256) for each in ring.facts(Erase)] == [
        (1, "age", False, ""),
        (2, "budget", True, ""),
        (3, "space", False, ""),
    ]
