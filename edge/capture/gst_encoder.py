"""Encoders of GStreamer behind the port: the NVENC of a Jetson, stateful V4L2 encoders, x264enc. Imports gi.

Each is tried with one black picture when it is made: an element that is there may still have no hardware (Orin Nano), and the parameter
sets are then known before the first picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.encoder import Encoded, Quality
from edge.capture.gst_start import Gst, has, make_pipeline, trouble_of
from edge.clock import NS_PER_S
from edge.errors import ConfigError
from edge.messages.stream import Codec

DELIMITER: dict[Codec, int] = {"h264": 9, "h265": 35}
TRIAL_NS = 3 * NS_PER_S
_FLUSH_NS = NS_PER_S


@dataclass(frozen=True, slots=True)
class _Kind:
    """words: of the element, with what it is asked for. before: what brings a picture into its memory."""

    element: str
    codec: Codec
    words: str
    before: str = ""


_NVMM = "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! "
_NV_WORDS = (
    "insert-sps-pps=1 insert-vui=1 idrinterval={gop} iframeinterval={gop} num-B-Frames=0 control-rate=1 bitrate={bps} maxperf-enable=1"
)
KINDS = {
    "nvenc": _Kind("nvv4l2h264enc", "h264", _NV_WORDS, _NVMM),
    "nvenc-h265": _Kind("nvv4l2h265enc", "h265", _NV_WORDS, _NVMM),
    "gst-v4l2": _Kind(
        "v4l2h264enc", "h264", 'extra-controls="controls,video_bitrate={bps},h264_i_frame_period={gop},repeat_sequence_header=1"'
    ),
    "gst-x264": _Kind(
        "x264enc",
        "h264",
        "tune=zerolatency speed-preset=ultrafast key-int-max={gop} bframes=0 bitrate={kbps} vbv-buf-capacity=1000 threads=1 "
        "option-string=scenecut=0:open-gop=0:min-keyint={gop}",
    ),
}
"""control-rate 1: constant. All have closed GOPs of a fixed length, no B-frames and parameter sets in front of each key frame."""


class GstEncoder:
    """As encoder.Encoder. One thread."""

    def __init__(self, name: str, quality: Quality) -> None:
        """name: one of KINDS. Raises ConfigError where this machine has no such encoder, or one that does not work."""
        kind = KINDS[name]
        self.codec: Codec = kind.codec
        self.name = kind.element
        if not has(kind.element):
            raise ConfigError(f"this machine's GStreamer has no {kind.element}", remedy='use encoder = "auto" or "libx264"')
        self._quality = quality
        self._period_ns = round(NS_PER_S / quality.fps)
        self._words = _words(kind, quality)
        self._pipeline: Any = None
        self._start()
        self.parameter_sets = self._tried()
        self._start()

    def encode(self, frame: av.VideoFrame, number: int) -> list[Encoded]:
        self._push(frame, number)
        return self._pulled(0)

    def flush(self) -> list[Encoded]:
        self._source.emit("end-of-stream")
        found = self._pulled(_FLUSH_NS)
        self._pipeline.set_state(Gst.State.NULL)
        return found

    def _start(self) -> None:
        if self._pipeline is not None:
            self._pipeline.set_state(Gst.State.NULL)
        self._pipeline = make_pipeline(self._words)
        self._source = self._pipeline.get_by_name("pictures")
        self._sink = self._pipeline.get_by_name("units")
        self._pipeline.set_state(Gst.State.PLAYING)

    def _tried(self) -> bytes:
        """The parameter sets. Raises ConfigError."""
        black = av.VideoFrame(self._quality.width, self._quality.height, "yuv420p")
        for plane, level in zip(black.planes, (16, 128, 128), strict=True):
            plane.update(bytes([level]) * plane.buffer_size)
        self._push(black, 0)
        self._source.emit("end-of-stream")
        units = self._pulled(TRIAL_NS)
        sets = parameter_sets(self.codec, nal.split(units[0].data)) if units else None
        if sets is None:
            trouble = trouble_of(self._pipeline, self.name)
            raise ConfigError(f"{self.name} is there but encodes nothing: {trouble or 'no answer'}", remedy='use encoder = "libx264"')
        return sets.annexb()

    def _push(self, frame: av.VideoFrame, number: int) -> None:
        """Raises what is wrong with the pipeline."""
        buffer = Gst.Buffer.new_wrapped(frame.to_ndarray().tobytes())
        buffer.pts, buffer.duration = number * self._period_ns, self._period_ns
        if self._source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            raise trouble_of(self._pipeline, self.name) or ConfigError(f"{self.name} takes no more pictures")

    def _pulled(self, wait_ns: int) -> list[Encoded]:
        """What is ready; with wait_ns all up to the end of the stream, waiting so long for each."""
        found = []
        while (sample := self._sink.emit("try-pull-sample", wait_ns)) is not None:
            buffer = sample.get_buffer()
            key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
            data = _without_delimiter(self.codec, bytes(buffer.extract_dup(0, buffer.get_size())))
            found.append(Encoded(round((buffer.pts - sample.get_segment().start) / self._period_ns), key, data))
        return found


def _without_delimiter(codec: Codec, data: bytes) -> bytes:
    """An access unit without the delimiter that x264enc puts in front of it."""
    first = nal.split(data[:16])[0]
    return data[data.index(nal.START_CODE, 1) :] if nal.nal_type(codec, first) == DELIMITER[codec] else data


def _words(kind: _Kind, quality: Quality) -> str:
    gop = max(1, round(quality.gop_s * quality.fps))
    options = kind.words.format(gop=gop, bps=quality.bitrate_kbps * 1000, kbps=quality.bitrate_kbps)
    rate = f"{round(quality.fps * 1000)}/1000"
    return (
        f"appsrc name=pictures format=time is-live=true "
        f'caps="video/x-raw,format=I420,width={quality.width},height={quality.height},framerate={rate}" ! {kind.before}'
        f"{kind.element} {options} ! {kind.codec}parse config-interval=-1 ! "
        f"video/x-{kind.codec},stream-format=byte-stream,alignment=au ! appsink name=units sync=false"
    )
