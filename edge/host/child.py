"""Children that neither outlive their parent nor hold it up."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
from contextlib import suppress

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_REAP_S = 3.0
"""The kernel needs milliseconds for a killed process, on a busy machine more; one that is stuck in a driver stays."""


def die_with_parent(parent: int) -> None:
    """Called in the child, with its parent's process id: SIGKILL when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG). A
    parent that died before the call is seen by its changed id."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def kill_now(process: subprocess.Popen[bytes]) -> bool:
    """SIGKILL to a child that leads a session of its own, and to what it started. False where it is still there after 3 s: stuck
    in a driver, it goes when the driver lets it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    try:
        process.wait(_REAP_S)
    except subprocess.TimeoutExpired:
        log.error("process %d (%s) survives SIGKILL: it is stuck in a driver", process.pid, process.args)
        return False
    return True
