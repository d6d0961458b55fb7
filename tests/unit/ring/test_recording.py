from __future__ import annotations

import errno
from itertools import pairwise

import pytest
from msgspec.structs import replace

from edge.bmff.walk import walk
from edge.clock import NS_PER_S, ManualClock, parse_utc
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk
from edge.messages.records import Boot, ClockStep, Gap, Recover, Segment, StreamChanged
from edge.ring.check import check
from edge.ring.gop import Gop
from edge.ring.limits import RingLimits
from tests.support.pole import DATA, FPS, Pole


@pytest.fixture
def pole() -> Pole:
    return Pole()


def disk_of(pole: Pole) -> ModelDisk:
    assert isinstance(pole.disk, ModelDisk)
    return pole.disk


def fine(pole: Pole) -> None:
    report = check(pole.disk, DATA, deep=True)
    assert report.findings == []


def test_segments_meet_exactly_and_each_has_its_record(pole: Pole) -> None:
    pole.start()
    pole.record(12)
    pole.stop()
    names = pole.names()
    assert [name.seq for name in names] == [1, 2, 3]
    assert [name.duration_ms for name in names] == [5000, 5000, 2000]
    assert all(before.end_utc_ms == after.start_utc_ms for before, after in pairwise(names))
    assert [record.name for record in pole.facts(Segment)] == [name.path for name in names]
    assert pole.facts(Gap) == []
    fine(pole)


def test_a_name_is_the_true_utc_of_the_first_picture(pole: Pole) -> None:
    pole.start()
    began_utc_ns = pole.clock.read().utc_ns
    pole.record(3)
    pole.stop()
    assert pole.names()[0].start_utc_ms == began_utc_ns // 1_000_000


def test_a_record_tells_what_the_file_holds(pole: Pole) -> None:
    pole.start()
    pole.record(5)
    pole.stop()
    record = pole.facts(Segment)[0]
    stored = pole.disk.read(pole.ring / record.name)
    found = walk(lambda offset, length: stored[offset : offset + length], len(stored))
    assert found.sealed
    assert (record.bytes, record.frames, record.fragments) == (len(stored), 5 * FPS, 5)
    assert (record.params_sha256, record.times_sha256) == (found.index.params_sha256, found.index.times_sha256)
    assert (record.codec, record.width, record.height) == ("h264", 64, 48)
    assert record.span == f"{pole.boot}/{60 * NS_PER_S}"


def test_each_fragment_is_on_the_disk_before_the_next(pole: Pole) -> None:
    pole.start()
    for written in range(1, 5):
        pole.record(1)
        after = disk_of(pole).power_cut(seed=written)
        size = after.stat(pole.ring / "open/000000001.mp4").size
        found = walk(lambda offset, length, disk=after: disk.read(pole.ring / "open/000000001.mp4", offset, length), size)  # type: ignore[misc]
        assert len(found.index.fragments) == written


def test_the_space_of_a_segment_is_reserved_before_its_first_byte(pole: Pole) -> None:
    pole.start()
    pole.record(1)
    trail = disk_of(pole).trail
    path = pole.ring / "open/000000001.mp4"
    order = [trail.index(f"{word} {path}") for word in ("create", "reserve", "write", "sync")]
    assert order == sorted(order)
    assert order[0] < trail.index(f"sync {path.parent}", order[0]) < order[2]


def test_sealing_is_cut_sync_rename_sync_sync_record(pole: Pole) -> None:
    pole.start()
    pole.record(3)
    disk_of(pole).trail.clear()
    pole.recording.close()
    words = [step.split()[0] for step in disk_of(pole).trail]
    assert words.index("truncate") < words.index("sync") < words.index("rename")
    assert words[words.index("rename") + 1 :][:2] == ["sync", "sync"]
    assert "jsonl" in disk_of(pole).trail[-1]


def test_a_new_form_of_the_stream_begins_a_new_segment_without_a_hole(pole: Pole) -> None:
    pole.start()
    pole.record(2)
    pole.camera.width = 80
    pole.record(2)
    pole.stop()
    first, second = pole.names()
    assert first.end_utc_ms == second.start_utc_ms
    change = pole.facts(StreamChanged)[0]
    assert change.new_seq == second.seq
    assert change.before.startswith("h264 64x48")
    assert change.after.startswith("h264 80x48")
    assert pole.facts(Gap) == []
    fine(pole)


