"""GStreamer through its introspection (Debian: python3-gi, gir1.2-gstreamer-1.0; on a Jetson with JetPack): started once a process."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

from edge.errors import ConfigError, EdgeError, TryAgain  # noqa: E402

Gst.init(None)

__all__ = ["GLib", "Gst", "has", "make_pipeline", "trouble_of"]


def has(element: str) -> bool:
    return Gst.ElementFactory.find(element) is not None


def make_pipeline(words: str) -> Any:
    """As gst-launch-1.0(1) takes it. Raises ConfigError."""
    try:
        return Gst.parse_launch(words)
    except GLib.Error as error:
        raise ConfigError(f"GStreamer cannot build the pipeline: {error.message}", remedy="install the plug-in it names") from error


def trouble_of(pipeline: Any, who: str) -> EdgeError | None:
    """What the pipeline's bus tells, once; None where nothing is wrong. What can pass is TryAgain."""
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.EOS)
    if message is None:
        return None
    if message.type == Gst.MessageType.EOS:
        return TryAgain(f"{who} ended")
    error, debug = message.parse_error()
    where = f" ({debug.splitlines()[-1].strip()})" if debug else ""
    text = f"{who}: {error.message}{where}"
    if error.domain == "gst-stream-error-quark" and "not-negotiated" in (debug or ""):
        return ConfigError(f"{text}: no such size or frame rate", remedy="set width, height and fps to what the camera has")
    if error.domain == "gst-core-error-quark":
        return ConfigError(text)
    return TryAgain(text)
