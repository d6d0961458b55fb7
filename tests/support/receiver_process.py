"""Our upload receiver in a process of its own, to be killed. Run as a program: FOLDER PORT [IDLE_S]; says its port, ends at SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import ManualClock
from edge.host.linux_disk import LinuxDisk
from tests.support.line_process import LineProcess


def receiver_process(folder: Path, port: int = 0, idle_s: float = 15.0) -> LineProcess:
    return LineProcess([sys.executable, "-m", "tests.support.receiver_process", str(folder), str(port), str(idle_s)])


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = ServeSettings(
        folder=Path(sys.argv[1]), port=int(sys.argv[2]), idle_s=float(sys.argv[3]), limits=StoreLimits(reserve_bytes=0)
    )
    server = ReceiverServer(settings, LinuxDisk(), ManualClock())
    server.start()
    print(server.port, flush=True)
    stop.wait()
    server.stop()


if __name__ == "__main__":
    main()
