"""A watcher that takes too much CPU looks at fewer pictures, says so where health reads it, and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from edge.config.model import Watch
from edge.messages.status import WatchStatus
from tests.fault.test_tampered import Pole
from tests.support.tampering import Picture
from tests.unit.watch.test_tamper import FPS

BUSY_S = 0.01


def busy(picture: Picture, part: float) -> Picture:
    """Takes CPU of this process."""
    until_s = time.process_time() + BUSY_S
    while time.process_time() < until_s:
        pass
    return picture


def told(pole: Pole) -> WatchStatus:
    return msgspec.json.decode((pole.folders.run("cam0") / "watch.json").read_bytes(), type=WatchStatus)


def test_fewer_pictures_are_looked_at_while_cpu_is_short_and_all_of_them_later(tmp_path: Path) -> None:
    pole = Pole(tmp_path)
    pole.watcher = pole.started(Watch(cpu_percent=3.0))
    pole.show(11)
    assert told(pole).every == 1
    assert abs(told(pole).looked_fps - FPS) < 0.5
    pole.show(31, busy)
    slow = told(pole)
    assert slow.cpu_percent > 3.0, f"{100 * BUSY_S * FPS:.0f} % of the street's seconds are burnt"
    assert slow.every == 4
    assert abs(slow.offered_fps - FPS) < 0.5
    assert abs(slow.looked_fps - FPS / 4) < 0.5
    pole.show(41)
    assert told(pole).every == 1
