"""Another writer on the recorder's disk: its file grows until nothing is free, whatever becomes free in between."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

_LARGEST_BYTES = 1 << 20


class Foreigner:
    """`held_bytes`: what its file has taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held_bytes = 0

    def grow(self) -> int:
        """Writes until not even one byte more is taken; what it got."""
        grown, size = 0, _LARGEST_BYTES
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while size:
                try:
                    grown += os.write(file, bytes(size))
                except OSError as refused:
                    if refused.errno != errno.ENOSPC:
                        raise
                    size //= 2
        finally:
            os.close(file)
        self.held_bytes += grown
        return grown

    def go(self) -> None:
        """Its file is removed."""
        self._path.unlink()
        self.held_bytes = 0


def main(path: str, limit_bytes: str) -> None:
    """As a process: says "brim" when nothing is free, takes all that becomes free until it holds `limit_bytes`, says "full", and waits for
    its input to end."""
    foreigner, pause = Foreigner(Path(path)), threading.Event()
    foreigner.grow()
    print("brim", flush=True)
    while foreigner.held_bytes < int(limit_bytes):
        if not foreigner.grow():
            pause.wait(0.002)
    print("full", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
