"""The stateful V4L2 encoder of a Raspberry Pi 4 and older (bcm2835-codec) behind the port, by libavcodec's h264_v4l2m2m. Imports PyAV.

The driver writes parameter sets in front of the first picture alone; here they stand in front of each key frame. It keeps a picture or two
inside, so units come later than their pictures.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.encoder import Encoded, Quality
from edge.errors import ConfigError
from edge.messages.stream import Codec

CODEC = "h264_v4l2m2m"
_TRIAL = 8
"""Pictures after which a driver that works has given one back."""


class V4l2M2m:
    """As encoder.Encoder. One thread."""

    codec: Codec = "h264"
    name = CODEC

    def __init__(self, quality: Quality) -> None:
        """Raises ConfigError where there is no such hardware, or it does not work."""
        self._quality = quality
        try:
            self.parameter_sets = self._tried()
            self._context = self._made()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise ConfigError(f"this machine has no working {CODEC}: {error}", remedy='use encoder = "auto" or "libx264"') from error

    def encode(self, frame: av.VideoFrame, number: int) -> list[Encoded]:
        frame.pts, frame.pict_type, frame.time_base = number, PictureType.NONE, self._context.time_base
        return [self._encoded(packet) for packet in self._context.encode(frame)]

    def flush(self) -> list[Encoded]:
        return [self._encoded(packet) for packet in self._context.encode(None)]

    def _encoded(self, packet: av.Packet[Any]) -> Encoded:
        data, key = bytes(packet), bool(packet.is_keyframe)
        if key and parameter_sets(self.codec, nal.split(data)) is None:
            data = self.parameter_sets + data
        return Encoded(packet.pts or 0, key, data)

    def _made(self) -> VideoCodecContext:
        quality = self._quality
        context = av.CodecContext.create(CODEC, "w")
        if not isinstance(context, VideoCodecContext):
            raise ValueError("it is no video encoder")
        rate = Fraction(quality.fps).limit_denominator(1001)
        context.width, context.height, context.pix_fmt = quality.width, quality.height, "yuv420p"
        context.time_base, context.framerate = 1 / rate, rate
        context.bit_rate = quality.bitrate_kbps * 1000
        context.gop_size = max(1, round(quality.gop_s * quality.fps))
        context.max_b_frames = 0
        context.open()
        return context

    def _tried(self) -> bytes:
        """The parameter sets of black pictures."""
        context = self._made()
        black = av.VideoFrame(self._quality.width, self._quality.height, "yuv420p")
        for number in range(_TRIAL):
            black.pts = number
            for packet in context.encode(black):
                sets = parameter_sets(self.codec, nal.split(bytes(packet)))
                if sets is not None:
                    return sets.annexb()
        raise ValueError(f"it gives nothing for {_TRIAL} pictures")
