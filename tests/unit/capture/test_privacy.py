"""Masks against a slow reference: exact fractions, square by square, byte by byte; frames as decoders and arrays give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.capture.privacy import FORMATS, GREY_C, GREY_Y, Masks, Stencil, touched
from edge.config.masks import Corner, polygon_fault
from edge.errors import ConfigError
from tests.support import video

Planes = list[NDArray[np.uint8]]
WINDOW = [(0.25, 0.3), (0.6, 0.25), (0.7, 0.7), (0.3, 0.8)]
SLOW = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
TINY = Fraction(1, 10_000)
"""Squares may be covered that a polygon so far away does not touch, since doubles are not exact; never the other way round."""

values = st.one_of(
    st.floats(0.0, 1.0), st.integers(0, 12).map(lambda part: part / 12), st.sampled_from([0.0, 1.0, 0.5, 5e-324, 1e-13, 0.5 + 1e-13, 0.1])
)


@st.composite
def polygons(draw: st.DrawFn) -> list[Corner]:
    if draw(st.booleans()):
        corners = draw(st.lists(st.tuples(values, values), min_size=3, max_size=6))
    else:
        x, y, count = draw(values), draw(values), draw(st.integers(3, 9))
        angles = sorted(draw(st.lists(st.floats(0.0, math.tau), min_size=count, max_size=count)))
        reach = draw(st.lists(st.floats(0.01, 1.0), min_size=count, max_size=count))
        spokes = zip(angles, reach, strict=True)
        corners = [(min(1.0, max(0.0, x + r * math.cos(a))), min(1.0, max(0.0, y + r * math.sin(a)))) for a, r in spokes]
    assume(polygon_fault(corners) is None)
    return corners


def exact(polygon: Sequence[Corner], width: int, height: int) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(x) * width, Fraction(y) * height) for x, y in polygon]


def reaches(polygon: list[tuple[Fraction, Fraction]], column: int, row: int, margin: Fraction) -> bool:
    """Whether the square, borders included and `margin` wider on each side, and the polygon have a point in common."""
    left, right, top, bottom = column - margin, column + 1 + margin, row - margin, row + 1 + margin
    edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    return any(_clipped(a, b, left, right, top, bottom) for a, b in edges) or _holds(edges, (left + right) / 2, (top + bottom) / 2)


def _clipped(a: Any, b: Any, left: Fraction, right: Fraction, top: Fraction, bottom: Fraction) -> bool:
    """Liang and Barsky: whether anything of the segment a-b is within the rectangle."""
    first, last = Fraction(0), Fraction(1)
    for start, end, low, high in ((a[0], b[0], left, right), (a[1], b[1], top, bottom)):
        step = end - start
        if step == 0:
            if not low <= start <= high:
                return False
            continue
        near, far = sorted(((low - start) / step, (high - start) / step))
        first, last = max(first, near), min(last, far)
    return bool(first <= last)


def _holds(edges: list[Any], x: Fraction, y: Fraction) -> bool:
    crossings = [a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) for a, b in edges if (a[1] <= y) != (b[1] <= y)]
    return bool(sum(at > x for at in crossings) % 2)


@SLOW
@given(polygons(), st.integers(1, 11), st.integers(1, 9))
def test_every_square_that_a_polygon_touches_is_covered_and_hardly_another(polygon: list[Corner], width: int, height: int) -> None:
    bits, corners = touched(polygon, width, height), exact(polygon, width, height)
    for row in range(height):
        for column in range(width):
            covered = bool(bits[row, column])
            assert covered or not reaches(corners, column, row, Fraction(0)), (column, row)
            assert not covered or reaches(corners, column, row, TINY), (column, row)


@SLOW
@given(polygons(), st.sampled_from([(1920, 1080), (641, 359), (4096, 3072)]), st.data())
def test_squares_of_large_pictures_are_covered_too(polygon: list[Corner], size: tuple[int, int], data: st.DataObject) -> None:
    bits, corners = touched(polygon, *size), exact(polygon, *size)
    for place in range(8):
        x, y = corners[place % len(corners)]
        column = min(size[0] - 1, max(0, int(x) + data.draw(st.integers(-3, 3))))
        row = min(size[1] - 1, max(0, int(y) + data.draw(st.integers(-3, 3))))
        assert bool(bits[row, column]) or not reaches(corners, column, row, Fraction(0)), (column, row)
        assert not bits[row, column] or reaches(corners, column, row, TINY), (column, row)


def by_hand(form: str, planes: Planes, covered: NDArray[np.bool_]) -> Planes:
    """The planes with every sample of a covered square, and every colour that one of them has a share in, set one by one."""
    made = [plane.copy() for plane in planes]
    for row, column in zip(*np.nonzero(covered), strict=True):
        for plane, layout in zip(made, FORMATS[form], strict=True):
            group = column // layout.across * len(layout.fill)
            for place, value in enumerate(layout.fill):
                plane[row // layout.down, group + place] = value
    return made


def noise(shapes: Sequence[tuple[int, ...]], seed: int) -> Planes:
    chance = np.random.default_rng(seed)
    return [chance.integers(200, 256, shape, dtype=np.uint8) for shape in shapes]


@settings(SLOW, max_examples=40)
@given(
    st.sampled_from(["yuv420p", "nv12"]),
    st.lists(polygons(), min_size=1, max_size=3),
    st.integers(1, 70),
    st.integers(1, 140),
    st.lists(st.integers(0, 70), min_size=3, max_size=3),
    st.integers(0, 3),
)
def test_planes_of_any_stride_are_covered_byte_by_byte(
    form: str, masks: list[list[Corner]], width: int, height: int, padding: list[int], rows_more: int
) -> None:
    half = ((height + 1) // 2, (width + 1) // 2)
    shapes = [(height, width), half, half] if form == "yuv420p" else [(height, width), (half[0], 2 * half[1])]
    planes = noise([(rows + rows_more, columns + more) for (rows, columns), more in zip(shapes, padding, strict=False)], width)
    covered = np.logical_or.reduce([touched(polygon, width, height) for polygon in masks])
    expected = by_hand(form, planes, covered)
    Masks(masks).stencil(form, width, height).cover(planes)
    assert all(np.array_equal(*pair) for pair in zip(planes, expected, strict=True))


def rows_of(frame: av.VideoFrame) -> Planes:
    return [np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (321, 181), (2, 2), (1, 1)])
@pytest.mark.parametrize("form", sorted(FORMATS))
def test_frames_of_every_known_format_are_covered_in_place(form: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame(*size, form)
    for plane, bytes_ in zip(rows_of(frame), noise([plane.shape for plane in rows_of(frame)], 1), strict=True):
        plane[...] = bytes_
    expected = by_hand(form, rows_of(frame), touched(WINDOW, *size))
    Masks([WINDOW]).burn(frame)
    for plane, wanted, layout in zip(rows_of(frame), expected, FORMATS[form], strict=True):
        used = -(-size[0] // layout.across) * len(layout.fill)
        assert np.array_equal(plane[:, :used], wanted[:, :used])
    assert any((plane == GREY_Y).any() for plane in rows_of(frame))


def test_a_frame_over_an_array_is_covered() -> None:
    planes = np.full((72, 80), 200, np.uint8)
    frame = av.VideoFrame.from_numpy_buffer(planes, format="yuv420p", width=64)
    Masks([[(0, 0), (1, 0), (1, 1), (0, 1)]]).burn(frame)
    pixels = frame.to_ndarray(format="yuv420p")
    assert (pixels[:48] == GREY_Y).all()
    assert (pixels[48:] == GREY_C).all()


def test_pictures_that_a_decoder_refers_to_are_left_to_it() -> None:
    """What follows is predicted from the picture as it was coded: outside the mask nothing may change."""
    packets = video.encode("h264", 30, gop=30)

    def decoded() -> list[av.VideoFrame]:
        decoder = av.CodecContext.create("h264", "r")
        return [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))] + decoder.decode(None)

    plain = [frame.to_ndarray() for frame in decoded()]
    decoder, masks, burnt = av.CodecContext.create("h264", "r"), Masks([WINDOW]), []
    for packet in [*(av.Packet(packet.data) for packet in packets), None]:
        for frame in decoder.decode(packet):
            masks.burn(frame)
            burnt.append(frame.to_ndarray())
    bits = touched(WINDOW, video.WIDTH, video.HEIGHT)
    assert len(burnt) == len(plain) == 30
    for one, other in zip(burnt, plain, strict=True):
        assert np.array_equal(one[: video.HEIGHT][~bits], other[: video.HEIGHT][~bits])
        assert (one[: video.HEIGHT][bits] == GREY_Y).all()


def test_sizes_may_change_and_come_back() -> None:
    masks = Masks([WINDOW])
    for width in (*range(16, 32, 2), *range(16, 32, 2)):
        frame = av.VideoFrame(width, 20, "yuv420p")
        masks.burn(frame)
        assert (rows_of(frame)[0][:, :width][touched(WINDOW, width, 20)] == GREY_Y).all()


def test_masks_that_cover_everything_or_overlap() -> None:
    whole = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert touched(whole, 33, 17).all()
    planes = noise([(17, 33), (9, 17), (9, 17)], 3)
    Masks([WINDOW, whole, WINDOW]).stencil("yuv420p", 33, 17).cover(planes)
    assert [set(plane.flat) for plane in planes] == [{GREY_Y}, {GREY_C}, {GREY_C}]


def test_a_picture_that_cannot_be_masked_goes_nowhere() -> None:
    masks = Masks([WINDOW])
    for form in ("rgb24", "yuv420p10le", "p010le", "gray16le", "pal8"):
        with pytest.raises(ConfigError, match=form):
            masks.burn(av.VideoFrame(64, 48, form))
    for size in ((0, 48), (64, 0), (-1, 5)):
        with pytest.raises(ConfigError, match="size is not known"):
            masks.stencil("yuv420p", *size)


@pytest.mark.parametrize("shapes", [[(48, 64), (24, 32)], [(48, 64), (24, 32), (24, 31)], [(47, 64), (24, 32), (24, 32)], [(48, 64)] * 4])
def test_planes_that_do_not_fit_are_refused_before_anything_is_written(shapes: list[tuple[int, int]]) -> None:
    planes = noise(shapes, 5)
    before = [plane.copy() for plane in planes]
    with pytest.raises(ConfigError, match="masks cannot be burnt in"):
        Masks([WINDOW]).stencil("yuv420p", 64, 48).cover(planes)
    assert all(np.array_equal(*pair) for pair in zip(planes, before, strict=True))


@pytest.mark.parametrize(
    "polygon", [[(0, 0), (1, 1)], [(0, 0), (1, 1), (1, 0), (0, 1)], [(0, 0), (2, 0), (1, 1)], [(0, 0), (math.nan, 0), (1, 1)]]
)
def test_what_is_no_polygon_is_refused_here_too(polygon: list[Corner]) -> None:
    with pytest.raises(ConfigError, match="mask 0"):
        Masks([polygon])


def test_a_stencil_is_made_once_for_each_size() -> None:
    masks = Masks([WINDOW])
    assert masks.stencil("nv12", 64, 48) is masks.stencil("nv12", 64, 48)
    assert isinstance(masks.stencil("yuv420p", 64, 48), Stencil)
