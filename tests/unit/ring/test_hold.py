"""Evidence locks: made, completed, counted, refused, released."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from edge.clock import NS_PER_S, format_utc
from edge.errors import IntegrityError, Refused, StorageError
from edge.host.disk import Stat
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import TYPE_OF, AlarmRaised, HoldAdded, HoldReleased, facts_of
from edge.ring.check import check
from edge.ring.hold import Holds, _records
from edge.ring.hold_alarms import HoldAlarms
from edge.ring.hold_request import HoldRequest
from edge.ring.query import RingReader
from tests.support.pole import CAMERA, DATA, Pole

_F = TypeVar("_F", bound=msgspec.Struct)
SEGMENT_S = 5


class Locked:
    """A pole and its holds."""

    def __init__(self, pole: Pole, quota_percent: float = 25.0) -> None:
        self.pole = pole
        self.start(quota_percent)

    def start(self, quota_percent: float = 25.0) -> None:
        """A new process of the agent, or of the local tool."""
        pole = self.pole
        self.journal = JournalWriter(pole.disk, pole.folders.journal("agent"), pole.clock, pole.boot)
        reader = RingReader(pole.disk, pole.data, pole.clock, pole.boot)
        self.holds = Holds(pole.disk, pole.data, self.journal, pole.clock, reader, quota_percent)
        self.alarms = HoldAlarms(self.holds, self.journal, pole.clock)

    def ago(self, seconds: float) -> str:
        return format_utc(self.pole.clock.read().utc_ns - round(seconds * NS_PER_S))

    def request(self, first_s: float, last_s: float, id: str = "h1") -> HoldRequest:
        """The time from `first_s` to `last_s` seconds ago."""
        return HoldRequest(id, CAMERA, self.ago(first_s), self.ago(last_s), case="RSW 12/26", by="J. Nowak")

    def links(self, id: str = "h1") -> list[str]:
        return sorted(entry.name for entry in self.pole.disk.scan(self.pole.folders.hold / id) if entry.name.endswith(".mp4"))

    def facts(self, shape: type[_F]) -> list[_F]:
        lines = JournalReader(self.pole.disk, self.journal.folder).read()
        return [facts_of(line.record, shape) for line in lines if line.record.type == TYPE_OF[shape]]

    def nlink(self, seq: int) -> int:
        name = next(name for name in self.pole.names() if name.seq == seq)
        return self.pole.disk.stat(self.pole.ring / name.path).nlink


def recorded(seconds: int = 32, disk: ModelDisk | None = None) -> Locked:
    """Six sealed segments of five seconds and an open one of two."""
    pole = Pole(disk=disk or ModelDisk())
    pole.start()
    pole.record(seconds)
    return Locked(pole)


def refused(code: str, call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_a_range_is_locked_by_links_named_like_their_segments() -> None:
    node = recorded()
    hold = node.holds.add(node.request(20.5, 15.0))
    assert hold.segments == [2, 3, 4]
    names = {name.seq: Path(name.path).name for name in node.pole.names()}
    assert node.links() == [names[seq] for seq in hold.segments]
    assert [node.nlink(seq) for seq in range(1, 7)] == [1, 2, 2, 2, 1, 1]
    assert hold.bytes == sum(node.pole.disk.stat(node.pole.folders.hold / "h1" / link).size for link in node.links())
    (record,) = node.facts(HoldAdded)
    assert (record.id, record.camera_id, record.segments, record.bytes) == ("h1", CAMERA, [2, 3, 4], hold.bytes)
    assert (record.case, record.by, record.start, record.end) == ("RSW 12/26", "J. Nowak", hold.start, hold.end)
    assert node.holds.holds() == [hold]
    assert check(node.pole.disk, DATA).findings == []


def test_the_same_request_again_is_the_same_hold_and_no_second_record() -> None:
    node = recorded()
    request = node.request(20.5, 15.0)
    first = node.holds.add(request)
    assert node.holds.add(request) == first
    node.start()
    assert node.holds.add(request) == first
    assert len(node.facts(HoldAdded)) == 1


def test_another_range_camera_or_case_under_the_same_id_is_refused() -> None:
    node = recorded()
    request = node.request(20.5, 15.0)
    node.holds.add(request)
    refused("hold_exists", lambda: node.holds.add(replace(request, end=node.ago(1.0))))
    refused("hold_exists", lambda: node.holds.add(replace(request, case="another")))
    assert node.links() == node.links()
    assert len(node.facts(HoldAdded)) == 1


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("bad_id", {"id": "../h1"}),
        ("bad_id", {"id": ""}),
        ("bad_id", {"id": ".h1"}),
        ("bad_id", {"id": "x" * 65}),
        ("bad_text", {"case": " "}),
        ("bad_text", {"by": ""}),
        ("bad_text", {"by": "x" * 201}),
        ("unknown_camera", {"camera": "../cam0"}),
        ("bad_range", {"start": "yesterday"}),
        ("bad_range", {"start": "2026-11-22T10:00:00"}),
        ("bad_range", {"end": "2020-01-01T00:00:00Z"}),
        ("bad_range", {"end": "2099-01-01T00:00:00Z"}),
        ("bad_review", {"review": "soon"}),
    ],
)
def test_nonsense_is_refused_and_leaves_nothing_behind(code: str, change: dict[str, str]) -> None:
    node = recorded()
    refused(code, lambda: node.holds.add(replace(node.request(20.5, 15.0), **change)))  # type: ignore[arg-type]
    assert node.holds.holds() == []
    assert node.holds.incomplete() == []
    assert node.facts(HoldAdded) == []


def test_the_open_segment_is_pinned_and_its_link_gets_the_sealed_name() -> None:
    node = recorded()
    hold = node.holds.add(node.request(8.0, 0.5))
    assert hold.segments == [5, 6, 7]
    assert "open_000000007.mp4" in node.links()
    node.pole.record(8)
    node.pole.recording.close()
    (after,) = node.holds.refresh()
    assert after.segments == [5, 6, 7]
    assert after.bytes > hold.bytes
    assert node.links() == [Path(name.path).name for name in node.pole.names() if name.seq in (5, 6, 7)]
    assert node.nlink(7) == 2
    assert check(node.pole.disk, DATA, deep=True).findings == []


def test_the_open_segment_stays_pinned_through_a_power_cut_and_the_recovery() -> None:
    node = recorded()
    node.holds.add(node.request(8.0, 0.5))
    assert isinstance(node.pole.disk, ModelDisk)
    node.pole.disk = node.pole.disk.power_cut(3)
    node.pole.reboot()
    node.pole.start()
    node.start()
    node.holds.refresh()
    assert node.nlink(7) == 2
    assert not any(link.startswith("open_") for link in node.links())


def test_a_range_that_reaches_on_takes_in_what_is_recorded_later() -> None:
    node = recorded()
    hold = node.holds.add(node.request(3.0, -20.0))
    assert hold.segments == [6, 7]
    for _ in range(4):
        node.pole.record(10)
        node.holds.refresh()
    held = node.holds.holds()[0].segments
    assert held == [6, 7, 8, 9, 10, 11]
    assert [seq for record in node.facts(HoldAdded) for seq in record.segments] == held
    assert node.nlink(12) == 1
    assert check(node.pole.disk, DATA).findings == []


def test_a_lock_that_is_long_over_costs_nothing_any_more() -> None:
    node = recorded()
    node.holds.add(node.request(20.5, 15.0))
    node.pole.clock.advance(7200)
    assert node.holds.refresh() == []
    assert isinstance(node.pole.disk, ModelDisk)
    before = node.pole.disk.operations
    node.holds.refresh()
    assert node.pole.disk.operations - before == 2, "one listing, one look at its description"


def test_undated_footage_of_this_boot_is_found_by_the_clock_of_now_and_renamed_with_its_segment() -> None:
    pole = Pole()
    pole.clock.set_state("untrusted")
    pole.start()
    pole.record(12)
    node = Locked(pole)
    hold = node.holds.add(node.request(9.0, 7.5))
    assert hold.segments == [1, 2]
    assert all(link.startswith("undated@") for link in node.links())
    pole.clock.set_state("trusted")
    pole.record(6)
    node.holds.refresh()
    assert [Path(name.path).name for name in pole.names()][:2] == node.links()
    assert node.holds.holds()[0].segments == [1, 2]


def test_more_than_the_quota_is_refused_with_the_numbers_and_nothing_is_made() -> None:
    node = recorded(disk=ModelDisk(2_000_000))
    size = node.pole.disk.stat(node.pole.ring / node.pole.names()[0].path).size
    node.start(quota_percent=100 * 2.5 * size / 2_000_000)
    error = refused("hold_quota", lambda: node.holds.add(node.request(31.0, 1.0)))
    assert str(node.holds.quota_bytes()) in str(error)
    assert node.holds.holds() == []
    assert node.holds.incomplete() == []
    assert node.holds.held_bytes() == 0
    fits = node.request(27.0, 26.5)
    node.holds.add(fits)
    assert node.holds.held_bytes() <= node.holds.quota_bytes()
    node.holds.add(replace(fits, id="h2"))
    assert len(node.links("h2")) == len(node.links("h1")), "the same footage counts once"


def test_footage_that_is_still_to_come_counts_for_the_quota() -> None:
    node = recorded(disk=ModelDisk(2_000_000))
    refused("hold_quota", lambda: node.holds.add(node.request(3.0, -3600.0 * 24)))
    node.holds.add(node.request(3.0, -20.0))


def test_what_outgrows_the_quota_later_is_not_held_and_an_alarm_says_so() -> None:
    node = recorded(disk=ModelDisk(2_000_000))
    hold = node.holds.add(node.request(3.0, -60.0))
    node.start(quota_percent=100 * (hold.bytes + 20_000) / 2_000_000)
    for _ in range(5):
        node.pole.record(10)
        node.alarms.look(changed=bool(node.holds.refresh()))
    assert node.holds.held_bytes() <= node.holds.quota_bytes() + 10_000
    assert [alarm.code for alarm in node.facts(AlarmRaised) if alarm.active and "." in alarm.code] == ["hold_quota.h1"]
    assert check(node.pole.disk, DATA).findings == []


def test_a_release_says_who_and_why_and_lets_the_footage_go() -> None:
    node = recorded()
    node.holds.add(node.request(20.5, 15.0))
    node.holds.release("h1", by="A. Lis", why="case closed")
    assert node.facts(HoldReleased) == [HoldReleased(id="h1", by="A. Lis", why="case closed", case="RSW 12/26")]
    assert node.holds.holds() == []
    assert [node.nlink(seq) for seq in range(1, 7)] == [1] * 6
    refused("unknown_hold", lambda: node.holds.release("h1", by="A. Lis", why="again"))
    refused("unknown_hold", lambda: node.holds.release("../ring", by="A. Lis", why="again"))
    refused("bad_text", lambda: node.holds.release("h1", by="A. Lis", why=""))


def test_footage_in_two_holds_stays_until_both_are_released() -> None:
    node = recorded()
    node.holds.add(node.request(20.5, 15.0))
    node.holds.add(node.request(20.5, 15.0, id="h2"))
    node.holds.release("h1", by="A. Lis", why="closed")
    assert node.nlink(3) == 2
    node.holds.release("h2", by="A. Lis", why="closed")
    assert node.nlink(3) == 1


def test_an_id_can_be_used_again_after_its_release() -> None:
    node = recorded()
    node.holds.add(node.request(20.5, 15.0))
    node.holds.release("h1", by="A. Lis", why="closed")
    assert node.holds.add(node.request(10.5, 9.0)).segments == [4, 5]


def test_locks_past_their_review_date_are_listed() -> None:
    node = recorded()
    request = node.request(20.5, 15.0)
    node.holds.add(replace(request, id="none"))
    node.holds.add(replace(request, id="soon", review=node.ago(-3600.0)))
    node.holds.add(replace(request, id="date", review="2027-06-30"))
    assert node.holds.past_review() == []
    node.pole.clock.advance(7200)
    assert [hold.id for hold in node.holds.past_review()] == ["soon"]
    assert node.holds.holds()[0].review == "2027-06-30T00:00:00.000Z"


def test_a_range_without_any_footage_is_held_empty_and_recorded() -> None:
    node = recorded()
    hold = node.holds.add(node.request(9000.0, 8000.0))
    assert hold.segments == []
    assert len(node.facts(HoldAdded)) == 1
    assert node.holds.refresh() == []


def test_many_segments_are_recorded_in_records_of_allowed_size() -> None:
    node = recorded()
    hold = node.holds.add(node.request(20.5, 15.0))
    node.journal.append_all(list(_records(hold, dict.fromkeys(range(10**8, 10**8 + 50_000), 10**8))))
    records = node.facts(HoldAdded)[1:]
    assert len(records) == 25
    assert sum(len(record.segments) for record in records) == 50_000


class Vanishing(ModelDisk):
    """The sweep takes a segment between the look and the link."""

    victim: Path | None = None

    def link(self, old: Path, new: Path) -> None:
        if old == self.victim:
            self.victim = None
            self.unlink(old)
        super().link(old, new)


def test_a_segment_that_is_erased_in_the_same_moment_is_not_claimed_to_be_held() -> None:
    disk = Vanishing()
    node = recorded(disk=disk)
    disk.victim = node.pole.ring / node.pole.names()[1].path
    hold = node.holds.add(node.request(20.5, 15.0))
    assert hold.segments == [3, 4]
    assert check(disk, DATA).findings != [], "the test's own erasure is the unexplained one"


@pytest.mark.parametrize(("word", "damaged"), [(b'{"id"', b'{"i'), (b'"start":"2026', b'"start":"2q26'), (b"{", b'{"x":' + b"[" * 100_000)])
def test_a_damaged_description_pins_on_and_is_reported(word: bytes, damaged: bytes) -> None:
    node = recorded()
    node.holds.add(node.request(20.5, 15.0))
    path = node.pole.folders.hold / "h1" / "hold.json"
    sound = node.pole.disk.read(path)
    assert word in sound
    node.pole.disk.replace(path, sound.replace(word, damaged, 1))
    assert node.holds.holds() == []
    assert node.holds.incomplete() == ["h1"]
    with pytest.raises(IntegrityError):
        node.holds.add(node.request(20.5, 15.0))
    for _ in range(3):
        node.holds.refresh()
        node.alarms.look(changed=False)
    assert [alarm.code for alarm in node.facts(AlarmRaised)] == ["hold_damaged.h1"]
    assert node.nlink(3) == 2
    node.pole.disk.unlink(node.pole.folders.hold / "h1" / "hold.json")
    node.holds.refresh()
    assert node.nlink(3) == 2, "links without a description are never thrown away"


def test_a_folder_whose_name_is_no_text_is_reported() -> None:
    node = recorded()
    folder = node.pole.folders.hold / "b\udc80d"
    node.pole.disk.mkdir(folder)
    node.pole.disk.replace(folder / "hold.json", b"{")
    node.holds.refresh()
    node.alarms.look(changed=False)
    assert [alarm.code for alarm in node.facts(AlarmRaised)] == ["hold_damaged.b?d"]
    assert node.holds.incomplete() == ["b?d"]


def test_an_empty_folder_of_a_hold_that_never_was_goes() -> None:
    node = recorded()
    node.pole.disk.mkdir(node.pole.folders.hold / "h9")
    node.pole.disk.create(node.pole.folders.hold / "h9" / ".hold.json.new").close()
    assert node.holds.incomplete() == ["h9"]
    node.holds.refresh()
    assert node.holds.incomplete() == []


class SickHold(ModelDisk):
    def stat(self, path: Path) -> Stat:
        if "h1" in path.parts:
            raise StorageError("bad block", number=5)
        return super().stat(path)


def test_one_holds_trouble_does_not_keep_another_from_its_footage() -> None:
    disk = SickHold()
    node = recorded(disk=disk)
    node.holds.add(node.request(3.0, -20.0, id="h2"))
    disk.mkdir(DATA / "hold" / "h1")
    disk.replace(DATA / "hold" / "h1" / "hold.json", disk.read(DATA / "hold" / "h2" / "hold.json").replace(b'"h2"', b'"h1"'))
    node.pole.record(10)
    with pytest.raises(StorageError):
        node.holds.refresh()
    assert len(node.links("h2")) > 2


def test_it_all_works_on_a_real_file_system(tmp_path: Path) -> None:
    pole = Pole(disk=LinuxDisk(), data=tmp_path)
    pole.start()
    pole.record(32)
    node = Locked(pole)
    hold = node.holds.add(node.request(20.5, 0.5))
    assert hold.segments == [2, 3, 4, 5, 6, 7]
    pole.record(10)
    pole.recording.close()
    node.holds.refresh()
    assert [node.nlink(seq) for seq in range(1, 9)] == [1, 2, 2, 2, 2, 2, 2, 1]
    assert check(pole.disk, tmp_path, deep=True).findings == []
    node.holds.release("h1", by="A. Lis", why="closed")
    assert list((tmp_path / "hold").iterdir()) == []
