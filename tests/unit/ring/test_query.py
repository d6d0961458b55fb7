from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from edge.clock import NS_PER_MS, NS_PER_S, Clock, ManualClock
from edge.errors import NotFound
from edge.host.disk import Entry
from edge.host.model_disk import ModelDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Episode
from edge.ring.limits import RingLimits
from edge.ring.query import RingReader, SegmentRef
from edge.ring.timeline import Hole, Span, explain, holes_of, spans_of
from tests.support.pole import BOOT, CAMERA, DATA, FPS, Pole

START_NS = 1_795_000_000 * NS_PER_S
S = NS_PER_S


def reader(pole: Pole, clock: Clock | None = None) -> RingReader:
    return RingReader(pole.disk, DATA, clock or pole.clock, pole.boot)


def pole_with(seconds: int) -> Pole:
    pole = Pole()
    pole.start()
    pole.record(seconds)
    return pole


def seqs(refs: list[SegmentRef]) -> list[int]:
    return [ref.seq for ref in refs]


def test_segments_are_found_by_overlap_in_time_order() -> None:
    found = reader(pole_with(17))
    assert seqs(found.segments(CAMERA, START_NS, START_NS + 100 * S)) == [1, 2, 3, 4]
    assert seqs(found.segments(CAMERA, START_NS + 5 * S, START_NS + 10 * S)) == [2]
    assert seqs(found.segments(CAMERA, START_NS + 5 * S - 1, START_NS + 10 * S + 1)) == [1, 2, 3]
    assert found.segments(CAMERA, START_NS - 10 * S, START_NS) == []
    assert found.cameras() == [CAMERA]


def test_the_open_segment_is_found_up_to_its_last_whole_fragment() -> None:
    pole = pole_with(7)
    opened = reader(pole).segments(CAMERA, START_NS, START_NS + 100 * S)[-1]
    assert opened.open
    assert opened.name is None
    assert (opened.start_utc_ns, opened.end_utc_ns) == (START_NS + 5 * S, START_NS + 7 * S)
    assert reader(pole).index(opened).frames == 2 * FPS
    pole.record(1)
    assert reader(pole).segments(CAMERA, START_NS, START_NS + 100 * S)[-1].end_utc_ns == START_NS + 8 * S


def test_a_segment_has_the_same_start_while_it_is_open_and_when_it_is_sealed() -> None:
    pole = pole_with(3)
    before = reader(pole).segments(CAMERA, START_NS, START_NS + 10 * S)[0]
    pole.stop()
    after = reader(pole).segments(CAMERA, START_NS, START_NS + 10 * S)[0]
    assert (before.start_utc_ns, before.end_utc_ns) == (after.start_utc_ns, after.end_utc_ns)
    with pytest.raises(NotFound):
        reader(pole).index(before)
    assert reader(pole).index(after).frames == 3 * FPS


def test_undated_footage_of_this_boot_is_placed_by_its_mapping() -> None:
    pole = Pole()
    pole.clock.set_state("untrusted")
    pole.start()
    pole.record(7)
    found = reader(pole).segments(CAMERA, START_NS, START_NS + 10 * S)
    assert seqs(found) == [1, 2]
    assert [(ref.undated, ref.open) for ref in found] == [(True, False), (True, True)]
    assert found[0].start_utc_ns == START_NS
    assert RingReader(pole.disk, DATA, pole.clock, "another-boot").segments(CAMERA, START_NS, START_NS + 10 * S) == []


def test_footage_that_begins_before_midnight_is_found_in_the_next_day() -> None:
    midnight_ns = START_NS - START_NS % (86_400 * S) + 86_400 * S
    pole = Pole(clock=ManualClock(midnight_ns - 3 * S))
    pole.limits = RingLimits(segment_s=10.0, bitrate_kbps=30)
    pole.start()
    pole.record(8)
    pole.stop()
    assert seqs(reader(pole).segments(CAMERA, midnight_ns, midnight_ns + S)) == [1]


def test_tables_come_from_the_index_box_and_from_a_walk_alike() -> None:
    pole = pole_with(5)
    pole.stop()
    ref = reader(pole).segments(CAMERA, START_NS, START_NS + S)[0]
    boxed = reader(pole).index(ref)
    file = pole.disk.append(ref.path)
    file.truncate(pole.disk.stat(ref.path).size - 1)
    file.close()
    walked = reader(pole).index(ref)
    assert (walked.fragments, walked.sizes, walked.durations) == (boxed.fragments, boxed.sizes, boxed.durations)


class CountingDisk(ModelDisk):
    def __init__(self) -> None:
        super().__init__()
        self.listed: list[Path] = []

    def scan(self, path: Path) -> list[Entry]:
        self.listed.append(path)
        return super().scan(path)


