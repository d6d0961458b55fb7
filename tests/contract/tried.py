"""What plays the camera in the contract of all sources, and whether a real one ever did: docs/hardware.md is made from it."""

from __future__ import annotations

from dataclasses import dataclass

NEVER = "never"


@dataclass(frozen=True)
class Tried:
    """rig: as in test_sources.RIGS."""

    rig: str
    adapter: str
    played_by: str
    real: str = NEVER


_SERVER = "gst-rtsp-server on loopback"
TRIED = (
    Tried("synthetic", "capture/synthetic.py", "itself", "it is one"),
    Tried("file h264", "capture/file.py", "an MP4 file made by PyAV", "it is one"),
    Tried("file h265", "capture/file.py", "an MP4 file made by PyAV", "it is one"),
    Tried("file b-frames", "capture/file.py", "an MP4 file made by PyAV", "it is one"),
    Tried("file transcoded", "capture/transcode.py", "an MP4 file made by PyAV", "it is one"),
    Tried("rtsp h264", "capture/rtsp.py", _SERVER),
    Tried("rtsp h265", "capture/rtsp.py", _SERVER),
    Tried("rtsp b-frames", "capture/rtsp.py", _SERVER),
    Tried("rtsp udp h264", "capture/rtp_ports.py", _SERVER),
    Tried("rtsp udp h265", "capture/rtp_ports.py", _SERVER),
    Tried("rtsp libav h264", "capture/rtsp_libav.py", _SERVER),
    Tried("rtsp libav h265", "capture/rtsp_libav.py", _SERVER),
    Tried("gst", "capture/gst.py", "the real GStreamer, videotestsrc, libx264"),
    Tried("gst x264enc", "capture/gst.py", "the real GStreamer, videotestsrc, x264enc behind the port"),
    Tried("picamera2", "capture/picamera.py", "the real picamera2 0.3 over libcamera 0.7's virtual cameras (tests/rig)"),
    Tried(
        "v4l2", "capture/v4l2.py", "vivid, the kernel's V4L2 test driver, in a virtual machine (make vm); /dev/video0 where there is one"
    ),
)
