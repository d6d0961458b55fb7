"""edge/clip/plan.py, arrange.py, cuts.py, pictures.py and holes.py: which footage answers a request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.bmff.index import SegmentIndex
from edge.clip.holes import Missing
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan, decode_plan
from edge.clip.virtual import open_part
from edge.clock import NS_PER_MS, format_utc, parse_utc
from edge.errors import IntegrityError, NotFound, Refused
from edge.messages.clip import ClipRequest
from edge.messages.stream import Codec, Packet
from tests.support.flatfile import read_flat
from tests.support.footage import UTC_NS, FolderRef, FolderRing, Written, picture_utc, request, write_segment, write_segments
from tests.support.video import encode

PICTURE_NS = 40 * NS_PER_MS
OTHER_BOOT = "f3f1a0de-5c0a-4a5e-8a54-0d9d7d1c2b7e"


def _ring(folder: Path, segments: list[Written]) -> FolderRing:
    folder.mkdir(exist_ok=True)
    ring = FolderRing(folder)
    for written in segments:
        ring.put(written)
    return ring


def _segments(codec: Codec = "h264", b_frames: int = 0, frames: int = 60) -> list[Written]:
    return write_segments(encode(codec, frames, b_frames=b_frames, gop=10), codec)


def _moved(packets: list[Packet], by_ms: int) -> list[Packet]:
    """The same pictures, taken later."""
    return [
        Packet(
            epoch=packet.epoch,
            seq=packet.seq,
            key=packet.key,
            pts_ns=packet.pts_ns,
            dts_ns=packet.dts_ns,
            duration_ns=packet.duration_ns,
            boot_ns=packet.boot_ns + by_ms * NS_PER_MS,
            data=packet.data,
        )
        for packet in packets
    ]


def _numbers(ring: FolderRing, plan: Plan, part: int = 0) -> list[int]:
    """Which pictures of the stream the edit list of a part shows, by where they stand in the ring."""
    data = b"".join(open_part(plan.parts[part], ring.open).stream())
    begin_ns = plan.parts[part].delivered_start_utc_ns - UTC_NS
    flat = read_flat(data)
    first_pts = min(sample.pts for sample in flat.samples)
    return [round(begin_ns / PICTURE_NS) + (flat.samples[place].pts - first_pts) // 3600 for place in flat.shown()]


def _clip_end(end: int) -> int:
    """Of the GOP with the last picture before `end`, at ten pictures a GOP, and the closing access unit where there is one."""
    return min(-(-end // 10) * 10 + 1, 60)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(("first", "end"), [(0, 60), (0, 1), (13, 47), (9, 11), (10, 20), (19, 21), (20, 40), (58, 60), (37, 38)])
def test_the_edit_begins_with_the_first_asked_picture_and_goes_on_to_the_closing_one(
    tmp_path: Path, codec: Codec, b_frames: int, first: int, end: int
) -> None:
    ring = _ring(tmp_path, _segments(codec, b_frames))
    plan = plan_clip(ring, request(first, end))
    assert len(plan.parts) == 1
    assert plan.gaps == []
    assert _numbers(ring, plan) == list(range(first, _clip_end(end)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.integers(0, 2400), st.integers(1, 2400))
def test_any_range_shows_every_picture_on_display_from_its_start_on(tmp_path: Path, start_ms: int, length_ms: int) -> None:
    ring = _ring(tmp_path, _segments(b_frames=2))
    start_ns, end_ns = UTC_NS + start_ms * NS_PER_MS, UTC_NS + min(2400, start_ms + length_ms) * NS_PER_MS
    if end_ns <= start_ns:
        return
    ask = ClipRequest(id="c", camera="gate", start=format_utc(start_ns), end=format_utc(end_ns))
    plan = plan_clip(ring, ask)
    first, end = (start_ns - UTC_NS) // PICTURE_NS, -((UTC_NS - end_ns) // PICTURE_NS)
    assert _numbers(ring, plan) == list(range(first, _clip_end(end)))


def test_whole_gops_are_included_and_the_closing_access_unit(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    (part,) = plan_clip(ring, request(13, 27)).parts
    assert [(each.seq, each.first, each.last) for each in part.fragments] == [(1, 1, 1), (2, 0, 0)]
    assert part.closing is not None
    assert (part.closing.seq, part.closing.first) == (2, 1)
    assert part.frames == 21
    assert part.delivered_start_utc_ns == parse_utc(picture_utc(10))
    assert part.delivered_end_utc_ns == parse_utc(picture_utc(30))
    assert (part.asked_start_utc_ns, part.asked_end_utc_ns) == (parse_utc(picture_utc(13)), parse_utc(picture_utc(27)))


def test_the_closing_access_unit_may_come_from_the_next_segment_which_is_then_needed(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    plan = plan_clip(ring, request(3, 17))
    (part,) = plan.parts
    assert part.closing is not None
    assert (part.closing.seq, part.closing.first) == (2, 0)
    assert part.segments() == [1, 2]
    assert plan.files() == {ref.seq: ref.path for ref in ring.refs[:2]}


def test_at_the_end_of_the_footage_there_is_no_closing_access_unit(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    (part,) = plan_clip(ring, request(41, 60)).parts
    assert part.closing is None
    assert part.frames == 20


def test_a_request_beyond_the_footage_gets_what_there_is_and_gaps(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    plan = plan_clip(ring, request(-50, 100))
    assert _numbers(ring, plan) == list(range(60))
    assert [(gap.start, gap.end) for gap in plan.gaps] == [(picture_utc(-50), picture_utc(0)), (picture_utc(60), picture_utc(100))]


def test_a_request_without_footage_is_one_gap(tmp_path: Path) -> None:
    plan = plan_clip(_ring(tmp_path, _segments()), request(200, 300))
    assert plan.parts == []
    assert [(gap.start, gap.end, gap.reason) for gap in plan.gaps] == [(picture_utc(200), picture_utc(300), "unknown")]


def test_a_power_cut_splits_the_clip_and_the_gap_says_so(tmp_path: Path) -> None:
    packets = encode("h264", 60, gop=10)
    before = write_segment(packets[:20], seq=1)
    after = write_segment(_moved(packets[20:], 5000), seq=2, boot=OTHER_BOOT)
    plan = plan_clip(_ring(tmp_path, [before, after]), request(0, 60 + 125))
    assert [part.span.split("/")[0] for part in plan.parts] == [before.index.boot, OTHER_BOOT]
    assert plan.parts[0].closing is None, "an access unit of another span closes nothing"
    assert [(gap.start, gap.end, gap.reason) for gap in plan.gaps] == [(picture_utc(20), picture_utc(20 + 125), "power")]


def test_boots_are_never_joined_even_without_a_gap(tmp_path: Path) -> None:
    one, two, _ = _segments()
    joined = replace(two, index=replace(two.index, boot=OTHER_BOOT))
    ring = _ring(tmp_path, [one, write_segment(joined.packets, seq=2, boot=OTHER_BOOT)])
    plan = plan_clip(ring, request(0, 40))
    assert len(plan.parts) == 2
    assert plan.gaps == []


@pytest.mark.parametrize(
    ("hole_ms", "parts", "gaps"), [(0, 1, 0), (30, 1, 0), (99, 1, 0), (101, 1, 1), (499, 1, 1), (501, 2, 1), (60_000, 2, 1)]
)
def test_a_hole_splits_from_half_a_second_on_and_is_told_from_a_tenth_on(tmp_path: Path, hole_ms: int, parts: int, gaps: int) -> None:
    packets = encode("h264", 40, gop=10)
    segments = [write_segment(packets[:20], seq=1), write_segment(_moved(packets[20:], hole_ms), seq=2)]
    plan = plan_clip(
        _ring(tmp_path, segments),
        ClipRequest(id="c", camera="gate", start=picture_utc(0), end=format_utc(UTC_NS + 1600 * NS_PER_MS + hole_ms * NS_PER_MS)),
    )
    assert (len(plan.parts), len(plan.gaps)) == (parts, gaps)
    if gaps:
        (gap,) = plan.gaps
        assert (gap.start, parse_utc(gap.end) - parse_utc(gap.start)) == (picture_utc(20), hole_ms * NS_PER_MS)


def test_a_hole_of_a_slow_stream_is_measured_in_its_own_pictures(tmp_path: Path) -> None:
    packets = encode("h264", 8, fps=1, gop=4)
    segments = [write_segment(packets[:4], seq=1), write_segment(_moved(packets[4:], 1400), seq=2)]
    ask = ClipRequest(id="c", camera="gate", start=picture_utc(0), end=format_utc(UTC_NS + 9_400 * NS_PER_MS))
    plan = plan_clip(_ring(tmp_path, segments), ask)
    assert (len(plan.parts), plan.gaps) == (1, [])


def test_other_parameter_sets_make_another_file(tmp_path: Path) -> None:
    packets = encode("h264", 20, gop=10)
    larger = _moved(encode("h264", 20, gop=10, width=384, height=216), 800)
    plan = plan_clip(_ring(tmp_path, [write_segment(packets, seq=1), write_segment(larger, seq=2)]), request(0, 40))
    assert [(part.width, part.height) for part in plan.parts] == [(320, 180), (384, 216)]
    assert plan.parts[0].closing is None
    assert plan.gaps == []


def test_a_lost_fragment_splits_the_clip_and_is_a_damaged_gap(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    plan = plan_clip(ring, request(0, 60), lost={(2, 0)})
    assert [[(each.seq, each.first, each.last) for each in part.fragments] for part in plan.parts] == [[(1, 0, 1)], [(2, 1, 1), (3, 0, 1)]]
    assert plan.parts[0].closing is None
    assert [(gap.start, gap.end, gap.reason) for gap in plan.gaps] == [(picture_utc(20), picture_utc(30), "damaged")]
    assert _numbers(ring, plan, 1) == list(range(30, 60))


def test_a_segment_with_damage_in_the_middle_is_used_around_it(tmp_path: Path) -> None:
    ring = _ring(tmp_path, _segments())
    path = ring.refs[1].path
    entry = ring.index(ring.refs[1]).fragments[0]
    data = bytearray(path.read_bytes())
    data[entry.offset : entry.offset + 400] = bytes(400)
    path.write_bytes(data[:-20])
    plan = plan_clip(ring, request(0, 60))
    assert [(gap.start, gap.end, gap.reason) for gap in plan.gaps] == [(picture_utc(20), picture_utc(30), "unknown")]
    assert len(plan.parts) == 2


def test_known_gaps_give_their_reasons(tmp_path: Path) -> None:
    packets = encode("h264", 40, gop=10)
    segments = [write_segment(packets[:20], seq=1), write_segment(_moved(packets[20:], 10_000), seq=2)]
    ring = _ring(tmp_path, segments)
    start_ns = parse_utc(picture_utc(20))

    def missing(begin_ns: int, end_ns: int) -> list[Missing]:
        assert (begin_ns, end_ns) == (parse_utc(picture_utc(0)), parse_utc(picture_utc(40 + 250)))
        return [
            Missing(start_ns, start_ns + 4000 * NS_PER_MS, "camera_stalled"),
            Missing(start_ns + 4010 * NS_PER_MS, start_ns + 9990 * NS_PER_MS, "stopped"),
        ]

    plan = plan_clip(ring, request(0, 40 + 250), missing=missing)
    told = [(parse_utc(gap.start) - start_ns, parse_utc(gap.end) - start_ns, gap.reason) for gap in plan.gaps]
    assert told == [(0, 4000 * NS_PER_MS, "camera_stalled"), (4000 * NS_PER_MS, 10_000 * NS_PER_MS, "stopped")]


def test_what_no_known_gap_covers_stays_unknown(tmp_path: Path) -> None:
    ring = _ring(tmp_path, [])
    begin_ns = parse_utc(picture_utc(0))
    plan = plan_clip(ring, request(0, 250), missing=lambda _, __: [Missing(begin_ns + 10**9, begin_ns + 2 * 10**9, "disk_slow")])
    told = [((parse_utc(gap.start) - begin_ns) // 10**9, (parse_utc(gap.end) - begin_ns) // 10**9, gap.reason) for gap in plan.gaps]
    assert told == [(0, 1, "unknown"), (1, 2, "disk_slow"), (2, 10, "unknown")]


def test_a_plan_survives_storage(tmp_path: Path) -> None:
    plan = plan_clip(_ring(tmp_path, _segments()), request(3, 47))
    assert decode_plan(plan.encode()) == plan
    with pytest.raises(IntegrityError):
        decode_plan(plan.encode()[:-2])
    with pytest.raises(IntegrityError):
        decode_plan(b'{"camera": 1}')
    with pytest.raises(IntegrityError):
        decode_plan(plan.encode().replace(b'"camera":"', b'"camera":"\xff'))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("now", "later"),
        (picture_utc(5), picture_utc(5)),
        (picture_utc(5), picture_utc(4)),
        ("2026-11-22T13:25:00", picture_utc(5)),
        ("", ""),
        (picture_utc(5), "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+14:00", picture_utc(5)),
    ],
)
def test_a_range_that_is_none_is_refused(tmp_path: Path, start: str, end: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_clip(_ring(tmp_path, []), ClipRequest(id="c", camera="gate", start=start, end=end))
    assert caught.value.code == "bad_range"


class _Shifty(FolderRing):
    """A segment is sealed under another name between looking and reading."""

    moves = 1

    def index(self, ref: FolderRef) -> SegmentIndex:
        if self.moves:
            self.moves -= 1
            raise NotFound(f"{ref.path} was sealed")
        return super().index(ref)


def test_a_segment_that_moves_while_planning_is_looked_for_again(tmp_path: Path) -> None:
    ring = _Shifty(tmp_path)
    for written in _segments():
        ring.put(written)
    assert plan_clip(ring, request(0, 60)).gaps == []
    ring.moves = 10
    with pytest.raises(NotFound):
        plan_clip(ring, request(0, 60))


class _Broken(FolderRing):
    def index(self, ref: FolderRef) -> SegmentIndex:
        if ref.seq == 2:
            raise IntegrityError("nothing of it is whole")
        return super().index(ref)


def test_a_segment_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    ring = _Broken(tmp_path)
    for written in _segments():
        ring.put(written)
    plan = plan_clip(ring, request(0, 60))
    assert len(plan.parts) == 2
    assert [(gap.start, gap.end) for gap in plan.gaps] == [(picture_utc(20), picture_utc(40))]


def test_the_clock_is_the_worst_of_the_footage_and_says_when_it_was_dated_later(tmp_path: Path) -> None:
    packets = encode("h264", 40, gop=10)
    good, held = write_segment(packets[:20], seq=1), write_segment(packets[20:], seq=2, clock="holdover")
    assert plan_clip(_ring(tmp_path / "a", [good, held]), request(0, 40)).parts[0].clock == "holdover"
    untrusted = write_segment(packets[20:], seq=2, clock="untrusted")
    assert plan_clip(_ring(tmp_path / "b", [untrusted]), request(20, 40)).parts[0].clock == "dated"
    ring = FolderRing(tmp_path)
    ring.put(untrusted, dated=False)
    assert plan_clip(ring, request(20, 40)).parts[0].clock == "untrusted"


def test_gops_over_several_fragments_stay_whole(tmp_path: Path) -> None:
    """Fragments shorter than a GOP: the first and the last are completed to key frames."""
    (written,) = write_segments(encode("h264", 60, gop=10), gops_each=6)
    keys = [entry.number % 2 == 0 for entry in written.index.fragments]
    entries = tuple(replace(entry, key=key) for entry, key in zip(written.index.fragments, keys, strict=True))

    class _Long(FolderRing):
        def index(self, ref: FolderRef) -> SegmentIndex:
            return replace(super().index(ref), fragments=entries)

    ring = _Long(tmp_path)
    ring.put(written)
    (part,) = plan_clip(ring, request(33, 47)).parts
    assert [(each.first, each.last) for each in part.fragments] == [(2, 5)]
    (part,) = plan_clip(ring, request(13, 17), lost={(1, 4)}).parts
    assert [(each.first, each.last) for each in part.fragments] == [(0, 1)]
    assert part.closing is not None
    plan = plan_clip(ring, request(13, 37), lost={(1, 2)})
    assert [[(each.first, each.last) for each in part.fragments] for part in plan.parts] == [[(0, 1)]]
    assert [(gap.start, gap.end, gap.reason) for gap in plan.gaps] == [(picture_utc(20), picture_utc(37), "damaged")]