def test_a_question_lists_only_the_days_it_touches() -> None:
    disk = CountingDisk()
    pole = Pole(disk=disk)
    for _ in range(6):
        pole.start()
        pole.record(1)
        pole.stop()
        pole.clock.advance(86_400.0)
    disk.listed.clear()
    noon_ns = START_NS + 2 * 86_400 * S
    reader(pole).segments(CAMERA, noon_ns - 3600 * S, noon_ns + 3600 * S)
    days = [path.name for path in disk.listed if path.name.startswith("20")]
    assert days == ["2026-11-20"]


def test_a_timeline_shows_spans_and_explained_gaps() -> None:
    pole = pole_with(7)
    pole.recording.gap("camera_stalled", "no picture for 2.0 s")
    pole.clock.advance(4.0)
    pole.recording.start(pole.camera.info())
    pole.record(3)
    pole.stop()
    pole.clock.advance(6.0)
    pole.start()
    pole.record(2)
    found = reader(pole).timeline(CAMERA, START_NS, START_NS + 22 * S)
    assert [(span.start_utc_ns - START_NS, span.end_utc_ns - START_NS) for span in found.spans] == [
        (0, 7 * S),
        (11 * S, 14 * S),
        (20 * S, 22 * S),
    ]
    assert [(gap.start_utc_ns - START_NS, gap.end_utc_ns - START_NS, gap.reason) for gap in found.gaps] == [
        (7 * S, 11 * S, "camera_stalled"),
        (14 * S, 20 * S, "stopped"),
    ]
    assert found.gaps[0].text == "no picture for 2.0 s"


def test_a_gap_that_lasts_has_its_reason_and_the_future_is_no_gap() -> None:
    pole = pole_with(3)
    pole.recording.gap("camera_unreachable")
    pole.clock.advance(10.0)
    found = reader(pole).timeline(CAMERA, START_NS, START_NS + 3600 * S)
    assert found.end_utc_ns == START_NS + 13 * S
    assert [(gap.end_utc_ns - START_NS, gap.reason) for gap in found.gaps] == [(13 * S, "camera_unreachable")]


def test_erased_footage_is_told_from_footage_that_never_was() -> None:
    pole = pole_with(15)
    pole.stop()
    pole.disk.unlink(pole.ring / pole.names()[1].path)
    found = reader(pole).timeline(CAMERA, START_NS - 5 * S, START_NS + 15 * S)
    assert [(gap.start_utc_ns - START_NS, gap.end_utc_ns - START_NS, gap.reason) for gap in found.gaps] == [
        (-5 * S, 0, "before_first"),
        (5 * S, 10 * S, "erased"),
    ]


def explained(pole: Pole, first_s: int, end_s: int) -> list[tuple[float, float, str]]:
    """(from, to, reason) of the gaps, seconds since the start."""
    gaps = reader(pole).timeline(CAMERA, START_NS + first_s * S, START_NS + end_s * S).gaps
    return [((gap.start_utc_ns - START_NS) / S, (gap.end_utc_ns - START_NS) / S, gap.reason) for gap in gaps]


def test_a_gap_that_began_before_the_range_is_explained() -> None:
    pole = pole_with(3)
    pole.recording.gap("camera_died")
    pole.clock.advance(7200.0)
    assert explained(pole, 3600, 7200) == [(3600.0, 7200.0, "camera_died")]


def test_the_time_after_an_orderly_end_is_stopped_also_while_it_lasts() -> None:
    pole = pole_with(7)
    pole.clock.advance(2.0)
    pole.stop()
    pole.clock.advance(3600.0)
    assert explained(pole, 0, 9999) == [(7.0, 3609.0, "stopped")]
    assert explained(pole, 1800, 1900) == [(1800.0, 1900.0, "stopped")]


def test_a_camera_that_was_dead_when_the_recorder_stopped_was_dead_until_then() -> None:
    pole = pole_with(3)
    pole.recording.gap("camera_died")
    pole.clock.advance(10.0)
    pole.stop()
    pole.clock.advance(10.0)
    assert explained(pole, 0, 9999) == [(3.0, 13.0, "camera_died"), (13.0, 23.0, "stopped")]


def test_before_the_first_footage_there_was_none() -> None:
    pole = Pole()
    pole.clock.advance(100.0)
    pole.start()
    pole.clock.advance(2.0)
    pole.record(3)
    assert explained(pole, 0, 105) == [(0.0, 102.0, "before_first")]
    pole.record(9)
    pole.stop()
    assert explained(pole, 0, 114) == [(0.0, 102.0, "before_first")]


