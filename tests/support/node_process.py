"""`edge record` and `edge run` as real processes, and what they leave in the node's folder (node.toml with data = "data", camera cam0)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event
from typing import Any

from tests.support.command import environment

LIMIT_S = 40.0
_OTHER_WORKER = "import sys; sys.executable = sys.argv.pop(1); from edge.cli.main import main; main()"


@contextmanager
def running(
    *words: str, worker: Path | None = None, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """worker: the Python that capture workers run in; None: the same. log: where to what they say goes; None: a pipe, which a long run
    would fill."""
    start = ["-m", "edge"] if worker is None else ["-c", _OTHER_WORKER, str(worker)]
    with log.open("w") if log is not None else nullcontext(subprocess.PIPE) as said:
        process = subprocess.Popen([sys.executable, *start, *words], env=env or environment(), stderr=said, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str], limit_s: float = LIMIT_S) -> None:
    deadline_s, turn = time.monotonic() + limit_s, Event()
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline_s
        turn.wait(0.1)


def sealed(folder: Path) -> list[Path]:
    return sorted((folder / "data/ring/cam0").glob("20*/*.mp4"))


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = [
        line for path in sorted((folder / "data/journal/recorder.cam0").glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    return [record for record in map(json.loads, lines) if record["type"] == kind]


def end(process: subprocess.Popen[str]) -> str:
    """Stop in order; what it said."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, said
    return said