def test_a_worker_that_died_leaves_an_explained_gap(pole: Pole) -> None:
    pole.start()
    pole.record(3)
    pole.recording.gap("camera_stalled", "no picture for 2.0 s")
    pole.clock.advance(4.0)
    pole.recording.start(pole.camera.info())
    pole.record(2)
    pole.stop()
    lasting, final = pole.facts(Gap)
    assert lasting.open
    assert lasting.end is None
    assert (final.reason, final.open, final.after_seq) == ("camera_stalled", False, 1)
    assert final.start is not None
    assert final.end is not None
    assert parse_utc(final.end) - parse_utc(final.start) == 4 * NS_PER_S
    assert final.text == "no picture for 2.0 s"
    fine(pole)


def test_the_first_reason_of_a_gap_stays_and_later_words_are_added(pole: Pole) -> None:
    pole.start()
    pole.record(1)
    pole.recording.gap("camera_stalled", "no picture")
    pole.clock.advance(2.0)
    pole.recording.gap("camera_unreachable", "connection refused")
    pole.clock.advance(2.0)
    pole.recording.gap("camera_unreachable", "connection refused")
    pole.recording.start(pole.camera.info())
    pole.record(1)
    final = pole.facts(Gap)[-1]
    assert (final.reason, final.text) == ("camera_stalled", "no picture; connection refused")
    assert len(pole.facts(Gap)) == 2


def test_dropped_gops_are_a_gap_with_the_number_of_frames(pole: Pole) -> None:
    pole.start()
    pole.record(2)
    for _ in range(3):
        pole.camera.gop()
        pole.clock.advance(1.0)
    pole.record(2)
    pole.stop()
    gap = pole.facts(Gap)[0]
    assert (gap.reason, gap.frames_lost, gap.open) == ("disk_slow", 3 * FPS, False)
    assert len(pole.names()) == 2
    fine(pole)


def test_time_stamps_that_jump_close_the_segment_and_lose_nothing(pole: Pole) -> None:
    pole.start()
    pole.record(2)
    pole.camera.dts_ns += 3600 * NS_PER_S
    pole.record(2)
    pole.camera.dts_ns -= 7200 * NS_PER_S
    pole.record(2)
    pole.stop()
    assert [record.frames for record in pole.facts(Segment)] == [2 * FPS] * 3
    assert [record.duration_ms for record in pole.facts(Segment)] == [2000] * 3
    fine(pole)


def test_a_jump_seen_inside_a_gop_is_recorded_and_ends_the_segment_behind_it(pole: Pole) -> None:
    pole.start()
    pole.record(1)
    whole = pole.camera.gop()
    moved = [
        packet if number < 2 else replace(packet, dts_ns=packet.dts_ns + 60 * NS_PER_S, pts_ns=packet.pts_ns + 60 * NS_PER_S)
        for number, packet in enumerate(whole.packets)
    ]
    pole.camera.dts_ns += 60 * NS_PER_S
    pole.clock.advance(1.0)
    assert pole.recording.write(Gop(moved, pole.camera.dts_ns)) is None
    pole.record(1)
    pole.stop()
    assert [record.frames for record in pole.facts(Segment)] == [2 * FPS, FPS]
    assert [record.duration_ms for record in pole.facts(Segment)] == [2000, 1000]
    jump = pole.facts(Gap)[0]
    assert (jump.reason, jump.text) == ("time_jump", "the source's time stamps moved by +60.000 s")


def test_a_step_of_utc_cuts_nothing_and_is_recorded(pole: Pole) -> None:
    pole.limits = RingLimits(segment_s=10.0, bitrate_kbps=30)
    pole.start()
    pole.record(3)
    pole.clock.step_utc(3600.0)
    pole.record(3)
    pole.stop()
    assert [record.frames for record in pole.facts(Segment)] == [6 * FPS]
    step = pole.facts(ClockStep)[0]
    assert (step.step_ms, step.before, step.after) == (3_600_000, "trusted", "trusted")
    fine(pole)