def test_a_camera_that_never_answered_is_no_recording_that_had_not_begun() -> None:
    pole = Pole()
    pole.clock.advance(100.0)
    pole.start()
    pole.clock.advance(5.0)
    pole.recording.gap("camera_unreachable")
    pole.clock.advance(60.0)
    assert explained(pole, 0, 9999) == [(0.0, 105.0, "before_first"), (105.0, 165.0, "camera_unreachable")]


def test_footage_that_is_on_its_way_to_the_disk_is_no_gap() -> None:
    pole = pole_with(7)
    pole.clock.advance(1.9)
    found = reader(pole).timeline(CAMERA, START_NS, START_NS + 9999 * S)
    assert (found.gaps, found.end_utc_ns) == ([], START_NS + 7 * S)
    found = reader(pole).timeline(CAMERA, START_NS + 8 * S, START_NS + 9999 * S)
    assert (found.gaps, found.end_utc_ns) == ([], START_NS + 8 * S)
    pole.clock.advance(0.2)
    assert explained(pole, 0, 9999) == [(7.0, 9.1, "unknown")]
    assert explained(pole, 8, 9999) == [(8.0, 9.1, "unknown")]


def test_a_power_cut_is_explained_up_to_footage_that_is_dated_later() -> None:
    """The final record of the gap has no end in UTC: the clock was not trusted when footage went on."""
    pole = pole_with(5)
    pole.reboot(off_s=30.0)
    pole.clock.set_state("untrusted")
    pole.start()
    pole.record(10)
    pole.clock.set_state("trusted")
    pole.record(10)
    assert explained(pole, 0, 55) == [(5.0, 35.0, "power")]
    pole.stop()
    pole.clock.advance(60.0)
    assert explained(pole, 0, 9999) == [(5.0, 35.0, "power"), (55.0, 115.0, "stopped")]


def test_a_month_of_erased_footage_is_one_gap() -> None:
    """Its explanation is made of tens of thousands of records."""
    known = [Hole(minute * 60 * S, (minute + 1) * 60 * S, "erased") for minute in range(43_200)]
    month_ns = 43_200 * 60 * S
    assert explain([(0, month_ns)], known) == [Hole(0, month_ns, "erased")]
    holes = [(minute * 60 * S, minute * 60 * S + 30 * S) for minute in range(43_200)]
    assert len(explain(holes, known)) == 43_200


def test_motion_episodes_of_the_camera_are_events() -> None:
    pole = pole_with(10)
    journal = JournalWriter(pole.disk, pole.folders.journal("watcher"), pole.clock, BOOT)

    def put(number: str, state: Literal["start", "end"], since: str, until: str | None, camera: str = CAMERA) -> None:
        facts = Episode(id=number, state=state, since=since, until=until, since_mono_ms=0, until_mono_ms=None, score=0.5)
        journal.append(facts, camera=camera)

    put("a", "start", "2026-11-18T11:06:42.000Z", None)
    put("a", "end", "2026-11-18T11:06:42.000Z", "2026-11-18T11:06:45.000Z")
    put("b", "start", "2026-11-18T11:06:47.000Z", None)
    put("c", "start", "2026-11-18T11:06:48.000Z", None, camera="cam1")
    events = reader(pole).timeline(CAMERA, START_NS, START_NS + 10 * S).events
    assert [(event.id, event.until_utc_ns) for event in events] == [("a", START_NS + 5 * S), ("b", None)]


def test_spans_join_over_what_nobody_would_notice() -> None:
    assert spans_of([(0, 5 * S, False), (5 * S + 100 * NS_PER_MS, 9 * S, False), (11 * S, 12 * S, False)], 1 * S, 20 * S) == [
        Span(1 * S, 9 * S, 2),
        Span(11 * S, 12 * S, 1),
    ]
    assert holes_of([Span(1 * S, 9 * S, 2), Span(11 * S, 12 * S, 1)], 0, 12 * S) == [(0, 1 * S), (9 * S, 11 * S)]


def test_overlapping_footage_after_a_step_back_is_one_span() -> None:
    assert spans_of([(0, 60 * S, False), (30 * S, 90 * S, False)], 0, 100 * S) == [Span(0, 90 * S, 2)]


def test_a_hole_is_cut_along_what_is_known_of_it() -> None:
    known = [Hole(0, 4 * S, "power"), Hole(3 * S, 6 * S, "camera_died"), Hole(6 * S, 100 * S, "erased")]
    assert explain([(1 * S, 5 * S)], known) == [Hole(1 * S, 4 * S, "power"), Hole(4 * S, 5 * S, "camera_died")]
    assert explain([(200 * S, 210 * S)], known) == [Hole(200 * S, 210 * S, "unknown")]
    assert explain([(90 * S, 110 * S)], known) == [Hole(90 * S, 100 * S, "erased"), Hole(100 * S, 110 * S, "unknown")]
