"""A process that fills a luma window until it is killed: `python -m tests.support.window_writer PATH WIDTH HEIGHT [PERIOD_S]`.

Picture n is made of the byte n % 251, its boot_ns is n x 1000: any mixture of two pictures shows.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from edge.window.luma import Luma, LumaWriter


def start_writer(path: Path, width: int, height: int, period_s: float = 0.0) -> subprocess.Popen[bytes]:
    """The process; kill it by its Popen."""
    return subprocess.Popen([sys.executable, "-m", "tests.support.window_writer", str(path), str(width), str(height), str(period_s)])


def whole(luma: Luma) -> bool:
    """Whether a picture is exactly one that the writer put."""
    return luma.luma == bytes([luma.seq % 251]) * (luma.width * luma.height) and luma.boot_ns == luma.seq * 1000


def main() -> None:
    path, width, height, period_s = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    writer = LumaWriter(path, width, height)
    pictures = [bytes([value]) * (width * height) for value in range(251)]
    seq = 0
    while True:
        writer.put(seq * 1000, pictures[seq % 251], seq)
        seq += 1
        if period_s:
            time.sleep(period_s)


if __name__ == "__main__":
    main()
