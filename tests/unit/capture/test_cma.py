"""Memory for camera buffers, as a Pi's kernel tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.capture.cma import cma_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MemTotal:        3884240 kB\nCmaTotal:         327680 kB\nCmaFree:          184320 kB\n", "CMA: 180 of 320 MB free"),
        ("MemTotal: 1 kB\nCmaTotal:              0 kB\nCmaFree:               0 kB\n", "CMA: none on this machine"),
        ("MemTotal: 1 kB\n", "CMA: none on this machine"),
    ],
)
def test_what_is_free_is_told_in_megabytes(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert cma_text(tmp_path / "meminfo") == words
