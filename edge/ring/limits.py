"""What the configuration says about writing."""

from __future__ import annotations

from dataclasses import dataclass

from edge.ring.segment import Sync


@dataclass(frozen=True, slots=True)
class RingLimits:
    """segment_s: seconds a segment. sync: when fdatasync is called. bitrate_kbps: the forecast until the rate is measured.
    config_sha256, masks_sha256, version: stated in each segment's record, and with masks_in_camera at the start."""

    segment_s: float = 60.0
    sync: Sync = "fragment"
    bitrate_kbps: int = 4000
    config_sha256: str = ""
    masks_sha256: str = ""
    masks_in_camera: bool = False
    version: str = ""