def test_a_stream_without_parameter_sets_is_not_stored_and_says_so(pole: Pole) -> None:
    pole.start()
    pole.recording.start(replace(pole.camera.info(), parameter_sets=b""))
    whole = pole.camera.gop()
    bare = replace(whole.packets[0], data=b"\0\0\0\1\x65\x88\x84")
    assert pole.recording.write(Gop([bare, *whole.packets[1:]], whole.next_dts_ns)) is None
    assert pole.names() == []
    assert pole.facts(Gap)[0].text == "the stream has no parameter sets"


def test_numbers_go_on_where_the_run_before_ended(pole: Pole) -> None:
    for _ in range(3):
        pole.start()
        pole.record(2)
        pole.stop()
        pole.clock.advance(2.0)
    assert [name.seq for name in pole.names()] == [1, 2, 3]
    assert [boot.ended for boot in pole.facts(Boot)] == ["first", "orderly", "orderly"]
    assert [gap.reason for gap in pole.facts(Gap) if not gap.open] == ["stopped", "stopped"]
    fine(pole)


def test_numbers_of_erased_segments_are_never_given_again(pole: Pole) -> None:
    pole.start()
    pole.record(4)
    pole.stop()
    pole.disk.unlink(pole.ring / pole.names()[0].path)
    pole.clock.advance(1.0)
    pole.start()
    pole.record(1)
    assert pole.recording.progress.segment_seq == 2


def test_a_disk_that_refuses_costs_no_frame_when_it_comes_back(pole: Pole) -> None:
    disk = disk_of(pole)
    pole.start()
    pole.record(2)
    disk.fault = Fault(disk.operations + 1, "EIO", forever=True)
    gop = pole.camera.gop()
    pole.clock.advance(1.0)
    waits = []
    for _ in range(4):
        wait_s = pole.recording.write(gop)
        assert wait_s is not None
        waits.append(wait_s)
        pole.clock.advance(wait_s)
    assert waits == [0.0, 0.5, 1.0, 2.0]
    disk.fault = None
    assert pole.recording.write(gop) is None
    pole.record(2)
    pole.stop()
    assert sum(record.frames for record in pole.facts(Segment)) == 5 * FPS
    assert [recovered.seq for recovered in pole.facts(Recover)] == [1]
    assert {gap.reason for gap in pole.facts(Gap)} == {"disk_error"}
    fine(pole)


def test_a_refusal_between_tries_is_answered_without_touching_the_disk(pole: Pole) -> None:
    disk = disk_of(pole)
    pole.start()
    disk.fault = Fault(disk.operations + 1, "EIO", forever=True)
    gop = pole.camera.gop()
    assert pole.recording.write(gop) == 0.0
    assert pole.recording.write(gop) == 0.5
    before = disk.operations
    assert pole.recording.write(gop) == 0.5
    assert disk.operations == before


class CountingSweep:
    def __init__(self, disk: ModelDisk) -> None:
        self.disk = disk
        self.needed: list[int] = []

    def sweep(self, needed_bytes: int) -> None:
        self.needed.append(needed_bytes)
        if len(self.needed) > 2:
            self.disk.total_bytes = 1 << 30


def test_a_full_disk_is_swept_harder_until_there_is_room() -> None:
    disk = ModelDisk(total_bytes=64_000)
    sweep = CountingSweep(disk)
    pole = Pole(disk=disk, sweeper=sweep)
    pole.start()
    gop = pole.camera.gop()
    assert pole.recording.write(gop) == 0.0
    assert pole.recording.write(gop) is None
    assert sweep.needed[0] == 0, "retention comes before the first segment"
    assert sweep.needed[2] == 2 * sweep.needed[1]
    pole.recording.close()
    assert pole.names()[0].seq == 1


def test_a_journal_that_refuses_does_not_stop_the_recording(pole: Pole) -> None:
    pole.start()
    refusing = Refusing(pole)
    pole.record(7)
    assert pole.ledger.backlog > 0
    assert len(pole.names()) == 1
    refusing.end()
    pole.clock.advance(3.0)
    pole.camera.dts_ns += 3 * NS_PER_S
    pole.recording.tick()
    assert pole.ledger.backlog == 0
    assert [record.seq for record in pole.facts(Segment)] == [1]
    pole.stop()


