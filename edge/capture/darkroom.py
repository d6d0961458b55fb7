"""Pictures that are encoded here: masked, shown to the watcher, encoded - in this order, at one place. Imports PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import av
from av.video.reformatter import VideoReformatter

from edge.capture.encoder import Quality, open_encoder
from edge.capture.luma import Pace, Shrinker
from edge.capture.source import Picture
from edge.capture.timestamps import Unit
from edge.messages.stream import CameraSettings

if TYPE_CHECKING:
    from edge.capture.privacy import Masks


def masks_of(settings: CameraSettings) -> Masks | None:
    """What is burnt into this camera's pictures; None where nothing is. Raises ConfigError for a polygon that is no mask."""
    if not settings.masks:
        return None
    from edge.capture.privacy import Masks

    return Masks(settings.masks)


class Darkroom:
    """Decoded pictures of any size in, luma pictures and access units of one size out. One thread."""

    def __init__(self, settings: CameraSettings, width: int, height: int, fps: float, *, watched: bool) -> None:
        """Pictures are scaled to width x height, rounded down to even numbers. watched: with luma pictures, where there is a window.
        Raises ConfigError for masks or an encoder that cannot be had."""
        quality = Quality(width & ~1, height & ~1, fps, settings.bitrate_kbps, settings.gop_s, settings.preset)
        self.encoder = open_encoder(settings.encoder, quality)
        self.width, self.height = quality.width, quality.height
        self._masks = masks_of(settings)
        self.masks_sha256 = self._masks.sha256 if self._masks is not None else ""
        self._pace = Pace(settings.luma_fps) if watched and settings.luma_path else None
        self._shrinker = Shrinker(settings.luma_width, settings.luma_height)
        self._scaler = VideoReformatter()
        self._numbers = count()
        self._times: dict[int, tuple[int, int]] = {}

    def take(self, frame: av.VideoFrame, media_ns: int, boot_ns: int) -> Iterator[Picture | Unit]:
        """What comes of a picture shown at media_ns and taken at boot_ns (CLOCK_BOOTTIME): units are in the order of their pictures, with
        dts = pts and arrival_ns = boot_ns. The frame is masked in place. Raises ConfigError, before anything comes, where it cannot be."""
        if self._masks is not None:
            self._masks.burn(frame)
        if self._pace is not None and self._pace.due(boot_ns):
            yield self._shrinker.shrink(frame, boot_ns)
        number = next(self._numbers)
        self._times[number] = media_ns, boot_ns
        for unit in self.encoder.encode(self._scaler.reformat(frame, self.width, self.height, "yuv420p"), number):
            shown_ns, taken_ns = self._times.pop(unit.number)
            yield Unit(shown_ns, shown_ns, taken_ns, unit.key, True, unit.data)
