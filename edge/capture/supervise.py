"""Start a capture worker, talk to it, get rid of it - whatever state it is in. Imports no video library.

Camera stacks block beyond any time-out of their own (V4L2 in the kernel, picamera2 on a lock), so the last word is SIGKILL from outside. A
process in uninterruptible sleep does not die from that either: `kill` says so instead of waiting for ever.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import edge
from edge.capture.wire import encode, receive
from edge.errors import TryAgain
from edge.messages.stream import CameraSettings

log = logging.getLogger(__name__)

WORKER = ("-m", "edge.capture.worker")
SETTINGS_DEADLINE_S = 5.0
SOCKET_BYTES = 1 << 20
"""Asked for; the kernel grants up to net.core.wmem_max."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker went. status: exit code, negative signal number, None when it is unkillable (state D) and still there."""

    how: Literal["exited", "terminated", "killed", "unkillable"]
    status: int | None


class WorkerProcess:
    """One worker's life. One thread uses it; that thread must outlive the worker, because the kernel sends the worker its parent-death
    signal when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG)."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self.socket = connection

    @classmethod
    def start(cls, settings: CameraSettings, command: Sequence[str] | None = None) -> WorkerProcess:
        """Start `command` (default: this Python with edge.capture.worker) plus `--fd N`, and send it the settings as its first message.

        Raises TryAgain when it cannot be started or does not take its settings within 5 s.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            argv = [*(command or (sys.executable, *WORKER)), "--fd", str(theirs.fileno())]
            try:
                process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=worker_environment())
            except OSError as refused:
                ours.close()
                raise TryAgain(f"camera {settings.id}: the capture worker cannot be started: {refused.strerror}") from refused
        worker = cls(process, ours)
        ours.settimeout(SETTINGS_DEADLINE_S)
        try:
            ours.sendall(b"".join(encode(settings)))
        except OSError as refused:
            worker.kill()
            raise TryAgain(f"camera {settings.id}: the capture worker did not take its settings: {refused}") from refused
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """For select and poll."""
        return self.socket.fileno()

    def receive(self, timeout_s: float) -> bytes | None:
        """At most 1 MiB of what has arrived; b"" when the worker closed its end; None when nothing came in time."""
        return receive(self.socket, timeout_s)

    def poll(self) -> int | None:
        """Exit code (negative: signal) or None while it runs. Reaps: an ended worker never stays a zombie."""
        return self._process.poll()

    def kill(self, terminate_s: float = 1.5, kill_s: float = 2.0) -> Ending:
        """SIGTERM, SIGKILL after `terminate_s`, give up after another `kill_s` ("unkillable"). The socket is closed in every case; bytes
        still in it are lost, so read it to its end first where they matter. May be called again, also on an ended worker."""
        if (status := self._process.poll()) is not None:
            return self._gone("exited", status)
        self._process.send_signal(signal.SIGTERM)
        if (status := self._wait(terminate_s)) is not None:
            return self._gone("terminated", status)
        self._process.kill()
        if (status := self._wait(kill_s)) is not None:
            return self._gone("killed", status)
        log.error("capture worker %d survives SIGKILL (state %s): a reboot is needed", self.pid, state_of(self.pid))
        return self._gone("unkillable", None)

    def _wait(self, timeout_s: float) -> int | None:
        """A pidfd, because subprocess would look every few milliseconds."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return self._process.poll()
        try:
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            poller.poll(timeout_s * 1000)
        finally:
            os.close(descriptor)
        return self._process.poll()

    def _gone(self, how: Literal["exited", "terminated", "killed", "unkillable"], status: int | None) -> Ending:
        self.socket.close()
        return Ending(how, status)


def state_of(pid: int) -> str:
    """The letter of proc(5): R running, S sleeping, D uninterruptible, T stopped, Z zombie; "" when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]


def worker_environment() -> dict[str, str]:
    """A child finds the same `edge` as its parent and keeps its memory small: one BLAS thread, few malloc arenas."""
    root = str(Path(edge.__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    small = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return {**os.environ, **small, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
