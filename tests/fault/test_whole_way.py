"""The whole way as a person sees it: `edge demo` with a real RTSP camera, its uplink cut in the middle of the upload."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import rtsp_camera
from tests.support.mosquitto import mosquitto_path
from tests.support.video import encode

KEYS = [
    "segments",
    "gaps",
    "events_published",
    "events_received",
    "events_lost",
    "clip_sha256_sent",
    "clip_sha256_received",
    "resumes",
    "first_byte_ms",
    "done_ms",
    "ring_check",
    "verdict",
]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_camera_to_verified_clip_through_a_cut_uplink(tmp_path: Path) -> None:
    mosquitto_path()
    if reason := rtsp_camera.missing():
        pytest.skip(reason)
    film = encode(frames=200, fps=25, gop=25, width=640, height=360, bitrate_kbps=1500)
    with rtsp_camera.RtspCamera(film) as camera:
        command = [
            sys.executable,
            "-m",
            "edge",
            "demo",
            "--seconds",
            "30",
            "--json",
            "--source",
            camera.url,
            "--dir",
            str(tmp_path / "demo"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert list(summary) == KEYS
    assert summary["events_lost"] == 0
    assert summary["events_received"] > 0
    assert summary["clip_sha256_sent"] == summary["clip_sha256_received"] != ""
    assert summary["resumes"] >= 1
    assert summary["ring_check"] == "ok"
    assert summary["verdict"] == "AUTHENTIC"
    assert left_running(tmp_path) == []


def left_running(folder: Path) -> list[str]:
    """Command lines that name the demo's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder / "demo") in words:
            found.append(words)
    return found
