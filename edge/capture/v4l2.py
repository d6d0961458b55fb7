"""Cameras under /dev/video*: raw pictures (YUYV, MJPEG) are encoded here, H.264 from the camera is handed on bit by bit (with `transcode`:
encoded anew).

Options ([camera.options]): input ("auto", "h264", "mjpeg", "yuyv422"; auto: what the driver offers first), luma ("all", "key"; for H.264),
controls (a table: name -> number, set before each start; names as in `edge capture probe --json`).

A camera that is unplugged and plugged in again has the same name under /dev/v4l/by-id, not under /dev/video*.
Time is the driver's (CLOCK_MONOTONIC; kernel docs, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) where it is believable, else arrival.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.access import Assembler, has_picture
from edge.capture.darkroom import Darkroom
from edge.capture.encoder import frame_period_ns
from edge.capture.luma import LumaTap
from edge.capture.options import only, text
from edge.capture.pump import Pump
from edge.capture.source import Picture
from edge.capture.timestamps import Unit
from edge.clock import NS_PER_S
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

log = logging.getLogger(__name__)

BELIEVABLE_NS = 2 * NS_PER_S
FIRST_KEY_S = 6.0
CLOSE_S = 1.0
_OPTIONS = ("input", "luma", "controls")

Items = Iterator[Packet | Picture]
OpenDevice = Callable[[str, dict[str, str]], InputContainer]


def open_device(device: str, options: dict[str, str]) -> InputContainer:
    """PyAV's Video4Linux2 input."""
    return av.open(device, format="v4l2", options=options)


@dataclass(frozen=True, slots=True)
class _Work:
    """What becomes of a packet of the device: handed on or encoded. how: for source_name."""

    assembler: Assembler
    how: str
    masks_sha256: str
    take: Callable[[av.Packet[Any], int], Items]


