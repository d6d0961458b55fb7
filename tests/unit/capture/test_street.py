"""The synthetic street: what is told is what is drawn, and each picture knows its number."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture import burnin
from edge.capture.drawing import Street
from edge.capture.street import Scene, truth

SMALL = Scene(width=320, height=180, fps=10.0, seed=3, traffic=1.0)


def crowded(scene: Scene, people: int = 2) -> int:
    """The first picture with so many in it."""
    return next(number for number in range(10_000) if len(truth(number, scene)) >= people)


def test_the_truth_needs_neither_numpy_nor_a_video_library() -> None:
    code = "import sys; import edge.capture.street as s; s.truth(5); sys.exit(bool({'numpy', 'av'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_seed_and_number_are_the_same_street_in_any_order() -> None:
    number = crowded(SMALL)
    first = truth(number, SMALL)
    one, other = (Street(SMALL, noise=3).draw(number).copy() for _ in range(2))
    assert [truth(each, SMALL) for each in (0, 900, number)][-1] == first
    assert np.array_equal(one, other)
    assert truth(number, Scene(width=320, height=180, fps=10.0, seed=4, traffic=1.0)) != first


@pytest.mark.parametrize("night", [False, True])
def test_what_differs_from_the_empty_street_is_exactly_what_the_truth_tells(night: bool) -> None:
    scene = Scene(width=640, height=360, seed=1, traffic=1.0, night=night)
    street = Street(scene)
    empty = Street(Scene(width=640, height=360, seed=1, traffic=0.0, night=night)).draw(0).copy()
    told_of = 0
    for number in range(0, 2000, 100):
        there = np.zeros((360, 640), dtype=bool)
        for box in truth(number, scene):
            rows = slice(round(box.y * 360), round((box.y + box.height) * 360))
            columns = slice(round(box.x * 640), round((box.x + box.width) * 640))
            changed = street.draw(number)[rows, columns] != empty[rows, columns]
            assert changed.mean() > 0.25
            there[rows, columns] = True
            told_of += 1
        assert not (street.draw(number)[:360] != empty[:360])[~there].any()
    assert told_of > 10


def test_an_empty_street_stays_empty() -> None:
    assert not any(truth(number, Scene(traffic=0.0)) for number in range(0, 20_000, 50))


def test_boxes_lie_inside_the_picture() -> None:
    for number in range(0, 5000, 7):
        for box in truth(number, SMALL):
            assert 0 <= box.x < box.x + box.width <= 1
            assert 0 <= box.y < box.y + box.height <= 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1280, 720), (320, 180), (1920, 1080), (640, 480), (64, 48)]))
def test_a_burnt_in_number_is_read_back(number: int, size: tuple[int, int]) -> None:
    width, height = size
    luma = np.full((height, width), 120, dtype=np.uint8)
    burnin.burn(luma, number, width, height)
    assert burnin.read(luma.tobytes(), width, height) == number


def test_a_picture_without_a_number_has_none() -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (180, 320), dtype=np.uint8) for _ in range(200)]
    assert [burnin.read(each.tobytes(), 320, 180) for each in pictures] == [None] * 200


def test_a_number_survives_shrinking() -> None:
    street = Street(Scene(seed=2))
    planes = street.draw(4711)
    street.mark(planes, 4711)
    small = planes[:720].reshape(180, 4, 320, 4).mean(axis=(1, 3)).astype(np.uint8)
    assert burnin.read(small.tobytes(), 320, 180) == 4711


@pytest.mark.parametrize("size", [(321, 180), (320, 181), (32, 32)])
def test_sizes_that_cannot_be_drawn_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        Street(Scene(width=size[0], height=size[1]))
