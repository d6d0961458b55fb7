"""The product's verdict on bytes, for tests that ask thousands of times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edge.errors import IntegrityError
from edge.seal.container import open_bytes
from edge.seal.containers import open_film
from edge.seal.stream import read_stream
from edge.seal.trust import Roots, read_roots
from tests.support.memory_file import memory_file

CODES = {"AUTHENTIC": 0, "AUTHENTIC WITH GAPS": 2, "PARTLY VERIFIED": 3, "NOT AUTHENTIC": 4, "UNSIGNED": 5}


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
    with open_bytes(path) as source:
        try:
            report = read_stream("x", open_film(source), roots_of(root))
        except IntegrityError as e:
            return Judged("UNREADABLE", 65, str(e))
    f = report.findings
    if not report.signed:
        v = "UNSIGNED"
    elif f.having("contradicts"):
        v = "NOT AUTHENTIC"
    elif f.having("unverifiable"):
        v = "PARTLY VERIFIED"
    else:
        v = "AUTHENTIC WITH GAPS" if report.order.gaps or f.having("gap") else "AUTHENTIC"
    return Judged(v, CODES[v], f"{[(x.effect, x.code, x.facts) for x in f.found.values()]} {report.order.gaps}")
