"""The contact sheet's process, as the one that waits for it sees it."""

from __future__ import annotations

import pytest

from edge.capture.stills import Coded
from edge.clip.sheet import decoded
from edge.upload.passage import Stopped
from tests.support.video import encode


def test_key_frames_larger_than_any_pipe_all_come_back() -> None:
    key = encode(frames=1, width=320, height=180)[0].data
    filler = b"\0\0\0\1\x0c" + b"\xff" * 400_000 + b"\x80"
    found = decoded([Coded("h264", key + filler)] * 12)
    assert len(found) == 12
    assert set(found) == {found[0]}
    assert found[0].startswith(b"\xff\xd8")


def test_who_waits_is_asked_now_and_then_and_may_end_it() -> None:
    key = encode(frames=1)[0].data
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise Stopped("the agent stops")

    with pytest.raises(Stopped):
        decoded([Coded("h264", key)] * 5000, check)
    assert len(asked) == 2
