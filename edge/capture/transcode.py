"""A camera that encodes by itself, decoded, masked and encoded here: `transcode` of network cameras, around whichever client talks to them.

Costs what decoding and encoding cost (about a CPU core at 1080p25 on a small board); where the camera can mask, that is better. Media time
is the time of showing, so a camera's B-frames are put in order. A unit that cannot be decoded is left out and counted in `note`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import av
import msgspec
from av.video.codeccontext import VideoCodecContext

from edge.capture.access import Assembler
from edge.capture.darkroom import Darkroom
from edge.capture.encoder import frame_period_ns
from edge.capture.source import Picture, Source
from edge.capture.timestamps import Unit
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Codec, Packet, StreamInfo

DECODERS: dict[Codec, str] = {"h264": "h264", "h265": "hevc"}
_MOST_WAITING = 64
"""Pictures whose time is remembered while the decoder puts them in order; more than any stream may hold back (16 in H.264 and H.265)."""


def untouched(settings: CameraSettings) -> CameraSettings:
    """For the source whose packets are transcoded: no masks, no window of its own."""
    return msgspec.structs.replace(settings, masks=[], transcode=False, luma_path="", luma_source="")


class TranscodingSource:
    """Keeps the contract of `edge.capture.source` for a source that hands on coded packets. The watcher sees what is decoded for the
    recording."""

    def __init__(self, settings: CameraSettings, camera: Source) -> None:
        """camera: made of `untouched(settings)`. Raises ConfigError where a second stream is asked for the watcher."""
        if settings.luma_source:
            raise ConfigError("transcode shows the watcher the recorded pictures", remedy="leave luma_source out")
        self._settings = settings
        self._camera = camera
        self._watched = settings.options.get("luma", "key") != "off"
        self._fps = settings.fps
        self._codec: Codec = "h264"
        self._decoder: VideoCodecContext | None = None
        self._room: Darkroom | None = None
        self._assembler: Assembler | None = None
        self._boot_ns_of: dict[int, int] = {}
        self._ready: deque[Packet | Picture] = deque()
        self._broken = 0

    @property
    def dropped(self) -> int:
        return self._camera.dropped

    @property
    def note(self) -> str:
        timeline = self._assembler.timeline.note if self._assembler is not None else ""
        broken = f"{self._broken} units not decoded" if self._broken else ""
        return ", ".join(filter(None, (self._camera.note, timeline, broken)))

    def open(self) -> StreamInfo:
        info = self._camera.open()
        self._fps = info.fps or self._settings.fps
        self._codec = info.codec
        self._decoder = _decoder(info.codec)
        room = self._room = Darkroom(self._settings, info.width, info.height, self._fps, watched=self._watched)
        sets = room.encoder.parameter_sets
        self._assembler = Assembler(room.encoder.codec, frame_period_ns(self._fps), sets, _taken, merge=False)
        return msgspec.structs.replace(
            info,
            codec=room.encoder.codec,
            width=room.width,
            height=room.height,
            fps=self._fps,
            parameter_sets=sets,
            source_name=f"{info.source_name} {room.encoder.name}",
            masks_sha256=room.masks_sha256,
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._decoder is None or self._assembler is None:
            raise TryAgain("the camera is not open")
        if not self._ready:
            item = self._camera.read(timeout_s)
            if isinstance(item, Packet):
                self._ready += self._made(self._decoder, self._assembler, item)
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        self._decoder = self._room = None
        self._ready.clear()
        self._camera.close()

    def _made(self, decoder: VideoCodecContext, assembler: Assembler, packet: Packet) -> Iterator[Packet | Picture]:
        for frame in self._decoded(decoder, packet):
            shown_ns = packet.pts_ns if frame.pts is None else frame.pts
            taken_ns = self._boot_ns_of.pop(shown_ns, packet.boot_ns)
            for item in self._room_for(frame).take(frame, shown_ns, taken_ns):
                made = assembler.add(item) if isinstance(item, Unit) else item
                if made is not None:
                    yield made

    def _decoded(self, decoder: VideoCodecContext, packet: Packet) -> list[av.VideoFrame]:
        unit: av.Packet[Any] = av.Packet(packet.data)
        unit.pts, unit.dts = packet.pts_ns, packet.dts_ns
        self._boot_ns_of[packet.pts_ns] = packet.boot_ns
        while len(self._boot_ns_of) > _MOST_WAITING:
            del self._boot_ns_of[next(iter(self._boot_ns_of))]
        try:
            return decoder.decode(unit)
        except av.error.FFmpegError:
            self._broken += 1
            return []

    def _room_for(self, frame: av.VideoFrame) -> Darkroom:
        """The camera's picture may change its size: a new encoder begins with a key frame that brings its own parameter sets."""
        room = self._room
        if room is None or (room.width, room.height) != (frame.width & ~1, frame.height & ~1):
            room = self._room = Darkroom(self._settings, frame.width, frame.height, self._fps, watched=self._watched)
        return room


def _decoder(codec: Codec) -> VideoCodecContext:
    """In one thread: frame threads would hold pictures back."""
    context = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    return context


def _taken(_dts_ns: int, arrival_ns: int) -> int:
    """A unit's arrival is already the time its picture was taken."""
    return arrival_ns
