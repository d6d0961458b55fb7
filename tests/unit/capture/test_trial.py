"""Which preset of libx264 a machine can afford."""

from __future__ import annotations

import av
import pytest

from edge.capture.encoder import Encoded, LibX264, Quality, affordable, open_encoder
from edge.capture.trial import PRESETS, Tried, best_of, try_presets
from edge.messages.stream import Codec

QUALITY = Quality(320, 180, 25.0, 500, 1.0)


class Machine:
    """A clock that encoders turn: each picture takes as long as its preset is said to."""

    def __init__(self, **seconds: float) -> None:
        self.seconds, self.now_s = seconds, 0.0

    def clock(self) -> float:
        return self.now_s

    def make(self, quality: Quality) -> Slow:
        return Slow(self, quality.preset)


class Slow:
    """An encoder of a known speed."""

    codec: Codec = "h264"
    parameter_sets = b""

    def __init__(self, machine: Machine, preset: str) -> None:
        self._machine, self.name = machine, preset

    def encode(self, frame: av.VideoFrame, number: int) -> list[Encoded]:
        self._machine.now_s += self._machine.seconds[self.name]
        return []

    def flush(self) -> list[Encoded]:
        return []


def test_the_slowest_preset_that_keeps_the_rate_with_a_third_in_hand_is_taken() -> None:
    machine = Machine(ultrafast=0.010, superfast=0.020, veryfast=0.030, faster=0.036)
    tried = try_presets(QUALITY, 4.0, machine.make, machine.clock)
    assert [(each.preset, round(each.fps)) for each in tried] == [("ultrafast", 100), ("superfast", 50), ("veryfast", 33), ("faster", 28)]
    assert [each.enough for each in tried] == [True, True, True, False]
    assert best_of(tried) == "veryfast"
    assert machine.now_s == pytest.approx(4.0, abs=0.3), "no longer than it was given"


def test_a_machine_that_is_too_slow_for_all_tries_one_and_gets_the_fastest() -> None:
    machine = Machine(ultrafast=0.100)
    tried = try_presets(QUALITY, 4.0, machine.make, machine.clock)
    assert [(each.preset, each.enough) for each in tried] == [("ultrafast", False)]
    assert best_of(tried) == best_of([]) == PRESETS[0]
    assert isinstance(tried[0], Tried)


def test_the_real_encoder_is_tried_and_its_preset_used() -> None:
    assert affordable(QUALITY) is QUALITY
    tried = try_presets(QUALITY, 0.2)
    assert all(each.fps > 0 for each in tried)
    encoder = open_encoder("libx264", Quality(320, 180, 1.0, 500, 1.0, "auto"))
    assert isinstance(encoder, LibX264)
    assert encoder.name == "libx264 faster", "one picture a second can be had by any machine"
