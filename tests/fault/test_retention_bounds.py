"""The two legal bounds over months: to the segment, through wrong clocks and long times without power, and before anybody is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.clip.plan import plan_clip
from edge.clock import NS_PER_MS, NS_PER_S, format_utc
from edge.command.hold import HoldVerb
from edge.host.model_disk import ModelDisk
from edge.journal.writer import JournalWriter
from edge.messages.clip import ClipRequest
from edge.messages.records import AlarmRaised, Erase
from edge.messages.wire import CommandClaims
from edge.ring.check import Bounds, check
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, DATA, DAY_S, POLICY, SEGMENT_BYTES, PlainRing

HOUR_S = 3600.0
DAY_MS = 86_400_000
YEAR_S = 365 * DAY_S


def now_ms(ring: PlainRing) -> int:
    return ring.clock.read().utc_ns // NS_PER_MS


def reader(ring: PlainRing, days: float | None = POLICY.days) -> RingReader:
    return RingReader(ring.disk, DATA, ring.clock, ring.boot, days)


def answered(ring: PlainRing, days: float | None = POLICY.days) -> list[int]:
    """All that anybody can be told of."""
    return [ref.seq for ref in reader(ring, days).segments(CAMERA, 0, 1 << 62)]


def locks(ring: PlainRing) -> Holds:
    journal = JournalWriter(ring.disk, DATA / "journal" / "agent", ring.clock, ring.boot)
    return Holds(ring.disk, DATA, journal, ring.clock, reader(ring))


def lock(ring: PlainRing, first: SegmentName, last: SegmentName, id: str = "h1") -> list[int]:
    start, end = format_utc((first.start_utc_ms or 0) * NS_PER_MS), format_utc((last.end_utc_ms or 0) * NS_PER_MS)
    return locks(ring).add(HoldRequest(id, CAMERA, start, end, case="RSW 12/26", by="J. Nowak")).segments


def sound(ring: PlainRing, days: float = POLICY.days) -> None:
    """The ring check, but for holes in time: a plain ring records no gaps."""
    report = check(ring.disk, DATA, clock=ring.clock, bounds=Bounds(days, 1))
    assert [each for each in report.findings if each.invariant != 3] == []


@pytest.mark.parametrize("days", [20.0, 30.0, 60.0])
def test_months_of_recording_keep_the_maximum_exact_to_the_segment(days: float) -> None:
    ring = PlainRing(policy=replace(POLICY, days=days))
    names: list[SegmentName] = []
    for _ in range(round((days + 40) * 24 / 3)):
        names.append(ring.record(3 * HOUR_S))
        ring.sweeper.sweep(0)
        limit_ms = now_ms(ring) - days * DAY_MS
        kept = [name.seq for name in names if (name.start_utc_ms or 0) > limit_ms]
        assert kept[0] == ring.seqs()[0]
    assert ring.seqs() == kept
    erased = ring.facts(Erase)
    assert [each.seq for each in erased] == [name.seq for name in names[: len(erased)]]
    assert {(each.reason, each.early) for each in erased} == {("age", False)}
    assert len(erased) == 40 * 8 + 1, "the last one began exactly so many days ago"
    sound(ring, days)


def test_one_millisecond_decides() -> None:
    ring = PlainRing(policy=replace(POLICY, days=60.0))
    ring.record(60)
    ring.clock.advance(60 * DAY_S - 60 - 0.001)
    ring.sweeper.sweep(0)
    assert ring.seqs() == [1]
    assert answered(ring, 60.0) == [1]
    ring.clock.advance(0.001)
    assert answered(ring, 60.0) == [], "the sweep has not come yet, and nobody is answered with it"
    assert ring.seqs() == [1]
    ring.sweeper.sweep(0)
    assert ring.seqs() == []


def test_nothing_younger_than_the_minimum_goes_but_for_room_and_each_of_those_is_called_early() -> None:
    """A disk that holds 25 days, then one that holds 15."""
    for room_days, early in ((25, False), (15, True)):
        ring = PlainRing(policy=replace(POLICY, budget_bytes=room_days * 8 * SEGMENT_BYTES))
        for _ in range(50 * 8):
            ring.record(3 * HOUR_S)
            ring.sweeper.sweep(0)
        erased = ring.facts(Erase)
        assert {each.reason for each in erased} == {"budget"}
        assert {each.early for each in erased} == {early}
        raised = [alarm.active for alarm in ring.facts(AlarmRaised) if alarm.code.startswith("erased_early.")]
        assert bool(raised) == early
        assert len(ring.seqs()) == room_days * 8
        sound(ring)


def test_after_90_days_without_power_nobody_is_answered_with_aged_footage() -> None:
    """The recorder has not even started yet: timeline, clip and hold, of the local tool and of the agent, find nothing but what is held."""
    ring = PlainRing()
    names = ring.record_days(10)
    held = lock(ring, names[20], names[22])
    ring.reboot(90 * DAY_S, "boot-2")
    assert len(ring.seqs()) == 240, "the files are there"
    assert answered(ring) == held
    start, end = format_utc((names[0].start_utc_ms or 0) * NS_PER_MS), format_utc((names[-1].end_utc_ms or 0) * NS_PER_MS)
    told = reader(ring).timeline(CAMERA, (names[0].start_utc_ms or 0) * NS_PER_MS, (names[-1].end_utc_ms or 0) * NS_PER_MS)
    assert [gap.reason for gap in told.gaps] == ["erased", "erased"]
    assert sum(span.segments for span in told.spans) == len(held)
    plan = plan_clip(
        reader(ring), ClipRequest(id="c1", camera=CAMERA, start=start, end=format_utc((names[10].end_utc_ms or 0) * NS_PER_MS))
    )
    assert not plan.parts
    args = {"camera": CAMERA, "start": start, "end": end}
    claims = CommandClaims(id="late", verb="hold", aud="pole", iat=0, exp=0, operator="a.nowak", case="RSW 13/26", args=args)
    response = HoldVerb(locks(ring))(claims)
    assert response.state == "done"
    assert response.text.startswith(f"{len(held)} segments")
    ring.sweeper.sweep(0)
    assert ring.seqs() == held, "what was asked for too late was not kept"
    sound(ring)


def test_while_the_clock_is_not_set_footage_is_answered_and_kept_whatever_its_age_seems() -> None:
    ring = PlainRing()
    ring.record_days(2)
    ring.reboot(90 * DAY_S, "boot-2")
    ring.clock.set_state("untrusted")
    assert len(answered(ring)) == 48
    assert ring.sweeper.sweep(0).erased == 0
    ring.clock.set_state("trusted")
    assert answered(ring) == [], "the recorder has not looked since, and need not"
    ring.sweeper.sweep(0)
    assert ring.seqs() == []


def test_a_year_forward_hides_and_erases_nothing_and_a_year_back_neither() -> None:
    ring = PlainRing()
    ring.record_days(5)
    ring.sweeper.sweep(0)
    for step_s in (YEAR_S, -YEAR_S, -YEAR_S, YEAR_S):
        ring.clock.step_utc(step_s)
        ring.sweeper.sweep(0)
        assert len(ring.seqs()) == 120, f"after a step of {step_s / YEAR_S:g} years"
        assert len(answered(ring)) == 120, f"after a step of {step_s / YEAR_S:g} years"
    assert ring.facts(Erase) == []
    ring.clock.advance(31 * DAY_S)
    ring.sweeper.sweep(0)
    assert ring.seqs() == []


def test_footage_named_a_year_ahead_goes_with_its_neighbours() -> None:
    ring = PlainRing()
    ring.record_days(1)
    ring.clock.step_utc(YEAR_S)
    ahead = ring.record(HOUR_S)
    ring.clock.step_utc(-YEAR_S)
    ring.record_days(1)
    ring.clock.advance(28.5 * DAY_S)
    ring.sweeper.sweep(0)
    assert ahead.seq in ring.seqs()
    ring.clock.advance(2 * DAY_S)
    ring.sweeper.sweep(0)
    assert ring.seqs() == [], "what was recorded after it is too old"


def test_footage_without_a_date_is_gone_after_its_time_with_and_without_a_clock() -> None:
    """Never a trusted clock: this boot's footage goes by the monotonic clock, and older boots' with it."""
    ring = PlainRing()
    ring.clock.set_state("untrusted")
    ring.record_days(2)
    ring.reboot(60, "boot-2")
    first = ring.next_seq
    for _ in range(35):
        ring.record_days(1)
        ring.sweeper.sweep(0)
        assert min(ring.seqs()) >= first or now_boot_days(ring) < 30
    assert min(ring.seqs()) == first + round((now_boot_days(ring) - 30) * 24) + 1
    assert {each.reason for each in ring.facts(Erase)} == {"age"}
    assert not any(name.start_utc_ms for name in ring.folder.all())


def now_boot_days(ring: PlainRing) -> float:
    return (ring.clock.boot_ns() / NS_PER_S - 20) / DAY_S


def test_a_hold_outlives_every_bound_and_its_footage_goes_when_it_is_released() -> None:
    ring = PlainRing(ModelDisk(1 << 24))
    names = ring.record_days(3)
    held = lock(ring, names[10], names[12])
    for _ in range(4):
        ring.clock.advance(60 * DAY_S)
        ring.sweeper.sweep(0)
    assert ring.seqs() == held
    sound(ring)
    locks(ring).release("h1", by="A. Lis", why="closed")
    ring.sweeper.sweep(0)
    assert ring.seqs() == []
    sound(ring)


def test_a_hold_on_what_is_due_in_part_keeps_the_rest() -> None:
    ring = PlainRing()
    names = ring.record_days(31)
    held = lock(ring, names[20], names[30])
    assert held == list(range(26, 33)), "24 and 25 began 30 days ago or earlier; two seconds are held beyond the end"
    ring.clock.advance(90 * DAY_S)
    ring.sweeper.sweep(0)
    assert ring.seqs() == held