class Refusing:
    """The journal's append fails while this lasts; the disk is fine."""

    def __init__(self, pole: Pole) -> None:
        self._pole, self._append = pole, pole.journal.append
        pole.ledger._journal = self  # type: ignore[assignment]

    def append(self, *_arguments: object, **_words: object) -> None:
        raise StorageError("append: refused", number=errno.EIO)

    def end(self) -> None:
        self._pole.ledger._journal = self._pole.journal


def test_retention_goes_on_while_the_camera_is_away(pole: Pole) -> None:
    sweep = CountingSweep(disk_of(pole))
    pole.sweeper = sweep
    pole.start()
    before = len(sweep.needed)
    for _ in range(13):
        pole.clock.advance(5.0)
        pole.recording.tick()
    assert sweep.needed[before:] == [0]


def test_progress_tells_what_is_on_the_disk(pole: Pole) -> None:
    pole.start()
    pole.record(6)
    progress = pole.recording.progress
    assert (progress.fragments, progress.frames, progress.segment_seq) == (6, 6 * FPS, 2)
    assert progress.bytes_written == sum(packet.size for packet in [pole.camera.gop()] * 6)
    assert progress.write_ms_p99 is not None


def test_an_index_box_whose_sync_failed_is_written_anew() -> None:
    """The kernel reports success the next time, whatever became of it."""
    for seed in range(6):
        pole = Pole()
        pole.start()
        pole.record(5)
        disk = disk_of(pole)
        disk.fault = Fault(at=disk.operations + 3)  # write, truncate, sync: of the first segment, when the next one begins
        assert pole.second() is not None
        assert disk.trail[disk.fault.at - 1] == f"sync {pole.ring / 'open/000000001.mp4'}"
        disk.fault = None
        pole.clock.advance(30.0)
        pole.record(8)
        pole.stop()
        pole.disk = disk.power_cut(seed)
        fine(pole)


def test_footage_from_before_1970_by_a_clock_that_was_set_there_is_recorded() -> None:
    pole = Pole(clock=ManualClock(utc_ns=0, state="untrusted"))
    pole.start()
    pole.record(3)
    gop = pole.camera.gop()
    pole.clock.advance(1.0)
    pole.clock.step_utc(-3.9)
    assert pole.recording.write(gop) is None
    pole.record(2)
    pole.stop()
    assert sum(record.frames for record in pole.facts(Segment)) == 6 * FPS
    fine(pole)


def test_progress_says_that_the_disk_refuses_and_when_it_does_no_more(pole: Pole) -> None:
    pole.start()
    pole.record(2)
    disk = disk_of(pole)
    disk.fault = Fault(at=disk.operations + 1, forever=True)
    assert pole.second() is not None
    assert "Input/output error" in pole.recording.progress.refusal
    assert pole.recording.progress.fragments == 2
    disk.fault = None
    pole.clock.advance(30.0)
    pole.record(1)
    assert pole.recording.progress.refusal == ""


def test_a_camera_that_was_dead_before_the_recorder_stopped_was_not_stopped(pole: Pole) -> None:
    pole.start()
    pole.record(3)
    pole.recording.gap("camera_died", "the capture worker ended")
    pole.clock.advance(3600.0)
    pole.stop()
    pole.clock.advance(30.0)
    pole.start()
    pole.record(2)
    pole.stop()
    over = [gap for gap in pole.facts(Gap) if not gap.open]
    assert [gap.reason for gap in over] == ["camera_died", "stopped"]
    lengths = [(parse_utc(gap.end or "") - parse_utc(gap.start or "")) / NS_PER_S for gap in over]
    assert lengths == [3600.0, 30.0]
    fine(pole)


def test_a_gap_that_lasted_when_the_power_went_keeps_its_first_reason(pole: Pole) -> None:
    pole.start()
    pole.record(3)
    pole.recording.gap("camera_died", "the capture worker ended")
    pole.clock.advance(3600.0)
    pole.reboot(off_s=30.0)
    pole.start()
    pole.record(2)
    final = pole.facts(Gap)[-1]
    assert (final.reason, final.open) == ("camera_died", False)
    assert final.text == "the capture worker ended; the power was off meanwhile"
    pole.stop()
    fine(pole)
