"""Taking turns at a folder: several programs that write it, one at a time, under an advisory lock that goes with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from edge.clock import monotonic_s
from edge.errors import StorageError, TryAgain

_PAUSE_S = 0.02


@contextmanager
def turn_at(folder: Path, wait_s: float) -> Iterator[None]:
    """Wait for the turn, at most `wait_s`; held until the block ends (flock(2) on the folder). Raises StorageError for a folder that is not
    there, TryAgain when others keep it too long."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be locked: {error.strerror}", number=error.errno or 0) from error
    try:
        deadline_s, wait = monotonic_s() + wait_s, Event()
        while not _locked(descriptor):
            if monotonic_s() > deadline_s:
                raise TryAgain(f"another process has been writing {folder} for {wait_s:.0f} s")
            wait.wait(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
