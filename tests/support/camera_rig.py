"""The camera rig: the real picamera2 over virtual cameras, in a Debian of its own (tests/rig). Built once, kept in .cache/rig."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import cv2

from edge.capture.drawing import Street
from edge.capture.street import Scene, truth
from tests.support.command import ROOT, environment

RIG = ROOT / "tests/rig"
FOLDER = ROOT / ".cache/rig"
PYTHON = RIG / "python"
BUILD_S = 400.0
CAMERAS = ("pole-cam-0", "pole-cam-1", "pole-cam-2")
"""Bars, lines, and a street on which somebody passes every seven seconds."""
STREET = Scene(width=640, height=360, traffic=0.25, seed=33)
STREET_AT = "usr/share/libcamera/pipeline/virtual/street"
EMPTY_S = 4.0
SHOWN = 4
"""Times in a row that libcamera's virtual cameras show each of their pictures."""


@cache
def missing() -> str:
    """Why there can be no rig here; "" when there can."""
    if os.geteuid() != 0:
        return "the camera rig needs root (chroot and mounts of its own)"
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed (apt-get install mmdebstrap)"
    tried = subprocess.run(["unshare", "--mount", "--propagation", "slave", "true"], capture_output=True, text=True, check=False)
    return f"no mounts of its own: {tried.stderr.strip()}" if tried.returncode else ""


@cache
def built() -> Path:
    """The rig's folder; made by whoever comes first, and anew when its recipe has changed."""
    recipe = b"".join(path.read_bytes() for path in (RIG / "build.sh", RIG / "virtual.yaml")) + repr((STREET, SHOWN)).encode()
    key, mark = hashlib.sha256(recipe).hexdigest(), FOLDER.with_name("rig.key")
    FOLDER.parent.mkdir(exist_ok=True)
    with FOLDER.with_name("rig.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != key or not FOLDER.is_dir():
            mark.unlink(missing_ok=True)
            done = subprocess.run([str(RIG / "build.sh"), str(FOLDER)], capture_output=True, text=True, timeout=BUILD_S, check=False)
            assert done.returncode == 0, f"the camera rig cannot be built: {done.stderr[-2000:]}"
            _draw_street(FOLDER / STREET_AT)
            mark.write_text(key)
    return FOLDER


def passage() -> range:
    """Pictures of the street: nobody for EMPTY_S, then somebody until nobody is left."""
    empty, alone = round(EMPTY_S * STREET.fps), 0
    for number in itertools.count():
        someone = bool(truth(number, STREET))
        if someone and alone >= empty:
            end = next(later for later in itertools.count(number) if not truth(later, STREET))
            return range(number - empty, end)
        alone = 0 if someone else alone + 1
    raise AssertionError("a street without end")


def _draw_street(folder: Path) -> None:
    street = Street(STREET)
    folder.mkdir(parents=True)
    for place, number in enumerate(passage()[::SHOWN]):
        picture = cv2.cvtColor(street.draw(number), cv2.COLOR_YUV2BGR_I420)
        assert cv2.imwrite(str(folder / f"{place:04d}.jpg"), picture)


def rig_environment(fault: Path | None = None) -> dict[str, str]:
    """fault: the file through which `faults` is told what to break."""
    more = {"EDGE_RIG_FAULT": str(fault)} if fault is not None else {}
    return {**environment(), "EDGE_RIG": str(built()), "LIBCAMERA_LOG_LEVELS": "*:ERROR", **more}


def rig_python(*words: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PYTHON), *words], env=rig_environment(), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
    )
