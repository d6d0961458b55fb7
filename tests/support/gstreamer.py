"""GStreamer's Python binding from the distribution, for this Python too where both are of one version."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

from tests.support.command import ROOT

PYTHON = "/usr/bin/python3"
LINKS = ROOT / ".cache/gi"
_WHERE = "import gi, sys; print(sys.version_info[:2] == tuple(map(int, sys.argv[1:])), gi.__path__[0])"


@cache
def missing() -> str:
    """Why `gi` cannot be imported here; "" when it can, from then on by this process and its children."""
    if importlib.util.find_spec("gi") is not None:
        return ""
    if not Path(PYTHON).exists():
        return f"{PYTHON} is missing"
    version = [str(part) for part in sys.version_info[:2]]
    asked = subprocess.run([PYTHON, "-c", _WHERE, *version], capture_output=True, text=True, check=False, timeout=60)
    if asked.returncode != 0:
        return "python3-gi is missing"
    same, where = asked.stdout.split()
    if same != "True":
        return f"python3-gi is of another Python than {'.'.join(version)}"
    LINKS.mkdir(parents=True, exist_ok=True)
    fresh = LINKS / f"gi.{os.getpid()}"
    fresh.symlink_to(where)
    fresh.replace(LINKS / "gi")
    sys.path.append(str(LINKS))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", str(ROOT)), str(LINKS)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # gi's importer is of an older kind than this Python wants
        importlib.import_module("edge.capture.gst_start")
    return ""
