"""Another writer on the recorder's disk: its file grows until nothing is free, or its files are too many for any more."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

_LARGEST_BYTES = 1 << 20
_CARD_BYTES, _CARD_S = 40_000, 0.002


class Foreigner:
    """`held_bytes`: what its file has taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held_bytes = 0
        self._files = 0

    def grow(self, most_bytes: int = 1 << 62) -> int:
        """Writes until not even one byte more is taken, or `most_bytes` are; what it got."""
        grown, size = 0, _LARGEST_BYTES
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while size and grown < most_bytes:
                try:
                    grown += os.write(file, bytes(min(size, most_bytes - grown)))
                except OSError as refused:
                    if refused.errno != errno.ENOSPC:
                        raise
                    size //= 2
        finally:
            os.close(file)
        self.held_bytes += grown
        return grown

    def crowd(self) -> int:
        """Makes empty files until there is no room for another; how many."""
        made = 0
        while True:
            try:
                self._path.with_name(f"{self._path.name}.{self._files}").touch(exist_ok=False)
            except OSError as refused:
                if refused.errno != errno.ENOSPC:
                    raise
                return made
            self._files += 1
            made += 1

    def go(self) -> None:
        """Its file is removed."""
        self._path.unlink()
        self.held_bytes = 0


def main(path: str) -> None:
    """As a process: says "brim" when nothing is free, then takes all that becomes free, as fast as a memory card writes, until it is
    killed."""
    foreigner, pause = Foreigner(Path(path)), threading.Event()
    foreigner.grow()
    print("brim", flush=True)
    while True:
        foreigner.grow(_CARD_BYTES)
        pause.wait(_CARD_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
