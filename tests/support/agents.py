"""A node's agent as a process, and a centre that remembers what it was told."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from edge.centre.archive import StoredEvent
from edge.centre.client import Client
from edge.centre.findings import Finding
from edge.centre.roster import NodeView
from edge.clock import Clock
from edge.config.model import Mqtt
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.writer import JournalWriter
from edge.seal.trust import Roots

NODE = "pole-1"
CAMERA = "cam0"


def mqtt_of(port: int, **more: object) -> Mqtt:
    """Plain text on loopback, with short waits."""
    settings: dict[str, object] = {"host": "127.0.0.1", "port": port, "tls": False, "backoff_max_s": 0.2, "will_delay_s": 0}
    return Mqtt(**(settings | more))  # type: ignore[arg-type]


class AgentProcess:
    """`python -m edge agent`, or `edge run` with `command`. `more`: further lines of [mqtt]; `sections`: further sections; `camera`:
    further lines of the camera; `link`: all lines of [mqtt]. prefix: what runs it elsewhere, such as in a network namespace."""

    def __init__(
        self,
        folder: Path,
        port: int,
        more: str = "",
        sections: str = "",
        *,
        command: str = "agent",
        camera: str = "",
        link: str = "",
        prefix: Sequence[str] = (),
    ) -> None:
        self._command = command
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.config = folder / "node.toml"
        self._prefix = prefix
        plain = f'host = "127.0.0.1"\nport = {port}\ntls = false\nbackoff_max_s = 0.2\nwill_delay_s = 0'
        self.config.write_text(
            f'[node]\nid = "{NODE}"\ndata = "{self.data}"\nrun = "{folder / "run"}"\n'
            f'[[camera]]\nid = "{CAMERA}"\nsource = "synthetic:"\n{camera}[clock]\ntrust = "assume"\n'
            f"[mqtt]\n{link or plain}\n{more}\n{sections}\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "agent.log").read_text()

    def start(self) -> AgentProcess:
        with (self.folder / "agent.log").open("ab") as log:
            argv = [*self._prefix, sys.executable, "-m", "edge", self._command, "--config", str(self.config)]
            self._process = subprocess.Popen(argv, stderr=log, cwd=Path(__file__).parents[2])
        return self

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"the agent did not stop: {self.log}") from None

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def __enter__(self) -> AgentProcess:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


def writer_of(data: Path, name: str, clock: Clock | None = None) -> JournalWriter:
    """What the recorder or the watcher of that node would write with."""
    writer = JournalWriter(LinuxDisk(), data / "journal" / name, clock or KernelClock("assume"), boot_id())
    writer.open()
    return writer


class Town:
    """A Client that keeps what it heard: `events` in the order they became durable."""

    def __init__(
        self,
        port: int,
        folder: Path,
        *,
        command_key: Path | None = None,
        on_finding: Callable[[str, Finding], None] | None = None,
        trust: Roots | None = None,
    ) -> None:
        self.events: list[StoredEvent] = []
        self._news = threading.Condition()
        self.centre = Client(
            mqtt_of(port),
            folder,
            command_key=command_key,
            on_event=self._event,
            on_node=self._node,
            on_link=lambda up: None,
            on_finding=on_finding,
            trust=trust,
        )

    def _event(self, event: StoredEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def _node(self, view: NodeView) -> None:
        with self._news:
            self._news.notify_all()

    def until(self, holds: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
        """Waits for news until `holds`."""
        ends_s = time.monotonic() + deadline_s
        with self._news:
            while not holds():
                left_s = ends_s - time.monotonic()
                if left_s <= 0:
                    raise AssertionError(f"not within {deadline_s} s: {what}; {self.centre.counters()}")
                self._news.wait(min(left_s, 0.5))

    def seqs(self, journal: str) -> list[int]:
        return [event.record.seq for event in self.events if event.journal == journal]

    def until_seq(self, journal: str, seq: int, deadline_s: float = 30.0) -> None:
        self.until(
            lambda: any(event.journal == journal and event.record.seq >= seq for event in self.events[-2000:]),
            f"{journal} {seq}",
            deadline_s,
        )

    def until_online(self, session: int = 0) -> NodeView:
        def online() -> bool:
            view = self.centre.node(NODE)
            return view is not None and view.online and view.status is not None and view.status.session > session

        self.until(online, "the node is online")
        view = self.centre.node(NODE)
        assert view is not None
        return view

    def __enter__(self) -> Town:
        self.centre.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.centre.stop()
