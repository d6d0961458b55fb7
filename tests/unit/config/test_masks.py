"""Privacy masks in node.toml: what is one, what it is called, which cameras can have them."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.masks import Corner, canonical_masks, masks_sha256, polygon_fault
from edge.config.problems import ConfigProblems
from edge.config.read import parse_config
from tests.support.command import edge
from tests.support.nodefile import SMALLEST, write_config

WINDOW = "masks = [[[0.1, 0.1], [0.3, 0.1], [0.3, 0.4]]]\n"
NETWORK = SMALLEST.replace("synthetic:", "rtsp://h/main")
ITS_OWN = 'options = { input = "h264" }\n'
VIDEO0 = SMALLEST.replace("synthetic:", "v4l2:/dev/video0")
SQUARE: list[Corner] = [(0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2)]


def faults(more: str, text: str = SMALLEST) -> dict[str, str]:
    try:
        parse_config((text + more).encode(), Path("/x/node.toml"))
    except ConfigProblems as error:
        return {problem.path: problem.text for problem in error.problems}
    return {}


@pytest.mark.parametrize(
    "text",
    [SMALLEST, VIDEO0, SMALLEST.replace("synthetic:", "file:film.mp4"), NETWORK + "transcode = true\n", VIDEO0 + "transcode = true\n"],
)
def test_masks_are_taken_where_pictures_are_encoded_here(text: str) -> None:
    assert faults(WINDOW, text) == {}


@pytest.mark.parametrize("text", [NETWORK, VIDEO0 + ITS_OWN, SMALLEST.replace("synthetic:", "rtsps://h/main")])
def test_a_camera_that_encodes_by_itself_has_two_ways_to_masks(text: str) -> None:
    found = faults(WINDOW, text)
    assert set(found) == {"camera[0].masks"}
    assert "masks_in_camera = true" in found["camera[0].masks"]
    assert "transcode = true" in found["camera[0].masks"]
    assert faults(WINDOW + "masks_in_camera = true\n", text) == {}
    assert faults(WINDOW + "transcode = true\n", text) == {}


def test_the_command_line_ends_with_78_and_names_both_ways_out(tmp_path: Path) -> None:
    path = write_config(tmp_path, NETWORK, WINDOW)
    for words in (("config", "check"), ("record",)):
        done = edge(*words, "--config", str(path))
        assert done.code == 78
        assert "camera[0].masks" in done.out + done.err
        assert "masks_in_camera" in done.out + done.err


def test_what_contradicts_itself_or_has_no_effect_is_refused() -> None:
    assert set(faults("masks_in_camera = true\ntranscode = true\n", NETWORK)) == {"camera[0].masks_in_camera"}
    assert set(faults("masks_in_camera = true\n")) == {"camera[0].masks_in_camera"}
    assert set(faults("transcode = true\n")) == {"camera[0].transcode"}
    assert set(faults('transcode = true\nluma_source = "rtsp://h/sub"\n', NETWORK)) == {"camera[0].luma_source"}


@pytest.mark.parametrize(
    ("masks", "path", "words"),
    [
        ("[[[0.1, 0.1], [0.2, 0.2]]]", "masks[0]", "3 to 64 corners"),
        ("[[[0.1, 0.1], [0.2, 0.1], [0.2, 1.2]]]", "masks[0][2][1]", "allowed 0 to 1"),
        ("[[[0.1, 0.1], [0.2, 0.1], [-0.2, 0.2]]]", "masks[0][2][0]", "allowed 0 to 1"),
        ("[[[0.1, 0.1], [0.2, 0.1], [0.2]]]", "masks[0][2]", "expected [number, number]"),
        ("[[[0.1, 0.1], [0.2, 0.1], [nan, 0.2]]]", "masks[0][2][0]", "out of range"),
        ("[[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]]", "masks[0]", "no area"),
        ("[[[0.1, 0.1], [0.2, 0.2], [0.1, 0.1]]]", "masks[0]", "at least 3"),
        ("[[[0, 0], [0, 1], [1, 1]], [[0, 0], [1, 1], [1, 0], [0, 1]]]", "masks[1]", "around the area"),
        ("[[[0, 0], [0.5, 0], [0.2, 0], [0.2, 0.4]]]", "masks[0]", "crosses or touches itself"),
        ("7", "masks", "expected an array"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_place_and_what_to_do(masks: str, path: str, words: str) -> None:
    found = faults(f"masks = {masks}\n")
    assert set(found) == {f"camera[0].{path}"}
    assert words in found[f"camera[0].{path}"]


@given(st.integers(3, 24), st.floats(0.0, 0.5))
def test_corners_around_an_area_are_a_mask_and_most_other_orders_of_them_are_not(count: int, turn: float) -> None:
    around = [math.tau * (place + turn) / count for place in range(count)]
    ring = [(0.5 + 0.4 * math.cos(angle), 0.5 + 0.4 * math.sin(angle)) for angle in around]
    assert polygon_fault(ring) is None
    assert polygon_fault([*ring, ring[0]]) is None
    for place in range(2, count - 1):  # a corner passed over and taken later: a bow tie
        swapped = [*ring[: place - 1], ring[place], ring[place - 1], *ring[place + 1 :]]
        assert polygon_fault(swapped) is not None


def test_the_hash_is_of_the_area_and_not_of_how_it_is_written() -> None:
    same = [SQUARE, SQUARE[::-1], SQUARE[2:] + SQUARE[:2], [*SQUARE, SQUARE[0]], [SQUARE[0], *SQUARE]]
    assert len({masks_sha256([each]) for each in same}) == 1
    other = [(x / 2, y) for x, y in SQUARE]
    assert masks_sha256([SQUARE, other]) == masks_sha256([other, SQUARE, SQUARE])
    assert len({masks_sha256(masks) for masks in ([SQUARE], [other], [SQUARE, other], [[*SQUARE[:3], (0.1, 0.2000001)]])}) == 4
    assert masks_sha256([]) == ""


def test_anybody_can_compute_the_hash() -> None:
    text = '{"masks":[[[0.1,0.1],[0.1,0.2],[0.2,0.2],[0.2,0.1]]],"v":1}'
    assert canonical_masks([SQUARE]) == text
    assert masks_sha256([SQUARE]) == hashlib.sha256(text.encode()).hexdigest()
    assert canonical_masks([[(0, 0), (1, -0.0), (1, 1)]]) == '{"masks":[[[0.0,0.0],[1.0,0.0],[1.0,1.0]]],"v":1}'
