"""Names of segments and the folders they lie in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.host.model_disk import ModelDisk
from edge.ring.names import RingFolder, SegmentName, day_of, open_name, parse, parse_flat

RING = Path("/data/ring/cam1")
YEAR_9999_MS = 253_370_764_800_000
dated = st.builds(
    SegmentName, st.integers(0, 10**17), st.integers(0, 10**9), st.integers(0, YEAR_9999_MS), boot=st.none(), mono_ms=st.none()
)
undated = st.builds(
    SegmentName,
    st.integers(0, 10**17),
    st.integers(0, 10**9),
    st.none(),
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,40}", fullmatch=True),
    st.integers(0, 10**12),
)


@given(st.one_of(dated, undated))
def test_a_name_is_found_again_in_its_path(name: SegmentName) -> None:
    assert parse(name.path) == name
    assert parse_flat(name.flat) == name
    assert "/" not in name.flat


@given(st.lists(dated, min_size=2, max_size=2, unique_by=lambda name: name.start_utc_ms))
def test_the_order_of_dated_paths_is_the_order_of_time(names: list[SegmentName]) -> None:
    by_path = sorted(names, key=lambda name: name.path)
    assert by_path == sorted(names, key=lambda name: name.start_utc_ms or 0)


@given(st.text(max_size=90))
def test_any_text_is_a_name_only_if_it_is_exactly_one(text: str) -> None:
    name = parse(text)
    assert name is None or name.path == text


def test_the_documented_examples() -> None:
    name = SegmentName(123, 60040, 1_795_352_700_120, None, None)
    assert name.path == "2026-11-22/20261122T130500.120Z_60040ms_000000123.mp4"
    assert name.end_utc_ms == 1_795_352_760_160
    assert SegmentName(125, 60040, None, "4b1e", 99).path == "undated/4b1e/99_60040ms_000000125.mp4"
    assert open_name(124) == "open/000000124.mp4"
    assert day_of(1_795_352_700_120) == "2026-11-22"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23/20261122T130500.120Z_60040ms_000000123.mp4",
        "2026-02-30/20260230T130500.120Z_60040ms_000000123.mp4",
        "2026-11-22/20261122T130560.120Z_60040ms_000000123.mp4",
        "2026-11-22/20261122T130500.120Z_060040ms_000000123.mp4",
        "2026-11-22/20261122T130500.120Z_60040ms_0000000123.mp4",
        "2026-11-22/20261122T130500.120Z_60040ms_000000123.mp4.part",
        "2026-11-22/20261122T130500.120Z_60040ms_00000012\u0663.mp4",
        "1969-12-31/19691231T235959.999Z_60040ms_000000123.mp4",
        "undated/../../etc/1_1ms_000000001.mp4",
        "open/000000124.mp4",
        "",
    ],
)
def test_what_only_looks_like_a_name_is_refused(text: str) -> None:
    assert parse(text) is None


def put(disk: ModelDisk, path: str) -> None:
    disk.mkdir((RING / path).parent)
    disk.create(RING / path).close()


def test_a_ring_that_does_not_exist_is_empty() -> None:
    ring = RingFolder(ModelDisk(), RING)
    assert (ring.days(), ring.undated(), ring.opened(), ring.erasing(), list(ring.all()), ring.newest()) == ([], [], [], [], [], None)


def test_strangers_in_the_ring_are_left_out() -> None:
    disk = ModelDisk()
    name = SegmentName(1, 1000, 1_795_352_700_120, None, None)
    for path in (
        name.path,
        "2026-11-22/notes.txt",
        "2026-13-77/x",
        "lost+found/y",
        "open/abc.mp4",
        "open/000000002.mp4",
        "undated/stray.mp4",
    ):
        put(disk, path)
    ring = RingFolder(disk, RING)
    assert list(ring.all()) == [name]
    assert ring.opened() == [2]


def test_footage_comes_in_the_order_of_recording_with_undated_footage_in_its_place() -> None:
    disk = ModelDisk()
    start_ms = 1_795_352_700_000
    names = [SegmentName(seq, 60_000, start_ms + seq * 40_000_000, None, None) for seq in (1, 2, 6, 7)]
    names += [SegmentName(seq, 60_000, None, boot, seq * 7) for seq, boot in ((3, "zz"), (4, "zz"), (5, "aa"))]
    for name in reversed(names):
        put(disk, name.path)
    ring = RingFolder(disk, RING)
    assert [name.seq for name in ring.all()] == [1, 2, 3, 4, 5, 6, 7]
    assert [name.seq for name in ring.undated()] == [3, 4, 5]
    assert [name.seq for name in ring.undated_of("zz")] == [3, 4]
    newest = ring.newest()
    assert newest is not None
    assert newest.seq == 7


def test_footage_named_by_a_clock_that_ran_ahead_has_no_age() -> None:
    disk = ModelDisk()
    today_ms, next_year_ms = 1_795_352_700_000, 1_826_888_700_000
    for seq, start_ms in ((1, today_ms), (2, next_year_ms), (3, next_year_ms + 60_000), (4, today_ms + 180_000)):
        put(disk, SegmentName(seq, 60_000, start_ms, None, None).path)
    ring = RingFolder(disk, RING)
    assert [name.seq for name in ring.dated(last_day=day_of(today_ms))] == [1, 4]
    assert [name.seq for name in ring.ageless(last_day=day_of(today_ms))] == [2, 3]


def test_what_is_newer_than_a_number_is_found_in_the_newest_days() -> None:
    disk = ModelDisk()
    for seq in range(1, 11):
        put(disk, SegmentName(seq, 60_000, 1_795_352_700_000 + seq * 40_000_000, None, None).path)
    put(disk, SegmentName(11, 60_000, None, "b1", 5).path)
    assert sorted(name.seq for name in RingFolder(disk, RING).newer_than(8, "9999-12-31")) == [9, 10, 11]
    assert RingFolder(disk, RING).newer_than(11, "9999-12-31") == []


def test_what_is_being_erased_is_listed_with_its_reason() -> None:
    disk = ModelDisk()
    name = SegmentName(4, 60_000, None, "b1", 5)
    put(disk, f"erasing/space-early@{name.flat}")
    put(disk, "erasing/rubbish")
    assert RingFolder(disk, RING).claims() == [("space-early", name)]
    assert RingFolder(disk, RING).erasing() == [name]


def test_days_are_listed_one_at_a_time() -> None:
    disk = ModelDisk()
    for day in range(5):
        put(disk, SegmentName(day + 1, 60_000, 1_795_352_700_000 + day * 86_400_000, None, None).path)
    before = disk.operations
    names = RingFolder(disk, RING).all()
    next(iter(names))
    assert [word for word in disk.trail[before:] if "2026-11" in word] == ["list /data/ring/cam1/2026-11-22"]
