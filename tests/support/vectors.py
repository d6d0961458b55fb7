"""ONVIF's signed samples: they are not part of this repository and lie beside it, or where EDGE_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.messages.stream import Codec

SHARED = Path(os.environ.get("EDGE_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
ONVIF = SHARED / "vectors" / "onvif"
CODECS: tuple[Codec, ...] = ("h264", "h265")

needs_onvif = pytest.mark.skipif(not ONVIF.is_dir(), reason=f"ONVIF's samples are not at {ONVIF} (set EDGE_SHARED)")


def onvif_sample(codec: Codec) -> bytes:
    """A flat MP4: five GOPs, the SEI of each in the access unit behind the next IDR, the last one's in an access unit of its own."""
    return (ONVIF / f"test_signed_{codec}.mp4").read_bytes()


def onvif_root() -> bytes:
    return (ONVIF / "ca.pem").read_bytes()
