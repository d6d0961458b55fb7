"""Two hundred faults of a camera stack in a row, in the real picamera2: one recorder, every gap explained."""

from __future__ import annotations

import random
import statistics
from pathlib import Path

import pytest

from tests.rig.shims.faults import KINDS
from tests.support import camera_rig
from tests.support.camera_faults import recording, seconds_of

FAULTS = 200
MEDIAN_S = 3.0


@pytest.mark.skipif(bool(camera_rig.missing()), reason=camera_rig.missing() or "-")
@pytest.mark.timeout(3600)
def test_two_hundred_faults_in_a_row_never_restart_the_recorder_and_every_gap_says_why(tmp_path: Path) -> None:
    chance = random.Random(20261127)
    lost_s = []
    with recording(tmp_path) as recorder:
        for _ in range(FAULTS):
            gap = recorder.break_camera(chance.choice(KINDS))
            assert gap["reason"] in ("camera_stalled", "camera_died"), gap
            assert gap["text"], gap
            lost_s.append(seconds_of(gap))
            recorder.until_recording()
            assert recorder.process.poll() is None
        gaps = recorder.gaps()
    assert len(gaps) >= FAULTS
    assert all(gap["facts"]["reason"] in ("camera_stalled", "camera_died") and gap["facts"]["text"] for gap in gaps)
    print(f"{len(gaps) - FAULTS} gaps more than faults: a busy machine")
    lost_s.sort()
    print(f"{FAULTS} faults: median {statistics.median(lost_s):.2f} s, p95 {lost_s[FAULTS * 95 // 100]:.2f} s, worst {lost_s[-1]:.2f} s")
    assert statistics.median(lost_s) <= MEDIAN_S
