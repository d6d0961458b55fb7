"""The product's verdict on bytes, for tests that ask thousands of times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edge.errors import IntegrityError
from edge.seal.trust import Roots, read_roots
from edge.seal.verify import verify
from tests.support.memory_file import memory_file

UNREADABLE = "UNREADABLE"
"""No verdict: it is no film, or one that cannot be read. `edge verify` says so and ends with 65."""


@dataclass(frozen=True)
class Judged:
    """why: what was found, for the message of a failed test."""

    verdict: str
    exit_code: int
    why: str


@lru_cache
def roots_of(pem: bytes) -> Roots:
    return read_roots(pem)


def judged_bytes(data: bytes, root: bytes) -> Judged:
    with memory_file(data) as path:
        return judged(path, root)


def judged(path: Path, root: bytes) -> Judged:
    try:
        found = verify(path, roots_of(root))
    except IntegrityError as error:
        return Judged(UNREADABLE, 65, error.message)
    why = [f"{reason.effect} {reason.code} {reason.facts}" for reason in found.reasons] + [f"gap {gap.why}" for gap in found.gaps]
    return Judged(found.verdict, found.exit_code, "; ".join(why))
