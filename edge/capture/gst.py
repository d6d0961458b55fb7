"""Cameras through GStreamer: a Jetson's CSI cameras, libcamera, V4L2. GStreamer gives pictures, in memory that can be masked; from there on
they go the way of all pictures that are encoded here.

source: gst:ELEMENT, one of edge.config.sources.GST_ELEMENTS. Options ([camera.options]): sensor (number, nvarguscamerasrc), device
(v4l2src), camera (name, libcamerasrc), pattern (videotestsrc), flip (nvarguscamerasrc: 0-7, as nvvidconv's flip-method).
"""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import Any

import av
import numpy as np

from edge.capture.access import Assembler
from edge.capture.darkroom import Darkroom
from edge.capture.encoder import frame_period_ns
from edge.capture.gst_start import Gst, make_pipeline, trouble_of
from edge.capture.options import number, only, text
from edge.capture.pump import Pump
from edge.capture.source import Picture
from edge.capture.timestamps import Unit
from edge.capture.v4l2 import taken_ns
from edge.clock import NS_PER_MS, NS_PER_S
from edge.config.sources import GST_ELEMENTS
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

log = logging.getLogger(__name__)

FIRST_KEY_S = 8.0
CLOSE_S = 1.5
PULL_NS = 200 * NS_PER_MS
_NS = Fraction(1, NS_PER_S)
_OPTIONS = ("sensor", "device", "camera", "pattern", "flip")


class GstSource:
    def __init__(self, settings: CameraSettings) -> None:
        only(settings.options, _OPTIONS, "gst")
        self._settings = settings
        self._element = settings.source.partition(":")[2]
        if settings.width % 4 or settings.height % 2:
            raise ConfigError(f"a gst camera of {settings.width}x{settings.height}", remedy="use a width that 4 divides, an even height")
        self._pipeline: Any = None
        self._assembler: Assembler | None = None
        self._pump: Pump | None = None
        self._first: Packet | None = None

    @property
    def dropped(self) -> int:
        return self._pump.dropped if self._pump is not None else 0

    @property
    def note(self) -> str:
        return self._assembler.timeline.note if self._assembler is not None else ""

    def open(self) -> StreamInfo:
        settings = self._settings
        room = Darkroom(settings, settings.width, settings.height, settings.fps, watched=True)
        encoder = room.encoder
        assembler = self._assembler = Assembler(encoder.codec, frame_period_ns(settings.fps), encoder.parameter_sets, _taken, merge=False)
        pipeline = self._pipeline = make_pipeline(words_of(settings, self._element))
        pump = self._pump = Pump("gst", lambda pump: self._receive(pipeline, room, assembler, pump))
        pipeline.set_state(Gst.State.PLAYING)
        pump.start()
        self._first = pump.first_packet(FIRST_KEY_S, self._element)
        return StreamInfo(
            epoch=0,
            codec=encoder.codec,
            width=settings.width,
            height=settings.height,
            fps=settings.fps,
            parameter_sets=encoder.parameter_sets,
            sensor_time=True,
            source_name=f"gst {self._element} {settings.width}x{settings.height} {encoder.name}",
            masks_sha256=room.masks_sha256,
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._first is not None:
            packet, self._first = self._first, None
            return packet
        if self._pump is None:
            raise TryAgain(f"{self._element} is not open")
        return self._pump.get(timeout_s)

    def close(self) -> None:
        """A Jetson's camera that is not let go in order may not open again before a reboot: the pipeline is always stopped first."""
        pump, self._pump, self._first = self._pump, None, None
        if pump is not None and not pump.close(CLOSE_S):
            log.warning("camera %s: GStreamer does not let go", self._settings.id)
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.set_state(Gst.State.NULL)

    def _receive(self, pipeline: Any, room: Darkroom, assembler: Assembler, pump: Pump) -> None:
        """The pump's work."""
        sink = pipeline.get_by_name("pictures")
        while not pump.stopping.is_set():
            sample = sink.emit("try-pull-sample", PULL_NS)
            if sample is None:
                trouble = trouble_of(pipeline, self._element)
                if trouble is not None:
                    raise trouble
                continue
            at_ns = _at_ns(pipeline, sample)
            for item in room.take(self._frame(sample.get_buffer()), at_ns, at_ns):
                made = assembler.add(item) if isinstance(item, Unit) else item
                if made is not None:
                    pump.put(made)

    def _frame(self, buffer: Any) -> av.VideoFrame:
        """A copy, as NV12. Raises ConfigError for memory of another layout."""
        width, height = self._settings.width, self._settings.height
        size = width * height * 3 // 2
        if buffer.get_size() != size:
            raise ConfigError(f"{self._element} gives pictures of {buffer.get_size()} bytes instead of {size}")
        rows = np.frombuffer(buffer.extract_dup(0, size), np.uint8).reshape(-1, width)
        return av.VideoFrame.from_ndarray(rows, format="nv12")


def words_of(settings: CameraSettings, element: str) -> str:
    """The pipeline, as gst-launch-1.0(1) takes it. Raises ConfigError."""
    options = settings.options
    size = f"width={settings.width},height={settings.height},framerate={round(settings.fps * 1000)}/1000"
    sink = "appsink name=pictures max-buffers=2 drop=true sync=false"
    into = f"video/x-raw,format=NV12 ! {sink}"
    if element == "nvarguscamerasrc":
        sensor, flip = int(number(options, "sensor", 0, 0, 15)), int(number(options, "flip", 0, 0, 7))
        return f"nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),format=NV12,{size} ! nvvidconv flip-method={flip} ! {into}"
    if element == "libcamerasrc":
        name = text(options, "camera", "")
        return f"libcamerasrc{f' camera-name={_quoted(name)}' if name else ''} ! video/x-raw,{size} ! videoconvert ! {into}"
    if element == "v4l2src":
        device = text(options, "device", "/dev/video0")
        return f"v4l2src name=camera device={_quoted(device)} ! video/x-raw,{size} ! videoconvert ! {into}"
    if element == "videotestsrc":
        pattern = text(options, "pattern", "smpte", ("smpte", "ball", "snow", "black"))
        return f"videotestsrc is-live=true do-timestamp=true pattern={pattern} ! videoconvert ! video/x-raw,format=NV12,{size} ! {sink}"
    raise ConfigError(f"source gst: there is no {element[:40]!r}", remedy=f"use one of: {', '.join(GST_ELEMENTS)}")


def _quoted(word: str) -> str:
    """As one word of a pipeline's description."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _at_ns(pipeline: Any, sample: Any) -> int:
    """CLOCK_BOOTTIME of a picture: its running time on the pipeline's clock, which is CLOCK_MONOTONIC."""
    running_ns = sample.get_segment().to_running_time(Gst.Format.TIME, sample.get_buffer().pts)
    return taken_ns(pipeline.get_base_time() + running_ns, _NS)


def _taken(_dts_ns: int, arrival_ns: int) -> int:
    return arrival_ns
