"""What does it cost the recorder when people fetch clips? A writer that does what a recorder does to the disk, alone and beside clients.

    python bench/pull.py [--folder FOLDER]

`edge serve` hands a clip to two clients, again and again, its footage dropped from the page cache each time, while GOPs of half a megabyte
are written and synced ten times a second. Prints the time of a write with its fdatasync (median, worst) in alternating stretches, and the
speed of the clients. Ends with 1 when a bound is broken. FOLDER must lie on a real disk.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.host.linux_disk import LinuxDisk
from tests.support.pull import PullNode, clip_path, pull_node

PADDING = 500_000
"""A picture: the clip has 50 MB."""
GOP_BYTES = 500_000
WRITES, PAUSE_S, ROUNDS = 40, 0.1, 3
CLIENTS = 2
MEDIAN_RATIO_BOUND = 4.0
WORST_BOUND_S = 1.0
"""A GOP lasts a second: behind that, the recorder's queue would grow."""


def write_gops(path: Path) -> list[float]:
    """Seconds of each."""
    taken, pause, file = [], Event(), LinuxDisk().create(path)
    try:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(os.urandom(GOP_BYTES))
            file.fdatasync()
            taken.append(time.perf_counter() - began)
            pause.wait(PAUSE_S)
    finally:
        file.close()
        path.unlink()
    return taken


def fetch(pull: PullNode, client: int, stop: Event, got: list[int]) -> None:
    while not stop.is_set():
        answer = pull.ask(clip_path(0, 4), f"client{client}")
        assert answer.status == 200
        got.append(len(answer.body))
        for path in pull.node.segments:
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def beside_clients(pull: PullNode, path: Path) -> tuple[list[float], float]:
    """Seconds of each write, and bytes a second that the clients got together."""
    stop, got = Event(), list[int]()
    clients = [Thread(target=fetch, args=(pull, number, stop, got)) for number in range(CLIENTS)]
    began = time.perf_counter()
    for each in clients:
        each.start()
    taken = write_gops(path)
    stop.set()
    for each in clients:
        each.join()
    return taken, sum(got) / (time.perf_counter() - began)


def told(taken: list[float]) -> str:
    return f"median {median(taken) * 1000:.1f} ms, worst {max(taken) * 1000:.0f} ms"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--folder", type=Path)
    with ExitStack() as open_things:
        folder = words.parse_args().folder or Path(open_things.enter_context(tempfile.TemporaryDirectory()))
        pull = open_things.enter_context(pull_node(folder, f'streams = {2 * CLIENTS}\n[log]\nlevel = "error"', padding=PADDING))
        for number in range(CLIENTS):
            pull.certificate(f"client{number}")
        alone, beside, speeds = list[float](), list[float](), list[float]()
        for _ in range(ROUNDS):
            alone += write_gops(folder / "alone")
            taken, speed = beside_clients(pull, folder / "beside")
            beside += taken
            speeds.append(speed)
    ratio = median(beside) / median(alone)
    print(f"write + fdatasync of {GOP_BYTES:,} bytes, alone: {told(alone)}")
    print(f"beside {CLIENTS} clients at {median(speeds) / 1e6:.0f} MB/s: {told(beside)}")
    print(f"ratio of medians {ratio:.2f}, at most {MEDIAN_RATIO_BOUND}; worst at most {WORST_BOUND_S * 1000:.0f} ms")
    return int(ratio > MEDIAN_RATIO_BOUND or max(beside) > WORST_BOUND_S)


if __name__ == "__main__":
    sys.exit(main())
