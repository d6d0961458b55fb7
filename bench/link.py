"""The link's speed: a real agent with its journals, a real Mosquitto on loopback, a centre that acknowledges, and a plain subscriber.

Alarms are timed from the return of the journal's append to the arrival on `alarm/<code>` at the subscriber: with nothing else to do,
while a backlog drains, and behind a link of 256 kbit/s. The drain rate is a ratio: the product (parsing journals, cursor, watermarks, a
centre that makes every record durable) against a bare paho QoS 1 publisher that sends the same payloads with the same window through the
same broker to a plain subscriber. Ends with 1 when a bound fails.

    python bench/link.py [--records 20000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paho.mqtt.client import Client, MQTTMessage

from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.records import AlarmRaised, Episode
from edge.messages.wire import Ack, AlarmState, Event
from tests.support.agents import NODE, AgentProcess, writer_of
from tests.support.link_peers import plain_client
from tests.support.mosquitto import Mosquitto
from tests.support.proxy import Proxy

ROOT = Path(__file__).resolve().parent.parent
IDLE_P99_MS, BUSY_P99_MS, SLOW_P95_MS = 200.0, 2000.0, 1000.0
RATIO_MIN = 0.5
LINK_SHARE_MIN = 0.9
SLOW_BYTES_PER_S = 256_000 / 8
SLOW_RECORDS = 3000
BACKLOG = "recorder.cam0"
BASE = f"town/v1/{NODE}"


class Ear:
    """A plain subscriber of alarms and watermarks. alarms: value -> when it arrived; marks: (when, upto) of the backlog's journal."""

    def __init__(self, port: int) -> None:
        self.alarms: dict[int, float] = {}
        self.marks: list[tuple[float, int]] = []
        self._news = threading.Condition()
        self._client = plain_client(port, "ear")
        self._client.on_message = self._heard
        self._client.subscribe([(f"{BASE}/alarm/+", 1), (f"{BASE}/ack", 1)])
        self._client.loop_start()

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        now_s = time.monotonic()
        with self._news:
            if message.topic.endswith("/ack"):
                mark = msgspec.json.decode(message.payload, type=Ack).watermarks.get(BACKLOG)
                if mark is not None:
                    self.marks.append((now_s, mark.upto))
            else:
                value = msgspec.json.decode(message.payload, type=AlarmState).value
                if value is not None:
                    self.alarms.setdefault(int(value), now_s)
            self._news.notify_all()

    def until(self, holds: Callable[[], bool], what: str, deadline_s: float = 600.0) -> None:
        with self._news:
            if not self._news.wait_for(holds, deadline_s):
                raise SystemExit(f"not within {deadline_s} s: {what}")

    def drained(self, upto: int) -> bool:
        return bool(self.marks) and self.marks[-1][1] >= upto

    def latencies_ms(self, said: dict[int, float]) -> list[float]:
        """Of an alarm whose state was replaced before it went out, the newer state's arrival counts."""
        found = []
        for value, when_s in said.items():
            arrived = [at_s for other, at_s in self.alarms.items() if other >= value]
            found.append((min(arrived) - when_s) * 1000 if arrived else float("inf"))
        return sorted(found)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Alarming:
    """Appends an alarm to the watcher's journal at a steady pace, in a thread. said: value -> when the append returned."""

    def __init__(self, data: Path, first: int, every_s: float) -> None:
        self.said: dict[int, float] = {}
        self._writer = writer_of(data, "watcher")
        self._first, self._every_s = first, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        value = self._first
        while not self._stop.wait(self._every_s):
            self._writer.append(AlarmRaised(code="bench", active=True, severity="critical", text="a bench alarm", value=float(value)))
            self.said[value] = time.monotonic()
            value += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._writer.close()


def fill(data: Path, records: int) -> None:
    """A journal as a recorder's or watcher's looks: episodes of some 300 bytes."""
    writer = writer_of(data, BACKLOG)
    episode = Episode(
        id="0123456789abcdef",
        state="start",
        since="2026-11-26T02:00:00.000Z",
        until=None,
        since_mono_ms=1_000_000,
        until_mono_ms=None,
        score=0.5,
        zones=["gate", "street"],
    )
    for begin in range(0, records, 500):
        writer.append_all([episode] * min(500, records - begin), camera="cam0")
    writer.close()


def payloads_of(data: Path, to: Path) -> None:
    reader = JournalReader(LinuxDisk(), data / "journal" / BACKLOG)
    epoch = reader.epoch()
    with to.open("wb") as file:
        for line in reader.read():
            event = Event(node=NODE, journal=BACKLOG, epoch=epoch, record=msgspec.Raw(line.raw))
            file.write(msgspec.json.encode(event) + b"\n")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, round(share * (len(values) - 1)))]


def helper(*argv: str) -> subprocess.Popen[str]:
    argv = (sys.executable, "-m", "tests.support.link_peers", *argv)
    made = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert made.stdout is not None
    assert made.stdout.readline().strip() == "ready"
    return made


def ended(process: subprocess.Popen[str]) -> str:
    return process.communicate("", timeout=60)[0]


def bare_rate(port: int, file: Path) -> tuple[float, float]:
    sink = helper("sink", str(port))
    rate, cpu = ended(helper("bare", str(port), str(file))).split()
    ended(sink)
    return float(rate), float(cpu)


