"""Runs the program that restarts a camera's stack (nvargus-daemon on a Jetson), and never waits for it."""

from __future__ import annotations

import logging
import subprocess

from edge.clock import monotonic_s
from edge.host.child import kill_now

log = logging.getLogger(__name__)

PATIENCE_S = 30.0


class StackRestart:
    """One thread. program: "" for none. patience_s: for it to end by itself."""

    def __init__(self, program: str, patience_s: float = PATIENCE_S) -> None:
        self._program, self._patience_s = program, patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._began_s = 0.0
        self.runs = 0

    def run(self) -> None:
        """Starts it, unless it still runs."""
        self.look()
        if not self._program or self._process is not None:
            return
        log.warning("three starts without a picture: running %s", self._program)
        self.runs += 1
        try:
            self._process = subprocess.Popen([self._program], stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            log.error("%s cannot be run: %s", self._program, error.strerror)
        self._began_s = monotonic_s()

    def look(self) -> None:
        """Now and then: takes leave of one that ended, and ends one that hangs."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            if monotonic_s() - self._began_s < self._patience_s:
                return
            log.error("%s hangs: ended after %g s", self._program, self._patience_s)
            kill_now(process)
        elif process.returncode:
            log.error("%s ended with %d", self._program, process.returncode)
        self._process = None
