"""What a capture worker hands to its recorder: stream, access units, luma picture facts, heartbeats."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Codec = Literal["h264", "h265"]


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker needs to know of its camera: sent to it as its first message, never on the command line (credentials)."""

    id: str
    source: str
    width: int = 1280
    height: int = 720
    fps: float = 25.0
    bitrate_kbps: int = 4000
    gop_s: float = 1.0
    encoder: str = "auto"
    preset: str = "ultrafast"
    luma_source: str = ""
    luma_width: int = 320
    luma_height: int = 180
    luma_fps: float = 6.0
    luma_path: str = ""
    """Shared-memory file for the luma window; empty: no window."""
    masks: list[list[tuple[float, float]]] = []
    """Privacy masks to be burnt in: corners in 0..1 from the top left. None go to a camera that masks by itself."""
    transcode: bool = False
    """Decode what the camera encoded and encode it here."""
    options: dict[str, Any] = {}
    """Adapter's own options ([camera.options]), e.g. speed, loop, seed, night."""


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Opens an epoch. `parameter_sets`: Annex-B bytes of VPS/SPS/PPS as first seen. `sensor_time`: boot_ns of packets is from
    the sensor (True) or from arrival (False)."""

    epoch: int
    codec: Codec
    width: int
    height: int
    fps: float | None
    parameter_sets: bytes
    sensor_time: bool
    source_name: str
    """What recorded it, without credentials, e.g. "synthetic 1280x720 libx264 ultrafast"."""
    masks_sha256: str = ""
    """Of the masks that the source burns into each picture; "" for none. What was asked for and is not here must not be recorded."""


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """One access unit in Annex-B form; parameter sets stand in front of each key frame (IDR).

    pts_ns/dts_ns: media time of the epoch, dts strictly increasing, pts >= dts. duration_ns: nominal, 0 where unknown.
    boot_ns: CLOCK_BOOTTIME of the picture (sensor time, else arrival). seq: counts from 0 per epoch, no holes.
    """

    epoch: int
    seq: int
    key: bool
    pts_ns: int
    dts_ns: int
    duration_ns: int
    boot_ns: int
    data: bytes


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Once a second while the worker's loop turns."""

    epoch: int
    boot_ns: int
    pictures: int
    packets: int
    dropped: int
    note: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's last words before it ends (or a thing worth telling). kind: a word from GapReason."""

    kind: str
    text: str