def product(broker: Mosquitto, folder: Path, records: int, alarms: int) -> list[str]:
    """Backlog first, then an idle agent; both on one agent. The bounds that failed."""
    node = AgentProcess(folder / "node", broker.port)
    fill(node.data, records)
    payloads_of(node.data, folder / "payloads")
    before, bare_cpu = bare_rate(broker.port, folder / "payloads")
    centre = helper("centre", str(broker.port), str(folder / "town"))
    ear = Ear(broker.port)
    with node:
        ear.until(lambda: bool(ear.marks), "the first watermark")
        busy = Alarming(node.data, 0, 0.1)
        began_cpu_s, (began_s, first) = cpu_s(node.pid), ear.marks[0]
        ear.until(lambda: ear.drained(records), "the backlog is drained")
        rate = (records - first) / (ear.marks[-1][0] - began_s)
        cpu = (cpu_s(node.pid) - began_cpu_s) / (records - first) * 1000
        busy.close()
        ear.until(lambda: max(ear.alarms, default=-1) >= max(busy.said, default=-1), "the last alarm of the drain", 30)
        quiet_cpu_s, quiet_s = cpu_s(node.pid), time.monotonic()
        time.sleep(5)
        share = (cpu_s(node.pid) - quiet_cpu_s) / (time.monotonic() - quiet_s)
        idle = Alarming(node.data, 1_000_000, 0.13)
        ear.until(lambda: len(ear.alarms.keys() & range(1_000_000, 2_000_000)) >= alarms, "alarms of an idle node")
        idle.close()
        ear.until(lambda: max(ear.alarms) >= max(idle.said), "the last alarm of the idle node", 30)
        node.stop()
    ended(centre)
    ear.close()
    bare = (before + bare_rate(broker.port, folder / "payloads")[0]) / 2
    quiet, loud = ear.latencies_ms(idle.said), ear.latencies_ms(busy.said) or [0.0]
    print(f"idle: {len(quiet)} alarms, p50 {at(quiet, 0.5):.0f} ms, p99 {at(quiet, 0.99):.0f} ms; the agent uses {share:.1%} of a core")
    print(f"draining: {len(loud)} alarms, p50 {at(loud, 0.5):.0f} ms, p99 {at(loud, 0.99):.0f} ms")
    print(f"drain of {records} records: {rate:.0f}/s, bare paho {bare:.0f}/s, ratio {rate / bare:.2f}")
    print(f"CPU of 1000 records: agent {cpu:.2f} s, bare paho {bare_cpu:.2f} s")
    return [
        *([f"idle p99 > {IDLE_P99_MS:.0f} ms"] if at(quiet, 0.99) > IDLE_P99_MS else []),
        *([f"p99 while draining > {BUSY_P99_MS:.0f} ms"] if at(loud, 0.99) > BUSY_P99_MS else []),
        *([f"ratio < {RATIO_MIN}"] if rate / bare < RATIO_MIN else []),
    ]


def slow(broker: Mosquitto, folder: Path) -> list[str]:
    with Proxy(broker.port) as proxy:
        proxy.bytes_per_s = SLOW_BYTES_PER_S
        node = AgentProcess(folder / "slow", proxy.port)
        fill(node.data, SLOW_RECORDS)
        centre = helper("centre", str(broker.port), str(folder / "slow-town"))
        ear = Ear(broker.port)
        with node:
            ear.until(lambda: any(upto > 0 for _, upto in ear.marks), "the first watermark")
            began_s, began_bytes = time.monotonic(), proxy.up_bytes
            alarming = Alarming(node.data, 0, 0.5)
            ear.until(lambda: ear.drained(SLOW_RECORDS), "the backlog is drained over the slow link")
            used = (proxy.up_bytes - began_bytes) / (time.monotonic() - began_s) / SLOW_BYTES_PER_S
            alarming.close()
            ear.until(lambda: max(ear.alarms) >= max(alarming.said), "the last alarm", 30)
            node.stop()
        ended(centre)
        ear.close()
    waits = ear.latencies_ms(alarming.said)
    print(
        f"{SLOW_RECORDS} records at 256 kbit/s: {len(waits)} alarms, p50 {at(waits, 0.5):.0f} ms, p95 {at(waits, 0.95):.0f} ms, "
        f"{used:.0%} of the link used"
    )
    return [
        *([f"p95 at 256 kbit/s > {SLOW_P95_MS:.0f} ms"] if at(waits, 0.95) > SLOW_P95_MS else []),
        *([f"less than {LINK_SHARE_MIN:.0%} of the slow link used"] if used < LINK_SHARE_MIN else []),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--alarms", type=int, default=100, help="alarms of the idle node")
    parser.add_argument("--skip-slow", action="store_true")
    asked = parser.parse_args()
    return run(asked.records, asked.alarms, with_slow=not asked.skip_slow)


def run(records: int, alarms: int, *, with_slow: bool) -> int:
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="link-bench-") as name:
        folder = Path(name)
        with Mosquitto(folder / "broker") as broker:
            failed += product(broker, folder, records, alarms)
        if with_slow:
            with Mosquitto(folder / "slow-broker") as broker:
                failed += slow(broker, folder)
    for each in failed:
        print(f"FAILED: {each}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
