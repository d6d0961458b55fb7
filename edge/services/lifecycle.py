"""Threads with an owner, ordered ends, and one process per camera. Only composition roots start threads, and only through here."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import StorageError, TryAgain

log = logging.getLogger(__name__)


class ServiceThread:
    """One named thread. When its function ends by an exception the traceback is logged (threading.excepthook) and `broken` is true: its
    owner must then end the process, because a service manager's restart is better than a service with a thread missing."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._run = run
        self._orderly = False
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def broken(self) -> bool:
        """It ended, and not in order."""
        return self._thread.ident is not None and not self._thread.is_alive() and not self._orderly

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("thread %s does not end within %.1f s", self._thread.name, timeout_s)
        return not self._thread.is_alive()

    def _main(self) -> None:
        self._run()
        self._orderly = True


@contextmanager
def sole_user(folder: Path, what: str) -> Iterator[None]:
    """Hold an advisory lock (flock(2)) on `folder`, which goes with the process whatever becomes of it. Raises TryAgain when another
    has it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as refused:
        raise StorageError(f"{folder}: cannot be locked: {refused.strerror}", number=refused.errno or 0) from refused
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as refused:
            raise TryAgain(f"another process {what} already ({folder} is locked)", remedy="stop it first") from refused
        yield
    finally:
        os.close(descriptor)


def settle_memory() -> None:
    """Call once when everything is loaded: the collector need not look at it again, which took pauses of 15 to 99 ms away."""
    gc.collect()
    gc.freeze()
