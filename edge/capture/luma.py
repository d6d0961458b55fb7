"""Small luma pictures for the watcher, from frames or from coded video. Imports PyAV, not numpy."""

from __future__ import annotations

from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter

from edge.capture.source import Picture
from edge.clock import NS_PER_S
from edge.messages.stream import Codec, Packet

_DECODERS = {"h264": "h264", "h265": "hevc"}
_ONE_THREAD: dict[str, Any] = {"threads": 1} if "int threads" in (VideoReformatter.reformat.__doc__ or "") else {}
"""A thread pool for a 320x180 picture costs more than it saves; older PyAV has none and takes no such argument."""
_SHORT_CUTS = {"skip_loop_filter": "all", "flags2": "+fast"}
"""A quarter less time; no following picture inherits the difference, and a small one does not show it."""
_EARLY = 0.9
"""A picture that is due within a tenth of a period is taken: time stamps jitter."""


class Pace:
    """At most `fps` pictures a second."""

    def __init__(self, fps: float) -> None:
        self._period_ns = round(NS_PER_S / fps)
        self._last_ns: int | None = None

    def due(self, boot_ns: int) -> bool:
        """Whether a picture of that time is wanted; True counts it as taken."""
        if self._last_ns is not None and boot_ns - self._last_ns < self._period_ns * _EARLY:
            return False
        self._last_ns = boot_ns
        return True


class Shrinker:
    """Frames of any format and size -> luma pictures of one size."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._scaler = VideoReformatter()

    def shrink(self, frame: av.VideoFrame, boot_ns: int) -> Picture:
        grey = self._scaler.reformat(frame, self._width, self._height, "gray8", interpolation=Interpolation.AREA, **_ONE_THREAD)
        plane = grey.planes[0]
        rows = memoryview(plane)
        stride = plane.line_size
        if stride == self._width:
            luma = bytes(rows[: self._width * self._height])
        else:
            luma = b"".join(rows[row * stride : row * stride + self._width] for row in range(self._height))
        return Picture(boot_ns, self._width, self._height, luma)


class LumaTap:
    """Decodes a coded stream as far as pictures are wanted: key frames only (cheap, one picture per GOP) or everything.

    A decoder that cannot read a unit skips it: motion detection is not worth a gap in the recording. `skipped` counts."""

    def __init__(self, codec: Codec, width: int, height: int, fps: float, *, keys_only: bool) -> None:
        context = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        if keys_only:
            context.skip_frame = "NONKEY"
            context.options = _SHORT_CUTS
        self._decoder = context
        self._keys_only = keys_only
        self._pace = Pace(fps)
        self._shrinker = Shrinker(width, height)
        self.skipped = 0

    def feed(self, packet: Packet) -> Picture | None:
        if self._keys_only and not (packet.key and self._pace.due(packet.boot_ns)):
            return None
        unit: av.Packet[Any] = av.Packet(packet.data)
        unit.pts = unit.dts = packet.boot_ns
        try:
            frames = self._decoder.decode(unit)
        except av.error.FFmpegError:
            self.skipped += 1
            return None
        if self._keys_only and not frames:
            frames = self._drained()
        wanted = [frame for frame in frames if self._keys_only or self._pace.due(frame.pts or packet.boot_ns)]
        return self._shrinker.shrink(wanted[-1], wanted[-1].pts or packet.boot_ns) if wanted else None

    def _drained(self) -> list[av.VideoFrame]:
        """A decoder that waits for the next picture gives a key frame at once when told that nothing follows."""
        try:
            frames = self._decoder.decode(None)
        except av.error.FFmpegError:
            self.skipped += 1
            frames = []
        self._decoder.flush_buffers()
        return frames
