"""Holds against the sweep for a long time: EDGE_SOAK_MINUTES, 30 if not set, with another seed each minute."""

from __future__ import annotations

import os
from pathlib import Path

from edge.clock import monotonic_s
from tests.support.hold_race import hold_race

MINUTES = float(os.environ.get("EDGE_SOAK_MINUTES", "30"))
HOLDS_EACH = 50


def test_no_held_footage_is_lost_however_often_it_is_tried(tmp_path: Path) -> None:
    ends_s, seed, attempts = monotonic_s() + 60 * MINUTES, 0, 0
    while monotonic_s() < ends_s:
        seed += 1
        with hold_race(tmp_path / f"{seed}" / "data", seed) as race:
            minute_s = min(ends_s, monotonic_s() + 60)
            while monotonic_s() < minute_s:
                race.batch(HOLDS_EACH)
            race.check()
        attempts += race.attempts
    assert attempts > 1000 * MINUTES
