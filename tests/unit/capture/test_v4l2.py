"""The V4L2 adapter without a device: libav's own test pictures come in where the driver's would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import pytest
from av.container import InputContainer

from edge.bmff import nal
from edge.capture.source import Picture
from edge.capture.v4l2 import V4l2Source, taken_ns
from edge.clock import monotonic_s
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Packet

DEADLINE_S = 20.0


def drawn(_device: str, options: dict[str, str]) -> InputContainer:
    return av.open(f"testsrc2=size={options['video_size']}:rate={options['framerate']},realtime", format="lavfi")


@contextmanager
def opened(**settings: Any) -> Iterator[tuple[V4l2Source, Any]]:
    source = V4l2Source(CameraSettings(id="c", source="v4l2:/dev/video0", width=320, height=240, gop_s=0.4, **settings), drawn)
    try:
        yield source, source.open()
    finally:
        source.close()


def taken(source: V4l2Source, kind: type[Packet] | type[Picture], count: int) -> list[Any]:
    found: list[Any] = []
    until_s = monotonic_s() + DEADLINE_S
    while len(found) < count and monotonic_s() < until_s:
        item = source.read(0.5)
        if isinstance(item, kind):
            found.append(item)
    assert len(found) == count
    return found


def test_raw_pictures_are_encoded_in_order_with_their_own_time() -> None:
    with opened() as (source, info):
        assert (info.codec, info.width, info.height, info.sensor_time) == ("h264", 320, 240, True)
        packets = taken(source, Packet, 30)
        now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert [packet.seq for packet in packets] == list(range(30))
    assert [packet.seq for packet in packets if packet.key] == [0, 10, 20]
    assert nal.is_parameter_set("h264", nal.split(packets[0].data)[0])
    assert all(0 <= now_ns - packet.boot_ns < 10_000_000_000 for packet in packets)


def test_the_watcher_gets_its_pictures_from_raw_frames() -> None:
    with opened(luma_path="/nowhere", luma_width=64, luma_height=48) as (source, _):
        pictures = taken(source, Picture, 2)
    assert [(each.width, each.height, len(each.luma)) for each in pictures] == [(64, 48, 64 * 48)] * 2


def test_a_missing_device_is_tried_again() -> None:
    with pytest.raises(TryAgain, match="/dev/video99"):
        V4l2Source(CameraSettings(id="c", source="v4l2:/dev/video99")).open()


def test_a_size_the_driver_does_not_take_is_a_matter_of_configuration() -> None:
    def refusing(_device: str, _options: dict[str, str]) -> InputContainer:
        raise av.error.ArgumentError(22, "Invalid argument")

    with pytest.raises(ConfigError, match="1280x720"):
        V4l2Source(CameraSettings(id="c", source="v4l2:/dev/video0"), refusing).open()


def test_a_drivers_time_stamp_is_believed_only_where_it_can_be() -> None:
    base = Fraction(1, 1_000_000)
    monotonic_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert taken_ns(monotonic_us - 30_000, base) == pytest.approx(now_ns - 30_000_000, abs=20_000_000)
    for wrong in (None, 0, monotonic_us + 10_000_000, time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000):
        assert taken_ns(wrong, base) == pytest.approx(now_ns, abs=2_000_000_000)
