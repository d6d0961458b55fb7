"""Holds against the sweep, in two real processes: thousands of tries for the moment in which held footage could be lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.depth import usually
from tests.support.hold_race import hold_race

HOLDS_EACH = 50
BATCHES = usually(10, full=40)
CHECK_EVERY = 10
MEMORY = Path("/dev/shm")


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a file system: syncs cost nothing, so the race is run more often."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY)) if MEMORY.is_dir() else tmp_path
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_hold_that_was_confirmed_never_loses_footage_to_a_sweep(fast_folder: Path) -> None:
    with hold_race(fast_folder / "data", seed=3) as race:
        for number in range(BATCHES):
            race.batch(HOLDS_EACH)
            if number % CHECK_EVERY == 0:
                race.check()
        assert race.attempts >= HOLDS_EACH * BATCHES
        assert race.held > race.attempts / 2, "most asked for something that was still there"
        assert race.waited_for == 5 * BATCHES
