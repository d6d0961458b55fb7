"""How late: from a picture's sensor time stamp to its fragment on disk, from motion to its event at the broker; how long a snapshot takes.

On disk: the real recorder and its capture worker; a fragment counts when the fdatasync that covers it has returned, against the time stamp
of its first picture, which waited for the whole group of pictures. At the broker: recorder, watcher and agent as processes of their own, a
real Mosquitto on loopback, a plain subscriber; against the picture in which the detector first said motion. With the synthetic camera the
truth is known: then also against the picture in which somebody first covered 0.5 % of it. The virtual cameras are those of tests/rig,
through the real picamera2. Ends with 1 when a bound fails.

    python bench/latency.py [--seconds 60]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import av
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paho.mqtt.client import Client, MQTTMessage

from edge.capture.street import Scene, truth
from edge.clip.snapshot import take_snapshot
from edge.clip.source import DiskFile, read_index
from edge.clock import NS_PER_MS
from edge.config.model import NodeConfig
from edge.config.read import load_config
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk, LinuxFile
from edge.host.timesync import KernelClock
from edge.messages.wire import Event
from edge.ring.layout import folders_of
from edge.ring.query import RingReader
from edge.services.recorder import run_recorder
from tests.support import camera_rig
from tests.support.agents import NODE
from tests.support.link_peers import plain_client
from tests.support.mosquitto import Mosquitto
from tests.support.node_process import running
from tests.support.video import frame_number, luma_of

GOP_S = 1.0
DISK_P99_MS = GOP_S * 1000 + 300.0
MOTION_P99_MS = 500.0
SNAPSHOT_P99_MS = 1000.0
SETTLE_S = 8.0
"""Until the camera surely records."""
BASE = """
[node]
id = "{node}"
data = "{folder}/data"
run = "{folder}/run"
[clock]
trust = "assume"
[ring]
segment_s = 5.0
[watch]
end_s = 1.0
[mqtt]
host = "127.0.0.1"
port = {port}
tls = false
"""
WIDTH, HEIGHT, TRAFFIC = 640, 360, 0.3
FOUND_SHARE = 0.005
"""Of the picture: what is larger must be found."""
ALONE_S = 2.0
CAMERA = """
[[camera]]
id = "cam{number}"
source = "{source}"
width = {width}
height = {height}
gop_s = {gop_s}
stall_s = 5.0
"""
SYNTHETIC = """[camera.options]
seed = {number}
traffic = {traffic}
"""


def scene_of(number: int) -> Scene:
    """What the synthetic camera of that number shows."""
    return Scene(width=WIDTH, height=HEIGHT, traffic=TRAFFIC, seed=number)


@dataclass(frozen=True)
class Cameras:
    """sources: of each camera. worker: the Python in which capture workers run, None: this one."""

    name: str
    sources: list[str]
    worker: Path | None = None

    def config(self, folder: Path, port: int, width: int = WIDTH, height: int = HEIGHT) -> Path:
        path = folder / "node.toml"
        text = BASE.format(node=NODE, folder=folder, port=port)
        for number, source in enumerate(self.sources):
            text += CAMERA.format(number=number, source=source, width=width, height=height, gop_s=GOP_S)
            text += SYNTHETIC.format(number=number, traffic=TRAFFIC) if source == "synthetic:" else ""
        path.write_text(text)
        return path


@dataclass
class StampedDisk(LinuxDisk):
    """Notes when bytes of a file became durable: inode -> (bytes, CLOCK_BOOTTIME)."""

    synced: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def create(self, path: Path) -> LinuxFile:
        made = super().create(path)
        stamps = self.synced.setdefault(path.stat().st_ino, [])
        sync = made.fdatasync

        def fdatasync() -> None:
            size = made.size()
            sync()
            stamps.append((size, boot_ns()))

        made.fdatasync = fdatasync  # type: ignore[method-assign]
        return made


def boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def until_on_disk_ms(cameras: Cameras, width: int, height: int, seconds: float) -> tuple[list[float], list[float]]:
    """(of each fragment that was written: from its first picture's time stamp until it was durable; how long a snapshot took, one every
    two seconds meanwhile)"""
    disk, stop = StampedDisk(), threading.Event()
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        config = load_config(cameras.config(Path(name), 1, width, height)).config
        python, sys.executable = sys.executable, str(cameras.worker or sys.executable)
        if cameras.worker is not None:
            os.environ |= camera_rig.rig_environment()
        recorder = threading.Thread(target=run_recorder, args=(config, "cam0", stop), kwargs={"disk": disk})
        recorder.start()
        try:
            time.sleep(SETTLE_S)
            sys.executable = python
            snapshots = [_snapshot_ms(config) for _ in range(round(seconds / 2)) if not stop.wait(2.0)]
        finally:
            stop.set()
            recorder.join()
        return [late for path in sealed(Path(name), "cam0") for late in _late_ms(path, disk)], snapshots


def _snapshot_ms(config: NodeConfig) -> float:
    begin_s = time.monotonic()
    clock = KernelClock("assume")
    take_snapshot(RingReader(LinuxDisk(), folders_of(config).data, clock, boot_id()), LinuxDisk(), "cam0", clock.read().utc_ns)
    return (time.monotonic() - begin_s) * 1000


def _late_ms(path: Path, disk: StampedDisk) -> Iterator[float]:
    stamps = disk.synced[path.stat().st_ino]
    for entry in read_index(DiskFile(disk, path)).fragments:
        durable_ns = next(at_ns for size, at_ns in stamps if size >= entry.offset + entry.length)
        yield (durable_ns - entry.boot_ns) / NS_PER_MS


def sealed(folder: Path, camera: str) -> list[Path]:
    return sorted((folder / "data/ring" / camera).glob("20*/*.mp4"))


class Ear:
    """A plain subscriber. starts: (camera, milliseconds of CLOCK_BOOTTIME in which the detector first said motion, when it arrived)."""

    def __init__(self, port: int) -> None:
        self.starts: list[tuple[str, int, float]] = []
        self._client = plain_client(port, "ear")
        self._client.on_message = self._heard
        self._client.subscribe("+/v1/+/event/#", 1)
        self._client.loop_start()

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        now_ms = boot_ns() / NS_PER_MS
        record = msgspec.json.decode(msgspec.json.decode(message.payload, type=Event).record)
        if record["type"] == "episode" and record["facts"]["state"] == "start":
            self.starts.append((record["camera"], record["facts"]["since_mono_ms"], now_ms))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def until_at_the_broker_ms(cameras: Cameras, seconds: float) -> tuple[list[float], list[float]]:
    """(from the detector's first picture with motion, from the first picture in which somebody can be seen; empty where nobody knows)"""
    with ExitStack() as node:
        folder = Path(node.enter_context(tempfile.TemporaryDirectory(prefix="edge-bench-")))
        broker = node.enter_context(Mosquitto(folder / "broker"))
        config = cameras.config(folder, broker.port)
        ear = Ear(broker.port)
        words = [["agent"], ["watch"], *(["record", "--camera", f"cam{number}"] for number in range(len(cameras.sources)))]
        for process in words:
            worker = cameras.worker if process[0] == "record" else None
            environment = camera_rig.rig_environment() if worker else None
            log = folder / f"{'-'.join(process)}.log"
            node.enter_context(running(*process, "--config", str(config), worker=worker, env=environment, log=log))
        time.sleep(seconds)
        starts = list(ear.starts)
        ear.close()
        detected = [arrived_ms - since_ms for _, since_ms, arrived_ms in starts]
        if cameras.worker is not None:
            return detected, []
        truths = {f"cam{number}": Truth.of(folder, number) for number in range(len(cameras.sources))}
        first: dict[tuple[str, float], float] = {}
        for camera, since_ms, arrived_ms in starts:
            seen_ms = truths[camera].appeared_ms(since_ms)
            if seen_ms is not None:
                first.setdefault((camera, seen_ms), arrived_ms)
        return detected, [arrived_ms - seen_ms for (_, seen_ms), arrived_ms in first.items()]


@dataclass(frozen=True)
class Truth:
    """Which picture of the synthetic street was taken when."""

    scene: Scene
    number: int
    at_ms: float

    @classmethod
    def of(cls, folder: Path, camera: int) -> Truth:
        path = sealed(folder, f"cam{camera}")[0]
        with av.open(str(path)) as film:
            first = next(film.decode(video=0))
        at_ns = read_index(DiskFile(LinuxDisk(), path)).start_boot_ns
        return cls(scene_of(camera), frame_number(luma_of(first)), at_ns / NS_PER_MS)

    def appeared_ms(self, since_ms: float) -> float | None:
        """Of the picture in which what moves at `since_ms` was first to be seen as large as it must be found; None where somebody was
        there before."""
        number = self.number + round((since_ms - self.at_ms) * self.scene.fps / 1000)
        while self._share(number - 1) >= FOUND_SHARE:
            number -= 1
        if any(self._share(earlier) >= FOUND_SHARE for earlier in range(number - round(ALONE_S * self.scene.fps), number)):
            return None
        return self.at_ms + (number - self.number) * 1000 / self.scene.fps

    def _share(self, number: int) -> float:
        """Of the picture, covered by the largest."""
        return max((box.width * box.height for box in truth(number, self.scene)), default=0.0)


def told(what: str, late_ms: list[float], bound_ms: float | None = None) -> bool:
    """Prints; whether the bound holds."""
    if not late_ms:
        print(f"  {what}: nothing came")
        return bound_ms is None
    late_ms = sorted(late_ms)
    p50, p99 = (late_ms[len(late_ms) * part // 100] for part in (50, 99))
    bound = f" (at most {bound_ms:.0f})" if bound_ms is not None else ""
    print(f"  {what}: {len(late_ms)}, p50 {p50:.0f} ms, p99 {p99:.0f} ms{bound}, worst {late_ms[-1]:.0f} ms")
    return bound_ms is None or p99 <= bound_ms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    kinds = [Cameras("synthetic", ["synthetic:"] * 3)]
    if reason := camera_rig.missing():
        print(f"virtual cameras left out: {reason}")
    else:
        kinds.append(Cameras("picamera2, virtual", ["picamera2:pole-cam-2"], camera_rig.PYTHON))
    well = True
    for cameras in kinds:
        width, height = (1920, 1080) if cameras.worker is None else (WIDTH, HEIGHT)
        late, snapshots = until_on_disk_ms(cameras, width, height, seconds)
        print(f"{cameras.name}, groups of pictures of {GOP_S:g} s")
        well &= told(f"sensor to disk, fragments of {width}x{height}", late, DISK_P99_MS)
        well &= told(f"snapshot of {width}x{height} meanwhile", snapshots, SNAPSHOT_P99_MS)
        detected, seen = until_at_the_broker_ms(cameras, seconds)
        well &= told("first picture with motion to broker, episodes", detected, MOTION_P99_MS)
        if seen:
            told("first picture with somebody to broker, episodes", seen)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
