"""Clips over the ring as the recorder writes it and ring.query.RingReader reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge.bmff.nal import split, stored
from edge.clip.holes import Missing, missing_of
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clip.source import DiskFile
from edge.clip.virtual import open_part
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.errors import NotFound
from edge.messages.clip import ClipRequest
from edge.ring.query import RingReader
from tests.support.flatfile import read_flat
from tests.support.pole import CAMERA, DATA, Pole, pictures


def _reader(pole: Pole) -> RingReader:
    return RingReader(pole.disk, DATA, pole.clock, pole.boot)


def _plan(pole: Pole, start_ns: int, end_ns: int) -> Plan:
    reader = _reader(pole)

    def missing(begin_ns: int, finish_ns: int) -> list[Missing]:
        return missing_of(reader.timeline(CAMERA, begin_ns, finish_ns), finish_ns)

    ask = ClipRequest(id="c1", camera=CAMERA, start=format_utc(start_ns), end=format_utc(end_ns))
    return plan_clip(reader, ask, missing=missing)


def _opener(pole: Pole, plan: Plan) -> Callable[[int], DiskFile]:
    return lambda seq: DiskFile(pole.disk, plan.files()[seq])


def _nal_units(pole: Pole, plan: Plan, part: int) -> list[bytes]:
    data = b"".join(open_part(plan.parts[part], _opener(pole, plan)).stream())
    found: list[bytes] = []
    for sample in read_flat(data).samples:
        nals = stored(data[sample.offset : sample.offset + sample.size])
        assert nals is not None
        found += [bytes(nal) for nal in nals]
    return found


def _one_second() -> list[bytes]:
    return [bytes(nal) for packet in pictures()[0] for nal in split(packet.data)]


def test_a_clip_reaches_from_sealed_segments_into_the_open_one() -> None:
    pole = Pole()
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(13)
    plan = _plan(pole, start_ns + 3 * NS_PER_S, start_ns + 12 * NS_PER_S)
    assert plan.gaps == []
    (part,) = plan.parts
    assert part.segments() == [1, 2, 3]
    assert part.closing is not None
    units = _nal_units(pole, plan, 0)
    assert units == _one_second() * 9 + [bytes(nal) for nal in split(pictures()[0][0].data)]
    assert part.delivered_start_utc_ns == start_ns + 3 * NS_PER_S


def test_a_plan_outlives_the_sealing_of_its_open_segment_through_hard_links() -> None:
    pole = Pole()
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(13)
    plan = _plan(pole, start_ns, start_ns + 13 * NS_PER_S)
    links = DATA / "links"
    pole.disk.mkdir(links)
    for seq, path in plan.files().items():
        pole.disk.link(path, links / f"{seq}.mp4")
    (clip,) = sound_plan(plan, _opener(pole, plan))[1]
    pole.record(20)
    pole.stop()
    with pytest.raises(NotFound):
        open_part(plan.parts[0], _opener(pole, plan))
    assert open_part(plan.parts[0], lambda seq: DiskFile(pole.disk, links / f"{seq}.mp4")).etag() == clip.etag()


def test_a_power_cut_makes_two_files_and_a_gap_with_its_reason() -> None:
    pole = Pole()
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(8)
    pole.reboot(off_s=30.0)
    pole.start()
    pole.record(8)
    plan = _plan(pole, start_ns, start_ns + 46 * NS_PER_S)
    assert [len(_nal_units(pole, plan, part)) for part in (0, 1)] == [len(_one_second()) * 8] * 2
    assert [part.closing for part in plan.parts] == [None, None]
    (gap,) = plan.gaps
    assert gap.reason == "power"
    assert parse_utc(gap.start) == start_ns + 8 * NS_PER_S
    assert parse_utc(gap.end) == start_ns + 38 * NS_PER_S


def test_footage_that_is_not_dated_yet_is_found_by_this_boot_s_mapping() -> None:
    pole = Pole()
    pole.clock.set_state("untrusted")
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(12)
    plan = _plan(pole, start_ns, start_ns + 12 * NS_PER_S)
    assert plan.gaps == []
    assert [part.clock for part in plan.parts] == ["untrusted"]
    assert len(_nal_units(pole, plan, 0)) == len(_one_second()) * 12


def test_other_parameter_sets_in_the_middle_make_two_files_without_a_gap() -> None:
    pole = Pole()
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(7)
    pole.camera.width = 96
    pole.record(6)
    plan = _plan(pole, start_ns, start_ns + 13 * NS_PER_S)
    assert [(part.width, part.frames) for part in plan.parts] == [(64, 35), (96, 30)]
    assert plan.gaps == []


def test_a_clip_says_why_it_does_not_reach_as_far_as_asked() -> None:
    """Before the first footage, after an orderly end, and what is not on the disk yet."""
    pole = Pole()
    began_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(7)
    pole.clock.advance(1.5)
    plan = _plan(pole, began_ns - 3 * NS_PER_S, began_ns + 20 * NS_PER_S)
    assert [gap.reason for gap in plan.gaps] == ["before_first", "not_yet"]
    assert plan.gaps[1].start == format_utc(began_ns + 7 * NS_PER_S)
    pole.stop()
    pole.clock.advance(30.0)
    plan = _plan(pole, began_ns + 2 * NS_PER_S, began_ns + 20 * NS_PER_S)
    assert [(gap.reason, gap.start, gap.end) for gap in plan.gaps] == [
        ("stopped", format_utc(began_ns + 7 * NS_PER_S), format_utc(began_ns + 20 * NS_PER_S))
    ]