class V4l2Source:
    def __init__(self, settings: CameraSettings, device_opener: OpenDevice = open_device) -> None:
        options = settings.options
        only(options, _OPTIONS, "v4l2")
        self._settings = settings
        self._device = settings.source.partition(":")[2]
        self._open_device = device_opener
        self._input = text(options, "input", "auto", ("auto", "h264", "mjpeg", "yuyv422"))
        self._controls = options.get("controls", {})
        if not isinstance(self._controls, dict):
            raise ConfigError("option controls is no table", remedy="use controls = { brightness = 128 }")
        self._keys_only = text(options, "luma", "all", ("all", "key")) == "key"
        self._pump: Pump | None = None
        self._work: _Work | None = None
        self._first: Packet | None = None

    @property
    def dropped(self) -> int:
        return self._pump.dropped if self._pump is not None else 0

    @property
    def note(self) -> str:
        return self._work.assembler.timeline.note if self._work is not None else ""

    def open(self) -> StreamInfo:
        container = self._start()
        stream = container.streams.video[0]
        context = stream.codec_context
        period_ns = frame_period_ns(float(stream.average_rate or self._settings.fps))
        copied = context.name == "h264" and not self._settings.transcode
        work = self._work = self._copying(stream, period_ns) if copied else self._encoding(stream, period_ns)
        pump = self._pump = Pump("v4l2", lambda pump: self._receive(container, stream, work, pump))
        pump.start()
        first = self._first = pump.first_packet(FIRST_KEY_S, self._device)
        sets = parameter_sets(work.assembler.codec, nal.split(first.data))
        size = (sets.size() if sets else None) or (context.width, context.height)
        return StreamInfo(
            epoch=0,
            codec=work.assembler.codec,
            width=size[0],
            height=size[1],
            fps=NS_PER_S / period_ns,
            parameter_sets=sets.annexb() if sets else b"",
            sensor_time=True,
            source_name=f"v4l2 {self._device} {size[0]}x{size[1]} {work.how}",
            masks_sha256=work.masks_sha256,
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._first is not None:
            packet, self._first = self._first, None
            return packet
        if self._pump is None:
            raise TryAgain(f"{self._device} is not open")
        return self._pump.get(timeout_s)

    def close(self) -> None:
        pump, self._pump, self._first = self._pump, None, None
        if pump is not None and not pump.close(CLOSE_S):
            log.warning("%s: the driver does not let go", self._device)

    def _start(self) -> InputContainer:
        settings = self._settings
        size = f"{settings.width}x{settings.height}"
        wanted = {} if self._input == "auto" else {"input_format": self._input}
        if self._controls:
            self._set_controls()
        try:
            return self._open_device(self._device, {"video_size": size, "framerate": f"{settings.fps:g}", **wanted})
        except av.error.ArgumentError as refused:
            raise ConfigError(f"{self._device} takes no {self._input} input at {size}: {refused.strerror}") from refused
        except av.error.FFmpegError as refused:
            raise TryAgain(f"{self._device} cannot be opened: {refused.strerror}") from refused

    def _set_controls(self) -> None:
        try:
            from edge.capture import v4l2_device
        except ModuleNotFoundError as missing:
            raise ConfigError(f"option controls needs the Python package {missing.name}") from missing
        with v4l2_device.opened(self._device) as descriptor:
            v4l2_device.set_controls(descriptor, self._device, self._controls)

    def _receive(self, container: InputContainer, stream: VideoStream, work: _Work, pump: Pump) -> None:
        """The pump's work."""
        with container:
            try:
                for packet in container.demux(stream):
                    if pump.stopping.is_set() or not packet.size:
                        break
                    for item in work.take(packet, taken_ns(packet.pts, packet.time_base)):
                        pump.put(item)
            except av.error.FFmpegError as broken:
                raise TryAgain(f"{self._device} broke off: {broken.strerror}") from broken
        raise TryAgain(f"{self._device} ended")

    def _copying(self, stream: VideoStream, period_ns: int) -> _Work:
        settings = self._settings
        if settings.masks:
            raise ConfigError(f"{self._device} gives H.264: masks cannot be burnt in", remedy='set input = "yuyv422" or transcode = true')
        assembler = Assembler("h264", period_ns, bytes(stream.codec_context.extradata or b""), _taken)
        size = settings.luma_width, settings.luma_height
        tap = LumaTap("h264", *size, settings.luma_fps, keys_only=self._keys_only) if settings.luma_path else None

        def take(packet: av.Packet[Any], at_ns: int) -> Items:
            data = bytes(packet)
            made = assembler.add(Unit(at_ns, at_ns, at_ns, packet.is_keyframe, has_picture("h264", data), data))
            if made is not None:
                yield made
                picture = tap.feed(made) if tap is not None else None
                if picture is not None:
                    yield picture

        return _Work(assembler, "h264 from the camera", "", take)

    def _encoding(self, stream: VideoStream, period_ns: int) -> _Work:
        context = stream.codec_context
        room = Darkroom(self._settings, context.width, context.height, NS_PER_S / period_ns, watched=True)
        assembler = Assembler(room.encoder.codec, period_ns, room.encoder.parameter_sets, _taken, merge=False)

        def take(packet: av.Packet[Any], at_ns: int) -> Items:
            for frame in context.decode(packet):
                for item in room.take(frame, at_ns, at_ns):
                    made = assembler.add(item) if isinstance(item, Unit) else item
                    if made is not None:
                        yield made

        return _Work(assembler, f"{context.name} {room.encoder.name}", room.masks_sha256, take)


def _taken(_dts_ns: int, arrival_ns: int) -> int:
    """A unit's arrival is already the time its picture was taken."""
    return arrival_ns


def taken_ns(stamp: int | None, base: Fraction) -> int:
    """A driver's CLOCK_MONOTONIC time stamp as CLOCK_BOOTTIME; now, where it is none or more than 2 s off."""
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if stamp is None:
        return now_ns
    suspended_ns = now_ns - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    at_ns = stamp * base.numerator * NS_PER_S // base.denominator + suspended_ns
    return at_ns if 0 <= now_ns - at_ns <= BELIEVABLE_NS else now_ns
