"""The process that makes small pictures of key frames."""

from __future__ import annotations

import subprocess
import sys

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.stills import LARGEST_JPEG_BYTES, LARGEST_UNIT_BYTES, NO_DECODER, Coded, read_answers, write_questions
from edge.messages.stream import Codec
from tests.support.command import environment
from tests.support.video import encode


def answers(coded: list[Coded], count: int | None = None) -> list[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "edge.capture.stills"],
        input=write_questions(coded),
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return read_answers(done.stdout, len(coded) if count is None else count)


def size_of(jpeg: bytes) -> tuple[int, int]:
    decoder = av.CodecContext.create("mjpeg", "r")
    frame = [*decoder.decode(av.Packet(jpeg)), *decoder.decode(None)][0]
    return frame.width, frame.height


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_each_key_frame_becomes_a_small_picture(codec: Codec) -> None:
    keys = [packet.data for packet in encode(codec, 50, width=640, height=360) if packet.key]
    found = answers([Coded(codec, data) for data in keys])
    assert [size_of(jpeg) for jpeg in found] == [(320, 180)] * 2
    assert all(0 < len(jpeg) < LARGEST_JPEG_BYTES for jpeg in found)


def test_what_is_no_picture_has_none_and_the_others_have_theirs() -> None:
    key = encode(frames=1)[0].data
    torn = key[: len(key) // 3] + bytes(len(key))
    found = answers(
        [Coded("h264", key), Coded("h264", b"nonsense"), Coded("h265", key), Coded("h264", b""), Coded("h264", torn), Coded("h264", key)]
    )
    assert found[0] == found[5] != b""
    assert found[1] == found[2] == found[3] == b""


def test_a_unit_that_is_too_large_is_not_sent() -> None:
    assert len(write_questions([Coded("h264", bytes(LARGEST_UNIT_BYTES + 1))])) < 100


@given(st.binary(max_size=200), st.integers(0, 5))
def test_whatever_the_process_says_there_is_an_answer_for_each_question(data: bytes, count: int) -> None:
    assert len(read_answers(data, count)) == count


def test_without_a_decoder_the_process_says_so() -> None:
    script = "import sys; sys.modules['av'] = None; from edge.capture import stills; sys.exit(stills.main())"
    done = subprocess.run([sys.executable, "-c", script], input=b"", env=environment(), capture_output=True, timeout=60, check=False)
    assert done.returncode == NO_DECODER, done.stderr
