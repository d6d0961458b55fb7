"""libx264 as we ask for it: closed GOPs, parameter sets everywhere, bounded, in order."""

from __future__ import annotations

from typing import Any

import av
import pytest

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture import burnin
from edge.capture.drawing import Street
from edge.capture.encoder import Encoded, Quality, frame_over, open_encoder
from edge.capture.street import Scene
from edge.errors import ConfigError

SCENE = Scene(width=640, height=360, seed=5, traffic=1.0)


def encoded(frames: int, *, noise: int = 0, **quality: Any) -> list[Encoded]:
    asked = {"width": 640, "height": 360, "fps": 25.0, "bitrate_kbps": 1000, "gop_s": 1.0, **quality}
    encoder = open_encoder("auto", Quality(**asked))
    street = Street(SCENE, noise)
    units: list[Encoded] = []
    for number in range(frames):
        planes = street.draw(number)
        street.mark(planes, number)
        units += encoder.encode(frame_over(planes, SCENE.width), number)
    return units + encoder.flush()


def test_each_picture_gives_its_unit_at_once_with_a_key_frame_per_gop() -> None:
    units = encoded(60, gop_s=0.8)
    assert [unit.number for unit in units] == list(range(60))
    assert [unit.number for unit in units if unit.key] == [0, 20, 40]


def test_each_key_frame_begins_with_the_parameter_sets_that_were_told_before() -> None:
    encoder = open_encoder("libx264", Quality(640, 360, 25.0, 1000, 1.0))
    for unit in encoded(60):
        assert not unit.key or (parameter_sets("h264", nal.split(unit.data)) == parameter_sets("h264", nal.split(encoder.parameter_sets)))
        assert not unit.key or nal.is_parameter_set("h264", nal.split(unit.data)[0])


@pytest.mark.parametrize("start", [0, 25, 50])
def test_every_gop_can_be_decoded_by_itself(start: int) -> None:
    decoder = av.CodecContext.create("h264", "r")
    units = encoded(75)[start : start + 25]
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    numbers = [burnin.read(bytes(frame.reformat(format="gray8").planes[0]), frame.planes[0].line_size, 360) for frame in frames]
    assert numbers == list(range(start, start + 25))


def test_noise_does_not_break_the_rate() -> None:
    units = encoded(100, noise=8, bitrate_kbps=800)
    seconds = [sum(len(unit.data) for unit in units[start : start + 25]) * 8 / 1000 for start in range(25, 100, 25)]
    assert max(seconds) < 800 * 1.25


@pytest.mark.parametrize(
    ("fps", "gop_s", "keys"), [(12.5, 1.0, [0, 12, 24]), (1.0, 2.0, [0, 2, 4]), (1.0, 0.5, [0, 1, 2]), (29.97, 0.5, [0, 15])]
)
def test_gops_follow_unusual_rates(fps: float, gop_s: float, keys: list[int]) -> None:
    units = encoded(30, fps=fps, gop_s=gop_s)
    assert [unit.number for unit in units if unit.key][: len(keys)] == keys


def test_odd_sizes_and_unknown_encoders_are_refused() -> None:
    with pytest.raises(ConfigError, match="even"):
        open_encoder("auto", Quality(641, 360, 25.0, 1000, 1.0))
    with pytest.raises(ConfigError, match="no encoder 'magic'"):
        open_encoder("magic", Quality(640, 360, 25.0, 1000, 1.0))
