"""Segments and clips in ffmpeg and GStreamer: every picture, in order, without an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.bmff.walk import walk
from edge.clip.plan import plan_clip
from edge.clip.virtual import open_part
from edge.messages.stream import Codec
from tests.support.footage import FolderRing, request, write_segment, write_segments
from tests.support.players import ffmpeg_numbers, gstreamer_numbers
from tests.support.video import encode

codecs = pytest.mark.parametrize("codec", ["h264", "h265"])
b_frames_or_not = pytest.mark.parametrize("b_frames", [0, 2])
ranges = pytest.mark.parametrize(
    ("first", "end"), [(0, 100), (13, 47), (25, 75), (49, 51), (24, 26), (60, 99), (0, 1), (9, 10), (13, 60), (24, 75), (0, 76)]
)


def _shown(first: int, end: int) -> list[int]:
    """From the first asked picture to the end of the GOP with the last one, and the closing access unit where there is one."""
    return list(range(first, min(-(-end // 25) * 25 + 1, 100)))


def _segment(folder: Path, codec: Codec, b_frames: int, *, torn: bool = False) -> Path:
    written = write_segment(encode(codec, 100, b_frames=b_frames), codec)
    data = written.data
    if torn:
        torn_data = written.body[: written.ends[-1] - 100]
        cut = walk(lambda offset, length: torn_data[offset : offset + length], len(torn_data)).good_end
        assert cut == written.ends[-2]
        data = torn_data[:cut]
    path = folder / "segment.mp4"
    path.write_bytes(data)
    return path


def _clip(folder: Path, codec: Codec, b_frames: int, first: int, end: int) -> tuple[Path, int]:
    """The clip and how many samples it holds."""
    ring = FolderRing(folder)
    for written in write_segments(encode(codec, 100, b_frames=b_frames), codec):
        ring.put(written)
    (part,) = plan_clip(ring, request(first, end)).parts
    path = folder / "clip.mp4"
    path.write_bytes(b"".join(open_part(part, ring.open).stream()))
    return path, part.frames


@codecs
@b_frames_or_not
def test_ffmpeg_shows_every_picture_of_a_segment(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    assert ffmpeg_numbers(_segment(tmp_path, codec, b_frames)) == list(range(100))


@codecs
@b_frames_or_not
def test_ffmpeg_shows_every_picture_of_a_torn_segment_that_was_cut(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    assert ffmpeg_numbers(_segment(tmp_path, codec, b_frames, torn=True)) == list(range(75))


@codecs
@b_frames_or_not
@ranges
def test_ffmpeg_shows_a_clip_from_the_first_asked_picture_on(tmp_path: Path, codec: Codec, b_frames: int, first: int, end: int) -> None:
    path, samples = _clip(tmp_path, codec, b_frames, first, end)
    assert ffmpeg_numbers(path) == _shown(first, end)
    whole = ffmpeg_numbers(path, all_samples=True)
    assert whole == list(range(first // 25 * 25, first // 25 * 25 + samples))


@codecs
@b_frames_or_not
def test_gstreamer_shows_every_picture_of_a_segment(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    assert gstreamer_numbers(_segment(tmp_path, codec, b_frames), codec, tmp_path) == list(range(100))


@codecs
@b_frames_or_not
def test_gstreamer_shows_every_picture_of_a_torn_segment_that_was_cut(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    assert gstreamer_numbers(_segment(tmp_path, codec, b_frames, torn=True), codec, tmp_path) == list(range(75))


# Of a clip within one GOP, or with a last GOP cut short by the end of the footage, GStreamer's qtdemux may show nothing from the last key
# frame on: see edge/clip/arrange.py.
@codecs
@b_frames_or_not
@ranges
def test_gstreamer_shows_a_clip_from_the_first_asked_picture_on(tmp_path: Path, codec: Codec, b_frames: int, first: int, end: int) -> None:
    path, _ = _clip(tmp_path, codec, b_frames, first, end)
    assert gstreamer_numbers(path, codec, tmp_path) == _shown(first, end)
