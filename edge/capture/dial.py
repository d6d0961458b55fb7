"""Connecting to an RTSP server through PyAV without ever showing the credentials."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.capture.address import Address
from edge.capture.source import CameraUnreachable
from edge.errors import ConfigError
from edge.messages.stream import Codec

CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
OPEN_S = 6.0
READ_S = 8.0
"""The recorder's stall limit comes first; this frees the thread of a connection nobody wants any more."""
_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "timeout": str(round(OPEN_S * 1_000_000)),
    "analyzeduration": "1500000",
    "probesize": "1000000",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection with its first video stream playing."""

    container: InputContainer
    stream: VideoStream
    codec: Codec
    fps: float | None
    known_sets: bytes


def dial(address: Address) -> Line:
    """Connect, describe, play. Raises CameraUnreachable, and ConfigError where trying again is of no use: refused credentials, no video,
    a codec this product does not record."""
    try:
        container = av.open(address.with_login(), options=_OPTIONS, timeout=(OPEN_S, READ_S))
    except (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError):
        raise ConfigError(f"{address.shown} refuses user or password", remedy="see the camera's secrets file") from None
    except av.error.FFmpegError as refused:
        raise CameraUnreachable(f"{address.shown} does not answer: {reason(refused)}") from None
    streams = container.streams.video
    codec = CODECS.get(streams[0].codec_context.name) if streams else None
    if codec is None:
        name = streams[0].codec_context.name if streams else "no video"
        container.close()
        raise ConfigError(f"{address.shown} sends {name}", remedy="set the camera to H.264 or H.265")
    rate = streams[0].average_rate or streams[0].guessed_rate
    fps = float(rate) if rate and 0.1 <= rate <= 240 else None
    return Line(container, streams[0], codec, fps, bytes(streams[0].codec_context.extradata or b""))


def reason(error: av.error.FFmpegError) -> str:
    """The library's words without the URL that it adds."""
    return "no data in time" if isinstance(error, av.error.ExitError) else str(error.strerror)
