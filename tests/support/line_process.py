"""A child process that says on its first line what the test needs to know, and can be killed like a power cut."""

from __future__ import annotations

import select
import signal
import subprocess
from collections.abc import Mapping, Sequence


class LineProcess:
    """Started and ready when the constructor returns. first_line: what it said."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None, ready_s: float = 30.0) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        self.first_line = self.line(ready_s)

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self, timeout_s: float = 30.0) -> str:
        """Its next line. Raises RuntimeError when there is none in time."""
        stdout = self._process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], timeout_s)
        text = stdout.readline().strip() if ready else ""
        if not text:
            self.kill()
            raise RuntimeError(f"{self._process.args!r} said nothing; exit status {self._process.returncode}")
        return text

    def kill(self) -> None:
        """SIGKILL. Gone when it returns."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def wait(self, timeout_s: float = 60.0) -> int:
        """Exit status, when it ends by itself."""
        status = self._process.wait(timeout_s)
        self._close()
        return status

    def _end(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._close()

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()
