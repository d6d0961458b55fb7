"""Segments and clips in Chromium's <video>: loaded over HTTP ranges, sought to their start, middle and end, drawn and read back.

H.264 alone: Debian's Chromium refuses H.265.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.bmff.walk import walk
from edge.clip.plan import plan_clip
from edge.clip.virtual import open_part
from tests.support.footage import FolderRing, request, write_segment, write_segments
from tests.support.players import chromium_tells
from tests.support.video import encode

PICTURE_S = 0.04
MIDDLE_OF_PICTURE_S = PICTURE_S / 2


def _at(picture: int) -> float:
    return picture * PICTURE_S + MIDDLE_OF_PICTURE_S


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(("first", "end"), [(0, 100), (13, 47), (49, 51), (60, 99)])
def test_a_clip_begins_at_the_asked_picture_and_every_place_shows_its_own(tmp_path: Path, b_frames: int, first: int, end: int) -> None:
    ring = FolderRing(tmp_path)
    for written in write_segments(encode("h264", 100, b_frames=b_frames)):
        ring.put(written)
    (part,) = plan_clip(ring, request(first, end)).parts
    data = b"".join(open_part(part, ring.open).stream())
    last = min(-(-end // 25) * 25, 99)
    middle = (first + last) // 2
    told = chromium_tells(data, [0, _at(0), _at(1), _at(middle - first), -MIDDLE_OF_PICTURE_S, _at(0)], tmp_path)
    assert "error" not in told, told
    assert told["numbers"] == [first, first, first + 1, middle, last, first]
    assert told["duration"] == pytest.approx((last + 1 - first) * PICTURE_S, abs=0.001)
    assert (told["width"], told["height"]) == (320, 180)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("torn", [False, True])
def test_a_segment_plays_as_it_lies_on_the_disk(tmp_path: Path, b_frames: int, torn: bool) -> None:
    written = write_segment(encode("h264", 100, b_frames=b_frames))
    data = written.data
    if torn:
        cut_off = written.body[: written.ends[-1] - 100]
        data = cut_off[: walk(lambda offset, length: cut_off[offset : offset + length], len(cut_off)).good_end]
    told = chromium_tells(data, [0, _at(1), _at(37), _at(74), _at(0)], tmp_path)
    assert "error" not in told, told
    assert told["numbers"] == [0, 1, 37, 74, 0]


def test_ten_minutes_load_with_a_handful_of_requests(tmp_path: Path) -> None:
    """The same four seconds over and over, 150 times."""
    once = encode("h264", 100)
    length_ns = 100 * once[0].duration_ns
    packets = [
        msgspec.structs.replace(packet, dts_ns=packet.dts_ns + by, pts_ns=packet.pts_ns + by, boot_ns=packet.boot_ns + by)
        for by in range(0, 150 * length_ns, length_ns)
        for packet in once
    ]
    ring = FolderRing(tmp_path)
    for written in write_segments(packets, gops_each=60):
        ring.put(written)
    (part,) = plan_clip(ring, request(13, 14_987)).parts
    clip = open_part(part, ring.open)
    told = chromium_tells(clip.read(0, clip.size), [0, 300 + MIDDLE_OF_PICTURE_S, -MIDDLE_OF_PICTURE_S], tmp_path)
    assert "error" not in told, told
    assert told["numbers"] == [13, 13, 99]
    assert told["duration"] == pytest.approx((15_000 - 13) * PICTURE_S, abs=0.001)
    assert told["requests"] <= 6
