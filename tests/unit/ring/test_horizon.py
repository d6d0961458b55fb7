"""How far footage reaches and will: numbers, then the same from a ring on disk."""

from __future__ import annotations

import pytest

from edge.clock import NS_PER_MS
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.ring.horizon import DAY_MS, CameraUse, Room, days_on_empty, horizons, measured_bytes_per_day
from edge.ring.layout import NodeFolders
from edge.ring.measure import Measures
from tests.support.plain_ring import CAMERA, DATA, DAY_S, SEGMENT_BYTES, PlainRing

GB = 1_000_000_000
NOW_MS = 1_795_000_000_000


def use(camera: str = "cam1", gb_a_day: float = 10, kept_days: float | None = 5, held_gb: float = 0) -> CameraUse:
    oldest_ms = None if kept_days is None else NOW_MS - round(kept_days * DAY_MS)
    return CameraUse(camera, gb_a_day * GB, True, oldest_ms, round(held_gb * GB))


def test_what_is_kept_plus_what_still_fits_less_what_is_held() -> None:
    (reach,) = horizons([use(held_gb=20)], Room(105 * GB, 5 * GB), 30, NOW_MS)
    assert (reach.kept_days, reach.fits_days, reach.forecast_days) == (5.0, 13.0, 13.0)
    assert (reach.next_reason, reach.next_ms) == ("space", NOW_MS + 10 * DAY_MS)


def test_cameras_share_the_room_by_their_rates() -> None:
    one, two = horizons([use("a", 10, 5), use("b", 30, 2)], Room(45 * GB, 5 * GB), 30, NOW_MS)
    assert (one.fits_days, two.fits_days) == (6.0, 3.0)


def test_a_roomy_disk_erases_by_age_and_the_forecast_ends_with_the_rule() -> None:
    (reach,) = horizons([use(kept_days=28)], Room(1000 * GB, 5 * GB), 30, NOW_MS)
    assert reach.fits_days == pytest.approx(28 + 99.5)
    assert reach.forecast_days == 30
    assert (reach.next_reason, reach.next_ms) == ("age", NOW_MS + 2 * DAY_MS)


def test_a_budget_bounds_a_camera_whatever_the_disk_holds() -> None:
    (reach,) = horizons([use(kept_days=7)], Room(1000 * GB, 5 * GB, budget_bytes=80 * GB), 30, NOW_MS)
    assert reach.fits_days == 8
    assert (reach.next_reason, reach.next_ms) == ("budget", NOW_MS + DAY_MS)


def test_without_a_clock_ages_are_unknown_and_without_footage_too() -> None:
    (reach,) = horizons([use()], Room(105 * GB, 5 * GB), 30, None)
    assert (reach.kept_days, reach.next_ms, reach.next_reason, reach.fits_days) == (None, None, None, 10.0)
    (reach,) = horizons([use(kept_days=None)], Room(105 * GB, 5 * GB), 30, NOW_MS)
    assert (reach.kept_days, reach.next_ms) == (None, None)


def test_more_held_than_there_is_room_is_no_reach_below_nothing() -> None:
    (reach,) = horizons([use(kept_days=1, held_gb=500)], Room(5 * GB, 5 * GB), 30, NOW_MS)
    assert reach.fits_days == 0.0


def test_an_empty_disk_holds_so_many_days_and_fewer_with_holds_at_their_quota() -> None:
    assert days_on_empty(105 * GB, 5 * GB, [5 * GB, 5 * GB]) == 10
    assert days_on_empty(100 * GB, 5 * GB, [5 * GB, 5 * GB], quota_percent=25) == 7
    assert days_on_empty(105 * GB, 5 * GB, [2 * GB, 8 * GB], budget_bytes=16 * GB) == 2


def recorded(days: float = 3) -> PlainRing:
    ring = PlainRing(ModelDisk(1 << 24))
    for _ in range(round(days * 24)):
        ring.record(3600)
    return ring


def test_the_rate_is_that_of_the_last_day_of_footage() -> None:
    ring = recorded(2)
    for _ in range(24):
        ring.record(3600, size=5 * SEGMENT_BYTES)
    journal = JournalReader(ring.disk, ring.journal.folder)
    assert measured_bytes_per_day(journal.back()) == 24 * 5 * SEGMENT_BYTES
    assert measured_bytes_per_day([]) is None


def test_a_ring_is_measured_without_opening_a_segment_and_the_rate_once_an_hour() -> None:
    ring = recorded()
    assert isinstance(ring.disk, ModelDisk)
    measures = Measures(ring.disk, NodeFolders(DATA, DATA), ring.clock)
    seen = measures.use(CAMERA, 4000)
    assert (seen.bytes_per_day, seen.measured) == (24 * SEGMENT_BYTES, True)
    assert seen.oldest_ms == 1_795_000_000_000
    before = len(ring.disk.trail)
    measures.use(CAMERA, 4000)
    assert not any("journal" in word or ".mp4" in word for word in ring.disk.trail[before:] if word.startswith("read"))
    for _ in range(24):
        ring.record(3600, size=2 * SEGMENT_BYTES)
    assert measures.use(CAMERA, 4000).bytes_per_day == 24 * 2 * SEGMENT_BYTES


def test_a_camera_that_never_recorded_is_reckoned_with_as_configured() -> None:
    ring = PlainRing()
    seen = Measures(ring.disk, NodeFolders(DATA, DATA), ring.clock).use("cam9", 8000)
    assert (seen.bytes_per_day, seen.measured, seen.oldest_ms, seen.held_bytes) == (86.4e9, False, None, 0)


def test_held_footage_does_not_count_as_reach() -> None:
    ring = recorded()
    names = list(ring.folder.all())
    for name in names[:10]:
        ring.hold(name)
    ring.clock.advance(DAY_S)
    assert Measures(ring.disk, NodeFolders(DATA, DATA), ring.clock).use(CAMERA, 4000).oldest_ms == names[10].start_utc_ms
    assert ring.clock.read().utc_ns // NS_PER_MS - (names[10].start_utc_ms or 0) == round((4 - 10 / 24) * DAY_MS)
