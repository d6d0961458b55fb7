"""Who gets how much of the link: transfers among each other, and alarms beside an upload.

Shares: three real transfers to the real receiver under one rate, one of them urgent (weight 4), one that waits for its answers often;
ratios of what they moved in the same seconds. Alarms: a broker and the receiver in one network namespace, the agent in another, between
them a router whose way to the town is slow and has a queue of seconds (tbf); alarms are timed from the journal's append to a subscriber,
beside nothing, beside the agent's own clip upload, and beside a plain TCP sender (CUBIC) that fills the link. Needs root for the second
part. Ends with 1 when a bound fails.

    python bench/upload_shares.py [--seconds 10] [--alarms 40]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.link import Ear, at
from edge.centre.keys import make_keys
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import NS_PER_S, ManualClock, format_utc, monotonic_s
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.messages.records import AlarmRaised
from edge.upload.http import Target
from edge.upload.pace import FairPace
from edge.upload.parcel import metadata_of
from edge.upload.passage import URGENT_WEIGHT, Passage
from edge.upload.send import Progress, send_file
from tests.support.agents import CAMERA, NODE, AgentProcess, Town, writer_of
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import quick
from tests.support.mosquitto import Mosquitto
from tests.support.pole import Pole

STREET, ROUTER, TOWN = "bench-street", "bench-router", "bench-town"
RATE_BYTES_PER_S = 1_000_000
SHARE_SLACK = 0.15
LINK_KBIT = 2000
QUEUE_BYTES = 500_000
"""Two seconds of it, as a modem may have."""
ALARM_P50_RATIO_MAX = 0.5
"""Beside our upload against beside a plain sender; with BBR and without."""
LINK_SHARE_MIN = 0.5
"""Of the link, what the upload still gets while it gives way."""


class Moving:
    """One transfer in a thread."""

    def __init__(self, name: str, url: str, pace: FairPace, *, urgent: bool = False, patch: int = 8 << 20) -> None:
        self.moved = 0
        self.stop = threading.Event()
        self._send: Callable[[], object] = lambda: send_file(
            Target(url),
            clip,
            metadata=metadata_of("pole-7", "r-1", f"{name}.mp4", clip.etag()),
            sha256=clip.etag(),
            remembered_url="",
            remember=lambda address: None,
            on_progress=self._progress,
            stop=self.stop,
            deadline_s=monotonic_s() + 600,
            settings=replace(quick(patch_bytes=patch)),
            passage=Passage(pace, urgent=urgent),
        )
        clip = MemoryClip(noise(30_000_000, len(name)))
        self.thread = threading.Thread(target=lambda: self._send())
        self.thread.start()

    def _progress(self, now: Progress) -> None:
        self.moved = now.offset + now.moving


def shares(seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        limits = StoreLimits(reserve_bytes=0)
        server = ReceiverServer(ServeSettings(folder=Path(folder), limits=limits), LinuxDisk(), ManualClock())
        server.start()
        pace = FairPace(RATE_BYTES_PER_S)
        plain = Moving("plain", server.url, pace)
        often = Moving("often", server.url, pace, patch=100_000)
        urgent = Moving("urgent", server.url, pace, urgent=True)
        transfers = (plain, often, urgent)
        pause = threading.Event()
        pause.wait(2.0)
        before, began_s = [each.moved for each in transfers], monotonic_s()
        pause.wait(seconds)
        a, b, c = (each.moved - moved for each, moved in zip(transfers, before, strict=True))
        took_s = monotonic_s() - began_s
        for each in transfers:
            each.stop.set()
            each.thread.join()
        server.stop()
    total = (a + b + c) / took_s / RATE_BYTES_PER_S
    print(f"shares: often/plain {b / a:.3f} (1), urgent/plain {c / a:.3f} ({URGENT_WEIGHT:g}), all together {total:.3f} of the rate")
    even, weighted = abs(b / a - 1) <= SHARE_SLACK, abs(c / a / URGENT_WEIGHT - 1) <= SHARE_SLACK
    return even and weighted and abs(total - 1) <= 0.05


@contextmanager
def town(folder: Path) -> Iterator[tuple[Town, AgentProcess, Ear, ReceiverServer]]:
    """With a node that has a minute of footage of 15 MB."""
    private, public = make_keys(folder / "keys")
    clock = KernelClock("assume")
    start_ns = clock.read().utc_ns // NS_PER_S * NS_PER_S - 90 * NS_PER_S
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(start_ns), data=folder / "node" / "data", boot=boot_id())
    pole.camera.filler_bytes = 250_000
    pole.start()
    pole.record(60)
    pole.stop()
    receiver = ReceiverServer(ServeSettings(folder / "received", limits=StoreLimits(reserve_bytes=0)), LinuxDisk(), clock)
    receiver.start()
    upload = f'[upload]\nurl = "{receiver.url}"\nprogress_timeout_s = 20\n'
    with (
        Mosquitto(folder / "broker") as broker,
        Town(broker.port, folder / "town", command_key=private) as centre,
        StreetAgent(folder / "node", broker.port, f'command_key = "{public}"', upload) as agent,
    ):
        centre.until_online()
        yield centre, agent, Ear(broker.port), receiver
        agent.stop()
    receiver.stop()


class StreetAgent(AgentProcess):
    """In the namespace of the node."""

    def start(self) -> AgentProcess:
        with (self.folder / "agent.log").open("ab") as log:
            argv = ["ip", "netns", "exec", STREET, sys.executable, "-m", "edge", "agent", "--config", str(self.config)]
            self._process = subprocess.Popen(argv, stderr=log, cwd=Path(__file__).parents[1])
        return self


def timed(agent: AgentProcess, ear: Ear, first: int, count: int) -> list[float]:
    """Milliseconds from the append to the subscriber, two alarms a second."""
    journal, pause = writer_of(agent.data, "watcher"), threading.Event()
    sent: dict[int, float] = {}
    for value in range(first, first + count):
        journal.append(AlarmRaised(code="bench", active=bool(value % 2), severity="warning", text="x", value=float(value)))
        sent[value] = monotonic_s()
        pause.wait(0.5)
    ends_s = monotonic_s() + 60
    while (first + count - 1) not in ear.alarms and monotonic_s() < ends_s:
        pause.wait(0.1)
    journal.close()
    return sorted((ear.alarms[value] - at_s) * 1000 for value, at_s in sent.items() if value in ear.alarms)


_SENDER = """
import socket, sys
sender = socket.socket()
sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
sender.connect(("127.0.0.1", int(sys.argv[1])))
while True:
    sender.sendall(bytes(1 << 16))
