"""Records the rig's camera with the real recorder, and breaks its camera stack; for tests and the soak run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.clock import monotonic_s
from tests.support import camera_rig
from tests.support.command import edge
from tests.support.node_process import end, records, running, wait_for
from tests.support.nodefile import write_config

NODE = """
[node]
id = "pole-1"
data = "data"
run = "run"

[clock]
trust = "assume"

[ring]
segment_s = 2.0

[[camera]]
id = "cam0"
source = "picamera2:pole-cam-0"
width = 320
height = 180
luma_width = 160
luma_height = 90
stall_s = 1.0
"""
AGAIN_S = 120.0
"""A camera that failed often and starts badly on a busy machine is tried again after a minute."""


@dataclass
class Recorder:
    folder: Path
    process: subprocess.Popen[str]
    fault: Path

    def status(self) -> dict[str, Any]:
        path = self.folder / "run/cam0/status.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def until_recording(self) -> None:
        """With a worker that is whole, for two fragments at least."""
        before = self.fragments()
        wait_for(lambda: self.fragments() > before, self.process, AGAIN_S)
        once = self.fragments()
        wait_for(lambda: self.fragments() > once, self.process, AGAIN_S)

    def fragments(self) -> int:
        """Bytes of footage on disk."""
        return sum(path.stat().st_size for path in (self.folder / "data/ring/cam0").rglob("*.mp4") if path.exists())

    def gaps(self) -> list[dict[str, Any]]:
        return [record for record in records(self.folder, "gap") if not record["facts"]["open"]]

    def break_camera(self, kind: str) -> dict[str, Any]:
        """The gap that comes of it, once it is over."""
        known = len(self.gaps())
        self.fault.write_text(kind)
        wait_for(lambda: len(self.gaps()) > known, self.process, AGAIN_S)
        assert not self.fault.exists(), "nobody took the fault"
        return dict(self.gaps()[-1]["facts"])


def seconds_of(gap: dict[str, Any]) -> float:
    start, finish = (datetime.fromisoformat(gap[name]) for name in ("start", "end"))
    return (finish - start).total_seconds()


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """Ended in order; then its ring is checked."""
    config = write_config(folder, NODE, "")
    fault = folder / "fault"
    words = ("record", "--camera", "cam0", "--config", str(config))
    with running(*words, worker=camera_rig.PYTHON, env=camera_rig.rig_environment(fault), log=folder / "log") as process:
        recorder = Recorder(folder, process, fault)
        recorder.until_recording()
        begun_s = monotonic_s()
        yield recorder
        assert monotonic_s() > begun_s
        end(process)
    checked = edge("ring", "check", "--deep", "--config", config)
    assert checked.code == 0, checked.out + checked.err
