"""The agent and its receiver are killed in the middle of one transfer (two hundred times: tests/soak)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mosquitto import mosquitto_path
from tests.support.upload_kills import assert_equal, transfer_in_spite_of_kills

KILLS = 6


@pytest.mark.timeout(120)
def test_a_transfer_survives_its_agent_and_its_receiver(tmp_path: Path) -> None:
    mosquitto_path()
    survived = transfer_in_spite_of_kills(tmp_path, KILLS, size=6_000_000, seed=3)
    assert_equal(survived)
    assert set(survived.killed) == {"agent", "receiver"}
