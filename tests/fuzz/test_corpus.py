"""Seeds and everything fuzzing ever found, replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_no_input_that_was_ever_found_is_too_much(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_seeds_and_survives_their_pieces(target: str) -> None:
    """Cut at each of a few places, and with each of a few bytes changed."""
    seeds = [path for path in FILES if path.parent.name == target]
    assert seeds
    for path in seeds:
        data = path.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 20)):
            TARGETS[target](data[:at])
            TARGETS[target](data[:at] + bytes((data[at] ^ 0x81,)) + data[at + 1 :])


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 200_000
