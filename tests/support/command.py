"""The command `edge` as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def edge(*words: str | Path, cwd: Path | None = None, timeout_s: float = 60.0, stdin: bytes = b"") -> Outcome:
    """Run `edge WORDS`; fails the test on a traceback, whatever the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, words)], cwd=cwd, env=environment(), input=stdin, capture_output=True, timeout=timeout_s
    )
    outcome = Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in outcome.err, outcome.err
    return outcome


def environment() -> dict[str, str]:
    """This tree's package, plain text output of a fixed width."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"}
