"""A real Mosquitto on a free loopback port, with persistence, that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

_PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def mosquitto_path() -> str:
    """Skips the test, saying why, where Mosquitto is not installed."""
    found = shutil.which("mosquitto", path=_PATHS)
    if found is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """`extra`: more lines for its configuration. The listener lines may be replaced through `listener`. store: where it persists; its
    folder. prefix: what runs it elsewhere, such as in a network namespace."""

    def __init__(self, folder: Path, extra: str = "", listener: str = "", *, store: Path | None = None, prefix: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.store = store or folder
        self._argv = [*prefix, mosquitto_path(), "-c", str(folder / "mosquitto.conf")]
        self._log = folder / "mosquitto.log"
        plain = f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
        (folder / "mosquitto.conf").write_text(
            f"{listener.format(port=self.port) if listener else plain}"
            f"{'user root' if os.geteuid() == 0 else ''}\n"
            f"persistence true\npersistence_location {self.store}/\nautosave_on_changes true\nautosave_interval 100\n"
            f"max_queued_messages 100000\nmax_inflight_messages 50\nset_tcp_nodelay true\n{extra}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        with self._log.open("ab") as log:
            began = self._log.stat().st_size
            self._process = subprocess.Popen(self._argv, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while b" running" not in self._log.read_bytes()[began:]:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"mosquitto did not start: {self._log.read_text()}")
            time.sleep(0.01)
        return self

    def kill(self) -> None:
        """SIGKILL: what it had in memory is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: it saves its state."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: the kernel still takes connections and bytes, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """SIGHUP: access list and passwords are read again."""
        self._signal(signal.SIGHUP)

    def forget(self) -> None:
        """Its persistence is lost, as with a new machine."""
        (self.store / "mosquitto.db").unlink(missing_ok=True)

    @property
    def log_text(self) -> str:
        return self._log.read_text()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(10)
        self._process = None

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
