"""Which adapter a camera's `source` names. Adapters are imported only when one is opened: configuration is checked without PyAV."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from edge.capture.options import text
from edge.capture.source import Source
from edge.errors import ConfigError
from edge.messages.stream import CameraSettings

ADAPTERS = {
    "synthetic": ("edge.capture.synthetic", "SyntheticSource"),
    "file": ("edge.capture.file", "FileSource"),
    "rtsp": ("edge.capture.rtsp", "RtspSource"),
    "rtsps": ("edge.capture.rtsp", "RtspSource"),
    "gst": ("edge.capture.gst", "GstSource"),
    "picamera2": ("edge.capture.picamera", "PicameraSource"),
    "v4l2": ("edge.capture.v4l2", "V4l2Source"),
}
_REMEDY = "use synthetic: | file:PATH | rtsp://HOST/PATH | v4l2:/dev/video0 | picamera2:[ID] | gst:ELEMENT"


def kind_of(source: str) -> str:
    """The word before the colon. Raises ConfigError when no adapter has it; the text itself is not repeated (it may hold a password)."""
    kind = source.partition(":")[0].lower()
    if ":" not in source or kind not in ADAPTERS:
        shown = f" {kind!r}" if kind.isidentifier() and len(kind) < 16 else ""
        raise ConfigError(f"source{shown} is of no known kind", remedy=_REMEDY)
    return kind


def check_source(source: str) -> None:
    """Raises ConfigError, in words for the person who wrote it, where the text cannot name a camera. Opens nothing."""
    kind = kind_of(source)
    rest = source.partition(":")[2]
    if kind in ("rtsp", "rtsps"):
        _check_url(source)
    elif kind == "file" and not rest:
        raise ConfigError("source file: names no file", remedy="use file:PATH")
    elif kind == "v4l2" and not rest.startswith("/dev/"):
        raise ConfigError("source v4l2: names no device", remedy="use v4l2:/dev/video0")
    elif kind == "synthetic" and rest:
        raise ConfigError("source synthetic: takes nothing behind the colon", remedy="its settings are in [camera.options]")


def _check_url(source: str) -> None:
    try:
        parts = urlsplit(source)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError("the source's URL has no valid host or port", remedy="use rtsp://HOST[:PORT]/PATH")


def open_source(settings: CameraSettings) -> Source:
    """The adapter, made but not yet opened. Raises ConfigError as `check_source` does and for options the adapter does not take."""
    check_source(settings.source)
    kind = kind_of(settings.source)
    network = kind in ("rtsp", "rtsps")
    transcoded = network and settings.transcode
    if network and settings.masks and not transcoded:
        raise ConfigError(
            "a network camera encodes its pictures itself: masks cannot be burnt in",
            remedy="use transcode = true or masks_in_camera = true",
        )
    module, name = ADAPTERS[kind]
    if network and text(settings.options, "client", "own", ("own", "libav")) == "libav":
        module, name = "edge.capture.rtsp_libav", "LibavRtspSource"
    try:
        adapter: Any = getattr(import_module(module), name)
        return _transcoded(settings, adapter) if transcoded else cast(Source, adapter(settings))
    except ModuleNotFoundError as missing:
        raise ConfigError(f"a {kind_of(settings.source)} camera needs the Python package {missing.name}") from missing


def _transcoded(settings: CameraSettings, adapter: Any) -> Source:
    from edge.capture.transcode import TranscodingSource, untouched

    return TranscodingSource(settings, adapter(untouched(settings)))
