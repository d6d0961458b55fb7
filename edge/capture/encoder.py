"""The port to video encoders, and libx264 behind it. Imports PyAV."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from edge.bmff import nal
from edge.clock import NS_PER_S
from edge.errors import ConfigError
from edge.messages.stream import Codec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


log = logging.getLogger(__name__)

HARDWARE = {"nvenc": (Path("/dev/v4l2-nvenc"), Path("/dev/nvhost-msenc")), "v4l2m2m": (Path("/dev/video11"),)}
"""What "auto" looks for: encoders in order, and a device without which there is none."""
OF_GSTREAMER = ("nvenc", "nvenc-h265", "gst-v4l2", "gst-x264")


@dataclass(frozen=True, slots=True)
class Encoded:
    """An Annex-B access unit and the number of the picture it shows."""

    number: int
    key: bool
    data: bytes


class Encoder(Protocol):
    """YUV 4:2:0 pictures in, access units out. One thread. Closed GOPs of a fixed length, no B-frames: units come in picture order, dts is
    pts. `parameter_sets` is known before the first picture and stands in front of each key frame."""

    codec: Codec
    name: str
    parameter_sets: bytes

    def encode(self, frame: av.VideoFrame, number: int) -> list[Encoded]:
        """`frame`: yuv420p of the encoder's size; it may be changed once this returns and two further pictures have been encoded. What
        kind of picture it was where it came from does not matter. `number` must grow."""

    def flush(self) -> list[Encoded]:
        """What is still inside, at the end."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What the encoder is asked for. Width and height are even. preset: of libx264, or "auto" (see `open_encoder`)."""

    width: int
    height: int
    fps: float
    bitrate_kbps: int
    gop_s: float
    preset: str = "ultrafast"


class LibX264:
    """libx264 in one thread without look-ahead: 0.4 CPU s per second of 1080p25 on a desk machine.

    A rate limit over one second (VBV) keeps scene changes from bursting the uplink; a still street uses far less than the rate."""

    codec: Codec = "h264"

    def __init__(self, quality: Quality) -> None:
        rate = Fraction(quality.fps).limit_denominator(1001)
        gop = max(1, round(quality.gop_s * quality.fps))
        context = av.CodecContext.create("libx264", "w")
        if not isinstance(context, VideoCodecContext):
            raise ConfigError("this PyAV has no libx264", remedy="install a PyAV wheel, or an ffmpeg with libx264")
        context.width, context.height, context.pix_fmt = quality.width, quality.height, "yuv420p"
        context.time_base = 1 / rate
        context.framerate = rate
        context.bit_rate = quality.bitrate_kbps * 1000
        context.gop_size = gop
        context.thread_count = 1
        context.flags |= Flags.global_header
        parameters = {
            "keyint": gop,
            "min-keyint": gop,
            "scenecut": 0,
            "open-gop": 0,
            "bframes": 0,
            "repeat-headers": 1,
            "aud": 0,
            "threads": 1,
            "sliced-threads": 0,
            "vbv-maxrate": quality.bitrate_kbps,
            "vbv-bufsize": quality.bitrate_kbps,
        }
        text = ":".join(f"{name}={value}" for name, value in parameters.items())
        context.options = {"preset": quality.preset, "tune": "zerolatency", "x264-params": text}
        context.open()
        self._context = context
        self.name = f"libx264 {quality.preset}"
        self.parameter_sets = bytes(context.extradata or b"")

    def encode(self, frame: av.VideoFrame, number: int) -> list[Encoded]:
        frame.pts = number
        frame.pict_type = PictureType.NONE
        frame.time_base = self._context.time_base
        return [self._encoded(packet) for packet in self._context.encode(frame)]

    def flush(self) -> list[Encoded]:
        return [self._encoded(packet) for packet in self._context.encode(None)]

    def _encoded(self, packet: av.Packet[Any]) -> Encoded:
        data, key = bytes(packet), bool(packet.is_keyframe)
        return Encoded(packet.pts or 0, key, _from_parameter_sets(data) if key else data)


def _from_parameter_sets(data: bytes) -> bytes:
    """libavcodec puts x264's version text in front of the parameter sets of the very first picture: cut off."""
    start = data.find(nal.START_CODE + b"\x67")
    return data[start:] if start > 0 else data


def open_encoder(name: str, quality: Quality) -> Encoder:
    """`name`: as in the configuration; "auto" is the board's hardware where it works, else libx264. Preset "auto"
    costs a trial of three seconds. Raises ConfigError for an encoder that cannot be had here, and for odd sizes."""
    if quality.width % 2 or quality.height % 2:
        raise ConfigError(f"{quality.width}x{quality.height}: width and height must be even for 4:2:0 video")
    if name == "auto":
        return _best(quality)
    if name == "libx264":
        return LibX264(affordable(quality))
    return _hardware(name, quality)


def affordable(quality: Quality) -> Quality:
    """With the preset that this machine can afford in place of "auto", by a trial of some seconds."""
    if quality.preset != "auto":
        return quality
    from edge.capture.trial import best_of, try_presets

    return replace(quality, preset=best_of(try_presets(quality)))


def _best(quality: Quality) -> Encoder:
    for name, devices in HARDWARE.items():
        if any(device.exists() for device in devices):
            try:
                return _hardware(name, quality)
            except ConfigError as error:
                log.warning("%s is passed over: %s", name, error)
    return LibX264(affordable(quality))


def _hardware(name: str, quality: Quality) -> Encoder:
    if name == "v4l2m2m":
        from edge.capture.v4l2m2m import V4l2M2m

        return V4l2M2m(quality)
    if name not in OF_GSTREAMER:
        raise ConfigError(f"there is no encoder {name!r}", remedy='use "auto" or "libx264"')
    try:
        from edge.capture.gst_encoder import GstEncoder
    except ImportError as missing:
        raise ConfigError(f"encoder {name!r} needs GStreamer for Python (python3-gi): {missing}") from missing
    return GstEncoder(name, quality)


def frame_over(planes: NDArray[np.uint8], width: int) -> av.VideoFrame:
    """A frame over the array's own memory, without a copy: (height * 3 / 2) x width bytes, Y, U and V one behind the other."""
    return av.VideoFrame.from_numpy_buffer(planes, format="yuv420p", width=width)


def frame_period_ns(fps: float) -> int:
    return round(NS_PER_S / fps)
