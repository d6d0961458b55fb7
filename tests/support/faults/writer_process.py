"""What recorder and watcher would write, at a steady pace, until it is killed.

python -m tests.support.faults.writer_process DATA EVERY_S
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from edge.messages.records import Stop
from tests.support.agents import writer_of

JOURNALS = ("recorder.cam0", "watcher")


def main(data: Path, every_s: float) -> None:
    writers = [writer_of(data, name) for name in JOURNALS]
    print("ready", flush=True)
    due_s = time.monotonic()
    for writer in itertools.cycle(writers):
        writer.append(Stop(reason="said"))
        due_s += every_s
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
