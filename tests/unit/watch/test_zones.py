"""Zones as cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edge.config.model import Zone
from edge.watch.zones import polygon_cells, zone_map

COLUMNS, ROWS = 160, 90
unit = st.floats(0.0, 1.0, allow_nan=False)
polygons = st.lists(st.tuples(unit, unit), min_size=3, max_size=8)


def zone(name: str, left: float, right: float, kind: str = "include", sensitivity: float = 1.0) -> Zone:
    corners = [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)]
    return Zone(name=name, polygon=corners, kind="exclude" if kind == "exclude" else "include", sensitivity=sensitivity)


def test_without_zones_the_whole_picture_is_watched() -> None:
    found = zone_map([], COLUMNS, ROWS)
    assert found.cells == COLUMNS * ROWS
    assert np.all(found.sensitivity == 1)
    assert found.areas == {}


def test_the_least_length_is_in_cells_where_the_zone_is_and_the_smallest_of_zones_that_overlap() -> None:
    far = zone("far", 0.0, 0.5)
    near = zone("near", 0.25, 1.0)
    found = zone_map([replace(far, span_m=40.0, least_m=1.0), replace(near, span_m=8.0, least_m=1.0)], COLUMNS, ROWS)
    assert found.least[45, 10] == 4
    assert found.least[45, 60] == 4
    assert found.least[45, 120] == 20
    assert zone_map([far], COLUMNS, ROWS).least.max() == 0


@pytest.mark.parametrize(("left", "right"), [(0.0, 0.5), (0.25, 0.75), (0.9, 1.0)])
def test_a_half_covers_half_of_the_cells(left: float, right: float) -> None:
    share = zone_map([zone("a", left, right)], COLUMNS, ROWS).cells / (COLUMNS * ROWS)
    assert share == pytest.approx(right - left, abs=1.5 / COLUMNS)


def test_only_include_zones_are_watched_and_exclude_wins() -> None:
    found = zone_map([zone("a", 0.0, 0.5), zone("hole", 0.2, 0.3, "exclude")], COLUMNS, ROWS)
    assert found.watched[45, 10]
    assert not found.watched[45, 40]
    assert not found.watched[45, 120]
    assert not found.areas["a"][45, 40]


def test_only_exclude_zones_leave_the_rest_watched() -> None:
    found = zone_map([zone("hole", 0.0, 0.5, "exclude")], COLUMNS, ROWS)
    assert not found.watched[45, 10]
    assert found.watched[45, 120]


def test_where_zones_overlap_the_most_sensitive_wins_whatever_the_order() -> None:
    zones = [zone("dull", 0.0, 0.6, sensitivity=0.5), zone("keen", 0.4, 1.0, sensitivity=2.0)]
    for order in (zones, zones[::-1]):
        found = zone_map(order, COLUMNS, ROWS)
        assert found.sensitivity[45, 10] == 0.5
        assert found.sensitivity[45, 80] == 2.0
        assert found.sensitivity[45, 150] == 2.0


@given(polygons)
def test_every_corner_lies_in_or_beside_its_polygons_cells(polygon: list[tuple[float, float]]) -> None:
    cells = polygon_cells(polygon, COLUMNS, ROWS)
    for x, y in polygon:
        column, row = min(int(x * COLUMNS), COLUMNS - 1), min(int(y * ROWS), ROWS - 1)
        assert cells[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].any()


@given(st.lists(st.tuples(polygons, st.booleans(), st.floats(0.1, 4.0)), max_size=5))
def test_watched_is_never_more_than_included_and_never_excluded(parts: list[tuple[list[tuple[float, float]], bool, float]]) -> None:
    zones = [
        Zone(name=f"z{i}", polygon=polygon, kind="exclude" if exclude else "include", sensitivity=sensitivity)
        for i, (polygon, exclude, sensitivity) in enumerate(parts)
    ]
    found = zone_map(zones, COLUMNS, ROWS)
    for part in zones:
        if part.kind == "exclude":
            assert not found.watched[polygon_cells(part.polygon, COLUMNS, ROWS)].any()
    if found.areas:
        assert np.array_equal(found.watched, np.logical_or.reduce(list(found.areas.values())))
    assert np.all(found.sensitivity > 0)
