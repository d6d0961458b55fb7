"""What the sweep reads of holds: ranges before they are linked, damage, footage without a date."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import NS_PER_MS, format_utc
from edge.host.disk import Stat
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.hold import Hold
from edge.messages.records import AlarmRaised, HoldAdded, facts_of
from edge.ring.check import check
from edge.ring.held_ranges import HeldRanges
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from tests.support.plain_ring import CAMERA, DATA, DAY_S, SEGMENT_BYTES, PlainRing

HOUR_MS = 3_600_000
START_MS = 1_795_000_000_000


def describe(ring: PlainRing, id: str = "h1", **changes: object) -> None:
    """A hold.json as it is before anything is linked: the second to the fourth hour, if not said otherwise."""
    hold = Hold(
        id=id,
        camera=CAMERA,
        start=format_utc((START_MS + HOUR_MS + 5000) * NS_PER_MS),
        end=format_utc((START_MS + 4 * HOUR_MS - 5000) * NS_PER_MS),
        case="RSW 12/26",
        by="J. Nowak",
        added=format_utc(START_MS * NS_PER_MS),
    )
    ring.disk.mkdir(DATA / "hold" / id)
    ring.disk.replace(DATA / "hold" / id / "hold.json", msgspec.json.encode(msgspec.structs.replace(hold, **changes)))


def swept(ring: PlainRing) -> list[int]:
    """What is left when everything that may go has gone."""
    ring.sweeper.sweep(ring.disk.space(DATA).free_bytes + 100 * SEGMENT_BYTES)
    return ring.seqs()


def hours(count: int = 6) -> PlainRing:
    ring = PlainRing(ModelDisk(1 << 22))
    for _ in range(count):
        ring.record(3600)
    return ring


def test_a_range_is_kept_before_anything_of_it_is_linked() -> None:
    ring = hours()
    describe(ring)
    assert swept(ring) == [2, 3, 4]
    assert [ring.disk.stat(ring.root / name.path).nlink for name in ring.folder.all()] == [1, 1, 1]


def test_two_seconds_are_kept_beyond_both_ends() -> None:
    ring = hours()
    describe(ring, start=format_utc((START_MS + HOUR_MS + 1999) * NS_PER_MS), end=format_utc((START_MS + 2 * HOUR_MS - 1999) * NS_PER_MS))
    assert swept(ring) == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"camera": "another"}, []),
        ({"released_by": "A. Lis"}, []),
        ({"beyond": 3}, [2]),
        ({"since": format_utc((START_MS + HOUR_MS) * NS_PER_MS)}, [3, 4]),
        ({"since": format_utc((START_MS + HOUR_MS - 1) * NS_PER_MS)}, [2, 3, 4]),
        ({"boot": "another-boot", "boot_offset_ms": 0}, []),
    ],
)
def test_what_a_description_does_not_claim_goes(changes: dict[str, object], left: list[int]) -> None:
    ring = hours()
    describe(ring, **changes)  # type: ignore[arg-type]
    assert swept(ring) == left


def test_a_description_that_changes_is_read_again() -> None:
    ring = hours()
    describe(ring)
    ring.sweeper.sweep(0)
    describe(ring, start=format_utc((START_MS + 3 * HOUR_MS + 5000) * NS_PER_MS))
    assert swept(ring) == [4]
    describe(ring, "h2", start=format_utc((START_MS + 9 * HOUR_MS) * NS_PER_MS), end=format_utc((START_MS + 9 * HOUR_MS + 1) * NS_PER_MS))
    for _ in range(5):
        ring.record(3600)
    assert swept(ring) == [4, 9, 10], "two seconds of the ninth"


def test_an_unchanged_description_costs_one_look_and_no_reading() -> None:
    ring = hours()
    for number in range(20):
        describe(ring, f"h{number}")
    ranges = HeldRanges(ring.disk, DATA / "hold", ring.folder, ring.boot, ring.clock)
    ranges.look_again()
    assert isinstance(ring.disk, ModelDisk)
    before = len(ring.disk.trail)
    ranges.look_again()
    assert not any("read" in word for word in ring.disk.trail[before:])


@pytest.mark.parametrize("damage", [b"{", b"", b"\xff\xfe", b'{"camera":"cam1","start":"soon","end":"later"}', b'{"x":' + b"[" * 100_000])
def test_a_damaged_description_stops_no_sweep_and_raises_an_alarm(damage: bytes) -> None:
    ring = hours()
    describe(ring, "good")
    ring.disk.mkdir(DATA / "hold" / "bad")
    ring.disk.replace(DATA / "hold" / "bad" / "hold.json", damage)
    assert swept(ring) == [2, 3, 4]
    codes = [(alarm.code, alarm.active) for alarm in ring.facts(AlarmRaised)]
    assert (f"hold_unread.{CAMERA}", True) in codes
    ring.disk.unlink(DATA / "hold" / "bad" / "hold.json")
    ring.sweeper.sweep(0)
    assert (f"hold_unread.{CAMERA}", False) in [(alarm.code, alarm.active) for alarm in ring.facts(AlarmRaised)]


def test_a_hold_whose_name_is_no_text_stops_no_sweep() -> None:
    ring = hours()
    folder = DATA / "hold" / "b\udc80d"
    ring.disk.mkdir(folder)
    ring.disk.replace(folder / "hold.json", b"{")
    assert swept(ring) == []
    (alarm,) = [alarm for alarm in ring.facts(AlarmRaised) if alarm.code == f"hold_unread.{CAMERA}"]
    assert "b?d" in alarm.text


def test_a_description_that_is_damaged_later_still_protects_what_was_read_of_it() -> None:
    ring = hours()
    describe(ring)
    ring.sweeper.sweep(0)
    ring.disk.replace(DATA / "hold" / "h1" / "hold.json", b"{")
    assert swept(ring) == [2, 3, 4]


class Monstrous(ModelDisk):
    def stat(self, path: Path) -> Stat:
        found = super().stat(path)
        return Stat(5 << 20, found.nlink, found.inode, found.device, found.mtime_ns, found.is_dir) if path.name == "hold.json" else found


def test_a_monstrous_description_is_not_read() -> None:
    ring = PlainRing(Monstrous(1 << 22))
    for _ in range(6):
        ring.record(3600)
    describe(ring)
    assert swept(ring) == []
    assert f"hold_unread.{CAMERA}" in [alarm.code for alarm in ring.facts(AlarmRaised)]


def undated_between(ring: PlainRing) -> None:
    """Dated 1; then 2 and 3 of a boot without a clock; dated 4, 5 since 10 and 11 hours after the start."""
    ring.record(3600)
    ring.reboot(3600, "boot-2")
    ring.clock.set_state("untrusted")
    ring.record(3600)
    ring.record(3600)
    ring.reboot(6 * 3600, "boot-3")
    ring.clock.set_state("trusted")
    ring.record(3600)
    ring.record(3600)


@pytest.mark.parametrize(
    ("first_h", "last_h", "left"),
    [(0.2, 0.8, [1]), (0.5, 3.0, [1, 2, 3]), (3.0, 4.0, [2, 3]), (8.0, 9.0, [2, 3]), (10.5, 10.8, [4]), (10.5, 11.5, [4, 5])],
)
def test_footage_without_a_date_is_held_by_a_range_that_it_may_belong_to(first_h: float, last_h: float, left: list[int]) -> None:
    ring = PlainRing(ModelDisk(1 << 22))
    undated_between(ring)
    start, end = (format_utc(round(START_MS + each * HOUR_MS) * NS_PER_MS) for each in (first_h, last_h))
    describe(ring, start=start, end=end)
    assert swept(ring) == left


def holds_of(ring: PlainRing) -> tuple[Holds, JournalWriter]:
    journal = JournalWriter(ring.disk, DATA / "journal" / "agent", ring.clock, ring.boot)
    return Holds(ring.disk, DATA, journal, ring.clock, RingReader(ring.disk, DATA, ring.clock, ring.boot)), journal


def ago(ring: PlainRing, hours_ago: float) -> str:
    return format_utc(ring.clock.read().utc_ns - round(hours_ago * HOUR_MS) * NS_PER_MS)


def test_a_hold_by_the_unset_clock_moves_with_the_footage_when_the_clock_is_set() -> None:
    """The node thinks that it is 1970. `edge hold add --from -2h --to now`, and another one that grows, without anybody who links."""
    ring = PlainRing(ModelDisk(1 << 22))
    ring.clock.step_utc(-START_MS / 1000)
    ring.clock.set_state("untrusted")
    for _ in range(4):
        ring.record(3600)
    holds, _ = holds_of(ring)
    request = HoldRequest("h1", CAMERA, ago(ring, 1.99), ago(ring, -1.99), case="RSW 12/26", by="J. Nowak", by_node_clock=True)
    hold = holds.add(request)
    assert (hold.segments, hold.boot) == ([3, 4], ring.boot)
    for _ in range(4):
        ring.record(3600)
    assert swept(ring) == [3, 4, 5, 6], "the range ends with the sixth"
    ring.clock.step_utc(START_MS / 1000)
    ring.clock.set_state("trusted")
    dated(ring)
    ring.record(3600)
    assert swept(ring) == [3, 4, 5, 6], "dated by now, and nobody has told the description"
    (after,) = holds.refresh()
    assert (after.segments, after.boot) == ([3, 4, 5, 6], "")
    assert after.start == format_utc((START_MS + 2 * HOUR_MS + 36_000) * NS_PER_MS)
    records = [record for record in ring_facts(ring) if record.id == "h1"]
    assert [record.start for record in records] == [hold.start, after.start]
    assert [each for each in check(ring.disk, DATA).findings if each.invariant not in (3, 10)] == []


def dated(ring: PlainRing) -> None:
    """What the recorder does as soon as the clock is set."""
    offset_ms = ring.clock.read().offset_ns // NS_PER_MS
    for name in ring.folder.undated():
        true = SegmentName(name.seq, name.duration_ms, (name.mono_ms or 0) + offset_ms, None, None)
        ring.disk.mkdir((ring.root / true.path).parent)
        ring.disk.rename(ring.root / name.path, ring.root / true.path)


def ring_facts(ring: PlainRing) -> list[HoldAdded]:
    lines = JournalReader(ring.disk, DATA / "journal" / "agent").read()
    return [facts_of(line.record, HoldAdded) for line in lines if line.record.type == "hold"]


def test_a_true_time_is_accepted_while_the_clock_is_a_month_behind_and_its_footage_waits() -> None:
    """The clock of a node without a battery begins where it stopped. The centre asks for today."""
    ring = PlainRing(ModelDisk(1 << 22))
    ring.record(3600)
    ring.reboot(60 * DAY_S, "boot-2")
    true_ms = ring.clock.read().utc_ns // NS_PER_MS
    ring.clock.step_utc(-60 * DAY_S)
    ring.clock.set_state("untrusted")
    holds, _ = holds_of(ring)
    start, end = format_utc(true_ms * NS_PER_MS), format_utc((true_ms + 2 * HOUR_MS - 5000) * NS_PER_MS)
    assert holds.add(HoldRequest("h1", CAMERA, start, end, case="RSW 12/26", by="J. Nowak")).segments == []
    for _ in range(4):
        ring.record(3600)
    assert swept(ring) == [2, 3, 4, 5], "all that may belong to the range"
    ring.clock.step_utc(60 * DAY_S)
    ring.clock.set_state("trusted")
    dated(ring)
    assert swept(ring) == [2, 3]
    holds.refresh()
    assert holds.holds()[0].segments == [2, 3]
