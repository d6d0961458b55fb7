"""The camera rig: the real picamera2 over virtual cameras, in a Debian of its own (tests/rig). Built once, kept in .cache/rig."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.command import ROOT, environment

RIG = ROOT / "tests/rig"
FOLDER = ROOT / ".cache/rig"
PYTHON = RIG / "python"
BUILD_S = 400.0
CAMERAS = ("pole-cam-0", "pole-cam-1")


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
    recipe = b"".join(path.read_bytes() for path in (RIG / "build.sh", RIG / "virtual.yaml"))
    key, mark = hashlib.sha256(recipe).hexdigest(), FOLDER.with_name("rig.key")
    FOLDER.parent.mkdir(exist_ok=True)
    with FOLDER.with_name("rig.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != key or not FOLDER.is_dir():
            mark.unlink(missing_ok=True)
            done = subprocess.run([str(RIG / "build.sh"), str(FOLDER)], capture_output=True, text=True, timeout=BUILD_S, check=False)
            assert done.returncode == 0, f"the camera rig cannot be built: {done.stderr[-2000:]}"
            mark.write_text(key)
    return FOLDER


def rig_environment(fault: Path | None = None) -> dict[str, str]:
    """fault: the file through which `faults` is told what to break."""
    more = {"EDGE_RIG_FAULT": str(fault)} if fault is not None else {}
    return {**environment(), "EDGE_RIG": str(built()), "LIBCAMERA_LOG_LEVELS": "*:ERROR", **more}


def rig_python(*words: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PYTHON), *words], env=rig_environment(), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
    )
