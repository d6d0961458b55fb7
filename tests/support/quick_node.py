"""`edge run` with short pauses between restarts, so that a test may kill its processes often. Run as a program: NODE_TOML."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from edge.config.read import load_config
from edge.logs import start_logging
from edge.services.run import Pace, children_of, supervise


def main() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop.set).start())
    start_logging("info")
    path = Path(sys.argv[1])
    return supervise(children_of(load_config(path).config, path), stop, Pace(first_s=0.05, longest_s=0.05, poll_s=0.02))


if __name__ == "__main__":
    sys.exit(main())
