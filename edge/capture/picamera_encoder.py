"""Encoders inside picamera2's pipeline, chosen by class: its own V4L2 one where the board has that hardware, else our port's libx264."""

from __future__ import annotations

from collections import deque
from typing import Any

import av
from av.video.reformatter import VideoReformatter
from picamera2 import MappedArray
from picamera2.encoders import Encoder as PicameraEncoder
from picamera2.encoders.h264_encoder import H264Encoder

from edge.capture.encoder import HARDWARE, Encoder, Quality, open_encoder

_HELD = 2
"""Requests whose memory libx264 may still look at."""


def make_encoder(name: str, quality: Quality) -> tuple[Any, str]:
    """(picamera2 encoder, what it is called). name: as in the configuration. Raises ConfigError for one this board does not have."""
    if name == "v4l2m2m" or (name == "auto" and any(device.exists() for device in HARDWARE["v4l2m2m"])):
        hardware = H264Encoder(
            bitrate=quality.bitrate_kbps * 1000,
            repeat=True,
            iperiod=max(1, round(quality.gop_s * quality.fps)),
            framerate=quality.fps,
            profile="high",
        )
        return hardware, "h264_v4l2m2m"
    encoder = open_encoder(name, quality)
    return PortEncoder(encoder), encoder.name


class PortEncoder(PicameraEncoder):  # type: ignore[misc]
    """An encoder of our port where picamera2 expects one of its own."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._port = encoder
        self._scaler = VideoReformatter()
        self._times: dict[int, int] = {}
        self._number = 0
        self._requests: deque[Any] = deque()

    def _start(self) -> None:
        """Outputs are not told of a stream: ours take access units."""

    def _stop(self) -> None:
        while self._requests:
            self._requests.popleft().release()

    def _encode(self, stream: Any, request: Any) -> None:
        request.acquire()
        self._requests.append(request)
        self._times[self._number] = self._timestamp(request)
        form = {"YUV420": "yuv420p", "NV12": "nv12"}[self._format]
        with MappedArray(request, stream, write=False) as mapped:
            frame = av.VideoFrame.from_numpy_buffer(mapped.array, format=form, width=self.width)
            for unit in self._port.encode(self._scaler.reformat(frame, format="yuv420p"), self._number):
                self.outputframe(unit.data, unit.key, timestamp=self._times.pop(unit.number))
        self._number += 1
        while len(self._requests) > _HELD:
            self._requests.popleft().release()
