"""The `source` words of a camera: which kinds there are and what must stand behind the colon."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

KINDS = ("synthetic", "file", "rtsp", "rtsps", "v4l2", "picamera2", "gst")
GST_ELEMENTS = ("nvarguscamerasrc", "libcamerasrc", "v4l2src", "videotestsrc")
NETWORK = ("rtsp", "rtsps")
KNOWN_TEXT = "synthetic: | file:PATH | rtsp://HOST/PATH | v4l2:/dev/video0 | picamera2:[ID] | gst:ELEMENT"


def kind_of(source: str) -> str:
    """The word before the first colon, "" where there is none."""
    return source.partition(":")[0] if ":" in source else ""


def source_fault(source: str) -> str | None:
    """What is wrong with a source, in words; None when its form is right. Nothing is opened."""
    kind, rest = kind_of(source), source.partition(":")[2]
    if kind not in KINDS:
        return f'"{source[:60]}" is not a known kind of source; allowed {KNOWN_TEXT}'
    if kind == "file" and not rest:
        return "names no file: write file:PATH"
    if kind == "v4l2" and not rest.startswith("/"):
        return "names no device: write v4l2:/dev/video0"
    if kind == "gst" and rest not in GST_ELEMENTS:
        return f"names no camera element: write gst:{GST_ELEMENTS[0]} or one of {', '.join(GST_ELEMENTS[1:])}"
    return _url_fault(source) if kind in NETWORK else None


def _url_fault(source: str) -> str | None:
    try:
        parts = urlsplit(source)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    if not host:
        return "names no host: write rtsp://HOST/PATH"
    if parts.username is not None or parts.password is not None:
        return "has a user or password in it: put them into the file named by `secrets`"
    return None


def absolute_source(source: str, folder: Path) -> str:
    """file:PATH with PATH below `folder` where it is relative; other sources unchanged."""
    return f"file:{folder / source[5:]}" if source.startswith("file:") else source
