"""A large ring's decommissioning, killed as often as it lets itself be."""

from __future__ import annotations

from pathlib import Path

from tests.support.killed_wipe import wiped_in_spite_of_kills


def test_a_large_ring_goes_in_spite_of_many_kills(tmp_path: Path) -> None:
    assert wiped_in_spite_of_kills(tmp_path, segments=1500) > 1
