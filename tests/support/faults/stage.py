"""A node that speaks all the time, a centre, a foreign subscriber, a broker between them: processes each; and a watch on the node's log."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.support.agents import AgentProcess
from tests.support.faults import oracle
from tests.support.faults.ear_process import boot_ms
from tests.support.faults.secured import CENTRE, SecuredBroker
from tests.support.line_process import LineProcess

ROOT = Path(__file__).parents[3]
LOST = "next attempt in"
"""The link's own words when it has none."""
_POLL_S = 0.02


class CentreProcess:
    """`edge centre receive`."""

    def __init__(self, folder: Path, lines: str, prefix: Sequence[str]) -> None:
        self.folder, self._prefix = folder, prefix
        folder.mkdir()
        (folder / "centre.toml").write_text(f"[mqtt]\n{lines}\nbackoff_max_s = 1.0\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["centre", "receive", "--folder", str(self.folder), "--broker", str(self.folder / "centre.toml"), "--port", "0"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*self._prefix, sys.executable, "-m", "edge", *words], stdout=log, stderr=log, cwd=ROOT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


class LogWatch:
    """When which line came into a log file, in ms of the boot clock."""

    def __init__(self, path: Path) -> None:
        self.lines: list[tuple[int, str]] = []
        self._path, self._at, self._rest = path, 0, b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_POLL_S):
            if self._path.exists():
                with self._path.open("rb") as file:
                    file.seek(self._at)
                    data = file.read()
                self._at += len(data)
                *whole, self._rest = (self._rest + data).split(b"\n")
                self.lines += [(boot_ms(), line.decode("utf-8", "replace")) for line in whole]

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)


class Stage:
    """node_port, node_host: where the node finds the broker, where that is not its own address. town, pole: prefixes that run broker,
    centre and subscriber, or the node, in namespaces of theirs."""

    def __init__(
        self,
        folder: Path,
        broker: SecuredBroker,
        *,
        every_s: float = 0.05,
        node_host: str = "",
        node_port: int = 0,
        town: Sequence[str] = (),
        pole: Sequence[str] = (),
    ) -> None:
        self.folder, self.broker, self._every_s, self._town = folder, broker, every_s, town
        self.node = AgentProcess(folder / "node", 0, link=broker.mqtt_lines("pole-1", node_host, node_port), prefix=pole)
        self.centre = CentreProcess(folder / "centre", broker.mqtt_lines(CENTRE), town)
        self.ear_file = folder / "ear"
        self.ear_file.touch()
        self.began_ms = self.ended_ms = 0
        self.remarks: list[str] = []
        """What else is to stand in the table."""
        self._open = ExitStack()
        self._writer: LineProcess | None = None

    def __enter__(self) -> Stage:
        with ExitStack() as opening:
            self.watch = LogWatch(self.folder / "node" / "agent.log")
            opening.callback(self.watch.close)
            opening.enter_context(self.broker.mosquitto)
            self.centre.start()
            opening.callback(self.centre.kill)
            words = [sys.executable, "-m", "tests.support.faults.ear_process", *self.broker.ear_words(), str(self.ear_file)]
            opening.callback(LineProcess([*self._town, *words]).kill)
            opening.enter_context(self.node)
            self._open = opening.pop_all()
        return self

    def speak(self) -> None:
        """Recorder and watcher begin."""
        words = [sys.executable, "-m", "tests.support.faults.writer_process", str(self.node.data), str(self._every_s)]
        self._writer = LineProcess(words)
        self._open.callback(self._writer.kill)

    def hush(self) -> None:
        if self._writer is not None:
            self._writer.kill()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def begins(self) -> None:
        self.began_ms = boot_ms()

    def ends(self) -> None:
        self.ended_ms = boot_ms()

    def wait(self, seconds: float) -> None:
        """The fault lasts: time is what is needed."""
        time.sleep(seconds)

    def until(self, holds: Callable[[], bool], what: str, within_s: float = 60.0, every_s: float = _POLL_S) -> None:
        ends_s = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > ends_s:
                raise AssertionError(f"not within {within_s:.0f} s: {what}\n{self.node.log[-3000:]}")
            time.sleep(every_s)

    def until_heard(self, since_ms: int, within_s: float = 60.0) -> None:
        """A record that was said since then has arrived at the subscriber."""
        self.until(lambda: self.first_heard_ms(since_ms) is not None, "fresh records arrive", within_s, 0.1)

    def first_heard_ms(self, since_ms: int) -> int | None:
        return next((each.at_ms for each in oracle.heard(self.ear_file) if each.said_ms >= since_ms), None)

    def lost_ms(self, since_ms: int) -> int | None:
        """When the node noticed first that it has no link."""
        return next((at_ms for at_ms, line in self.watch.lines if at_ms >= since_ms and LOST in line), None)

    def alarms(self, code: str) -> list[dict[str, object]]:
        """As they stand in the agent's own journal."""
        facts = [json.loads(line) for line in oracle.written(self.node.data).get("agent", [])]
        return [each["facts"] for each in facts if each["type"] == "alarm" and each["facts"]["code"] == code]

    def told(self, code: str, words: str, within_s: float = 60.0) -> None:
        """The node says in its journal what happened, as what it is."""
        alarm = self.until_alarm(code, within_s=within_s)
        assert words in str(alarm["text"]), alarm
        self.remarks.append(f"{code} after {(boot_ms() - self.began_ms) / 1000:.0f} s: {alarm['text']}")

    def until_alarm(self, code: str, *, active: bool = True, within_s: float = 60.0) -> dict[str, object]:
        def last_is_so() -> bool:
            found = self.alarms(code)
            return bool(found) and found[-1]["active"] is active

        self.until(last_is_so, f"alarm {code} {'raised' if active else 'cleared'}", within_s, 0.2)
        return self.alarms(code)[-1]
