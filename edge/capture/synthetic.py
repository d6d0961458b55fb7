"""The synthetic camera: the street of `street`, drawn and encoded as a real camera's pictures would be.

Options ([camera.options]): seed (0), night (false), traffic (0..1, 0.5), noise (0..8; 0 by day, 2 by night), speed (1.0; 0: as fast as it
is read), frames (0: endless), first (number of the first picture, 0).
"""

from __future__ import annotations

import time
from collections import deque

import av

from edge.capture.darkroom import masks_of
from edge.capture.drawing import Planes, Street
from edge.capture.encoder import Encoder, Quality, frame_over, frame_period_ns, open_encoder
from edge.capture.luma import Pace, Shrinker
from edge.capture.options import boolean, number, only
from edge.capture.source import EndOfStream, Picture
from edge.capture.street import Box, Scene, truth
from edge.clock import NS_PER_S
from edge.errors import ConfigError
from edge.messages.stream import CameraSettings, Packet, StreamInfo

__all__ = ["Box", "Scene", "SyntheticSource", "scene_of", "truth"]

LATE_NS = NS_PER_S
"""A camera so far behind (halted process, slow machine) leaves pictures out instead of running after them."""
_OPTIONS = ("seed", "night", "traffic", "noise", "speed", "frames", "first")


def scene_of(settings: CameraSettings) -> Scene:
    """The street that a camera with these settings shows. Raises ConfigError for options of the wrong kind or range."""
    if settings.width % 2 or settings.height % 2 or settings.width < 64 or settings.height < 48:
        raise ConfigError(f"a synthetic camera of {settings.width}x{settings.height}", remedy="use even sizes of at least 64x48")
    options = settings.options
    return Scene(
        width=settings.width,
        height=settings.height,
        fps=settings.fps,
        seed=int(number(options, "seed", 0, 0, 2**31)),
        night=boolean(options, "night", False),
        traffic=number(options, "traffic", 0.5, 0.0, 1.0),
    )


class SyntheticSource:
    """Picture n is drawn when it is due: at the first one's time + n periods; boot_ns is that time, as from a sensor."""

    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, _OPTIONS, "synthetic")
        self._settings = settings
        self._scene = scene_of(settings)
        self._noise = int(number(options, "noise", 2 if self._scene.night else 0, 0, 8))
        self._speed = number(options, "speed", 1.0, 0.0, 1000.0)
        self._first = self._number = int(number(options, "first", 0, 0, 2**31))
        frames = int(number(options, "frames", 0, 0, 2**31))
        self._end = self._first + frames if frames else None
        self._period_ns = frame_period_ns(settings.fps)
        self._begin_ns = 0
        self._seq = 0
        self._boot_ns_of: dict[int, int] = {}
        self._ready: deque[Packet | Picture] = deque()
        self._street: Street | None = None
        self._encoder: Encoder | None = None
        self._pace = Pace(settings.luma_fps) if settings.luma_path else None
        self._shrinker = Shrinker(settings.luma_width, settings.luma_height)
        self._masks = masks_of(settings)
        self.dropped = 0
        self.note = ""

    def open(self) -> StreamInfo:
        settings = self._settings
        quality = Quality(settings.width, settings.height, settings.fps, settings.bitrate_kbps, settings.gop_s, settings.preset)
        encoder = self._encoder = open_encoder(settings.encoder, quality)
        self._street = Street(self._scene, self._noise)
        self._begin_ns = _boot_ns()
        return StreamInfo(
            epoch=0,
            codec=encoder.codec,
            width=settings.width,
            height=settings.height,
            fps=settings.fps,
            parameter_sets=encoder.parameter_sets,
            sensor_time=True,
            source_name=f"synthetic {settings.width}x{settings.height} {encoder.name}",
            masks_sha256=self._masks.sha256 if self._masks is not None else "",
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._street is None or self._encoder is None:
            raise EndOfStream("the synthetic camera is not open")
        if not self._ready:
            if self._end is not None and self._number >= self._end:
                raise EndOfStream(f"the synthetic camera's {self._end - self._first} pictures are over")
            boot_ns = self._wait(timeout_s)
            if boot_ns is None:
                return None
            self._take(self._street, self._encoder, self._number, boot_ns)
            self._number += 1
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        self._street = self._encoder = None
        self._ready.clear()

    def _wait(self, timeout_s: float) -> int | None:
        """The time of the next picture once it has come; None when it did not come in time."""
        now_ns = _boot_ns()
        if not self._speed:
            return now_ns
        due_ns = self._due_ns()
        if now_ns - due_ns > LATE_NS:
            late = int((now_ns - due_ns) * self._speed / self._period_ns)
            self._number += late
            self.dropped += late
            due_ns = self._due_ns()
        wait_s = (due_ns - now_ns) / NS_PER_S
        if wait_s > timeout_s:
            time.sleep(max(0.0, timeout_s))
            return None
        if wait_s > 0:
            time.sleep(wait_s)
        return due_ns

    def _due_ns(self) -> int:
        return self._begin_ns + round((self._number - self._first) * self._period_ns / self._speed)

    def _take(self, street: Street, encoder: Encoder, number: int, boot_ns: int) -> None:
        """The watcher's picture is taken before the number is burnt in: digits that change are no motion."""
        planes = street.draw(number)
        if self._pace is not None and self._pace.due(boot_ns):
            self._ready.append(self._shrinker.shrink(self._masked(planes), boot_ns))
        street.mark(planes, number)
        self._boot_ns_of[number] = boot_ns
        for unit in encoder.encode(self._masked(planes), number):
            media_ns = (unit.number - self._first) * self._period_ns
            self._ready.append(
                Packet(
                    epoch=0,
                    seq=self._seq,
                    key=unit.key,
                    pts_ns=media_ns,
                    dts_ns=media_ns,
                    duration_ns=self._period_ns,
                    boot_ns=self._boot_ns_of.pop(unit.number),
                    data=unit.data,
                )
            )
            self._seq += 1

    def _masked(self, planes: Planes) -> av.VideoFrame:
        """Also what was burnt in on top of the street."""
        frame = frame_over(planes, self._scene.width)
        if self._masks is not None:
            self._masks.burn(frame)
        return frame


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
