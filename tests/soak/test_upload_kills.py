"""One transfer, its sender and its receiver killed two hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.upload_kills import assert_equal, transfer_in_spite_of_kills

KILLS = 200
SIZE = 64_000_000


@pytest.mark.timeout(1800)
def test_two_hundred_kills_in_one_transfer_cost_no_byte(tmp_path: Path) -> None:
    survived = transfer_in_spite_of_kills(tmp_path, KILLS, SIZE, seed=20261126)
    assert_equal(survived)
    assert min(survived.killed.values()) >= KILLS // 4
    print(f"killed {dict(survived.killed)}; {survived.up_bytes / SIZE:.3f} x the footage came over the link")