"""


@contextmanager
def filled() -> Iterator[None]:
    """A plain sender on the node that fills the link."""
    server = socket.create_server(("127.0.0.1", 0))
    port = str(server.getsockname()[1])
    sender = subprocess.Popen(["ip", "netns", "exec", STREET, sys.executable, "-c", _SENDER, port], stderr=subprocess.DEVNULL)
    taker, _ = server.accept()

    def take() -> None:
        with suppress(OSError):
            while taker.recv(1 << 16):
                pass

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        sender.kill()
        sender.wait()
        thread.join()
        taker.close()
        server.close()


def ip(*words: str) -> None:
    subprocess.run(["ip", *" ".join(words).split()], check=True)


@contextmanager
def namespaces() -> Iterator[None]:
    """STREET - ROUTER - TOWN. What the street calls 127.0.0.1 is the town's: plain text is for loopback only."""
    names = (STREET, ROUTER, TOWN)
    for name in names:
        ip("netns add", name)
    try:
        for name, wire, address in ((STREET, "street", "10.98.1.1"), (ROUTER, "", ""), (TOWN, "town", "10.98.2.1")):
            for key in (
                "ip_forward",
                "conf.all.route_localnet",
                "conf.default.route_localnet",
                "conf.all.rp_filter",
                "conf.default.rp_filter",
            ):
                value = "0" if key.endswith("rp_filter") else "1"
                subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv4.{key}={value}"], check=True)
            if wire:
                gateway = f"{address[:-1]}2"
                ip(f"link add {wire} netns {name} type veth peer name {wire} netns {ROUTER}")
                ip(f"-n {name} addr add {address}/24 dev {wire}")
                ip(f"-n {ROUTER} addr add {gateway}/24 dev {wire}")
                for each in (name, ROUTER):
                    ip(f"-n {each} link set {wire} up")
                ip(f"-n {name} route add default via {gateway}")
        ip(f"-n {TOWN} link set lo up")
        ip(f"-n {ROUTER} route add 127.0.0.1 via 10.98.2.1")
        ip(f"-n {STREET} route add 127.0.0.1 via 10.98.1.2 src 10.98.1.1")
        shape = f"tc -n {ROUTER} qdisc add dev town root tbf rate {LINK_KBIT}kbit burst 8k limit {QUEUE_BYTES}"
        subprocess.run(shape.split(), check=True)
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def alarms(count: int) -> bool:
    with tempfile.TemporaryDirectory() as name, town(Path(name)) as (centre, agent, ear, receiver):
        idle = timed(agent, ear, 1000, count)
        with filled():
            threading.Event().wait(3.0)
            beside_sender = timed(agent, ear, 2000, count)
        threading.Event().wait(5.0)
        now_ns = KernelClock("assume").read().utc_ns
        ask = (format_utc(now_ns - 3600 * NS_PER_S), format_utc(now_ns - NS_PER_S))
        clip = centre.centre.request_clip(NODE, CAMERA, *ask, operator="a", case="b")
        centre.until(lambda: any(each.state == "running" for each in clip.responses), "the clip is on its way", 30)
        before, began_s = stored(receiver, name), monotonic_s()
        beside_upload = timed(agent, ear, 3000, count)
        share = (stored(receiver, name) - before) * 8 / (monotonic_s() - began_s) / (LINK_KBIT * 1000)
    for what, times in (("nothing", idle), ("a plain sender", beside_sender), ("our upload", beside_upload)):
        print(f"alarms beside {what}: p50 {at(times, 0.5):.0f} ms, p95 {at(times, 0.95):.0f} ms, {len(times)} of {count}")
    ratio = at(beside_upload, 0.5) / at(beside_sender, 0.5)
    print(
        f"p50 beside our upload / beside a plain sender {ratio:.3f} (at most {ALARM_P50_RATIO_MAX}); the upload had {share:.2f} of the link"
    )
    return ratio <= ALARM_P50_RATIO_MAX and share >= LINK_SHARE_MIN


def stored(receiver: ReceiverServer, folder: str) -> int:
    return sum(path.stat().st_size for path in (Path(folder) / "received").rglob("*") if path.is_file())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--alarms", type=int, default=40)
    parser.add_argument("--inside", action="store_true", help="already in the town's network namespace")
    options = parser.parse_args()
    if options.inside:
        return 0 if alarms(options.alarms) else 1
    well = shares(options.seconds)
    if os.geteuid() != 0:
        print("alarms beside an upload: needs root for a slow link, left out")
        return 0 if well else 1
    with namespaces():
        words = ["ip", "netns", "exec", TOWN, sys.executable, __file__, "--inside", "--alarms", str(options.alarms)]
        return 0 if subprocess.run(words, check=False).returncode == 0 and well else 1


if __name__ == "__main__":
    sys.exit(main())
