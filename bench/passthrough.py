"""What does recording a network camera cost? `edge record` against ffmpeg's segmenter, on the same stream at the same time.

    python bench/passthrough.py [--minutes 2] [--client own|libav] [--luma] [--folder FOLDER]

A local RTSP server replays 1920x1080, 25 pictures/s, 4 Mbit/s. ffmpeg copies it into fragmented MP4 segments of 60 s and syncs nothing;
`edge record` (recorder and capture worker together) does its whole work: sync per fragment, index, hashes, journal, a signature for each
GOP. A third recorder neither hashes nor signs (the rest of its work is the same): what evidence costs is the ratio to that one. Prints CPU
time as ratios, memory over time, and what the signatures add to the stream. Ends with 1 when a ratio is above its bound (own client, no
pictures), a process of ours has more than 120 MB resident, or memory grows; with 0 and the reason when ffmpeg or the RTSP server is not
there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.bmff.nal import stored
from edge.bmff.walk import walk
from edge.capture.catalog import open_source
from edge.capture.source import EndOfStream
from edge.clock import monotonic_s
from edge.messages.stream import CameraSettings, Packet
from edge.seal.onvif import is_signing_sei
from tests.support import rtsp_camera
from tests.support.signing import write_key

ROOT = Path(__file__).resolve().parent.parent
RATIO_MAX = 1.9
"""For copying with our own client; decoding pictures for the watcher and the general client are measured, not judged."""
EVIDENCE_MAX = 1.4
"""Signing and hashing, against the same recorder without them."""
OVERHEAD_MAX_KBPS = 14.0
RESIDENT_MAX_KB = 120 << 10
GROWTH_MAX_KB = 3 << 10
"""Between the first and the last third of the run; the first minute (imports, buffers) is not looked at in runs that are longer."""
WARM_S = 10.0
LOOK_S = 5.0
FILM_S = 20
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Look:
    """One look at a process: CPU seconds since its start, resident and proportional memory."""

    cpu_s: float
    rss_kb: int
    pss_kb: int


def look(pid: int) -> Look:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = {line.split(":")[0]: int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]}
    return Look((int(fields[11]) + int(fields[12])) / TICKS, memory["Rss"], memory["Pss"])


def child_of(pid: int) -> int:
    """The capture worker, once there is one."""
    until_s = monotonic_s() + 60
    wait = threading.Event()
    while monotonic_s() < until_s:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        wait.wait(0.1)
    raise SystemExit("the recorder started no capture worker; see its log above")


def footage() -> list[Packet]:
    """A busy, noisy street: the encoder uses its whole 4 Mbit/s."""
    options = {"speed": 0, "frames": FILM_S * 25, "noise": 3, "traffic": 1.0}
    source = open_source(CameraSettings(id="film", source="synthetic:", width=1920, height=1080, options=options))
    source.open()
    packets: list[Packet] = []
    try:
        while True:
            item = source.read(1.0)
            if isinstance(item, Packet):
                packets.append(item)
    except EndOfStream:
        return packets
    finally:
        source.close()


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT if command[0] == "ffmpeg" else signal.SIGTERM)
        process.wait(30)


def ffmpeg(url: str) -> list[str]:
    read = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, "-an", "-c", "copy"]
    write = ["-f", "segment", "-segment_time", "60", "-segment_format", "mp4"]
    return [*read, *write, "-segment_format_options", "movflags=frag_keyframe+empty_moov", "-y", "%03d.mp4"]


BARE = """
import sys
import edge.ring.segment

class Nothing:
    def update(self, data): pass
    def digest(self): return bytes(32)
    def hexdigest(self): return "0" * 64

edge.ring.segment.sha256 = Nothing
from edge.cli.main import main
main(sys.argv[1:])
"""
"""A recorder that reads no byte for evidence's sake."""


def recorder(folder: Path, url: str, asked: argparse.Namespace, *, bare: bool) -> list[str]:
    seal = "" if bare else f'\n[seal]\nkey = "{write_key(folder)[0]}"\ncertificate = "{folder / "media.pem"}"\n'
    config = folder / "node.toml"
    config.write_text(
        f'[node]\nid = "bench"\ndata = "{folder / "data"}"\nrun = "{folder / "run"}"\n\n[[camera]]\nid = "gate"\nsource = "{url}"\n'
        f'motion = {str(asked.luma).lower()}\noptions = {{ client = "{asked.client}" }}\n\n[clock]\ntrust = "assume"\n{seal}'
    )
    how = ["-c", BARE] if bare else ["-m", "edge"]
    return [sys.executable, *how, "record", "--config", str(config), "--camera", "gate"]


def overhead_kbps(folder: Path) -> float:
    """What signing SEIs add, kbit/s of footage."""
    added, seconds = 0, 0.0
    for path in sorted((folder / "data" / "ring").rglob("*.mp4")):
        data = path.read_bytes()
        index = walk(lambda offset, length, data=data: data[offset : offset + length], len(data)).index  # type: ignore[misc]
        for place, entry in enumerate(index.fragments):
            first = memoryview(data)[entry.data_offset : entry.data_offset + index.fragment_sizes(place)[0]]
            added += sum(4 + len(nal) for nal in stored(first) or [] if is_signing_sei("h264", nal))
        seconds += index.duration_ticks / 90_000
    return added * 8 / 1000 / max(seconds, 1.0)


def measure(asked: argparse.Namespace, folder: Path) -> int:
    print("drawing and encoding the film ...", flush=True)
    packets = footage()
    with ExitStack() as stack:
        camera = stack.enter_context(rtsp_camera.RtspCamera(packets))
        (folder / "ffmpeg").mkdir()
        (folder / "edge").mkdir()
        (folder / "bare").mkdir()
        them = stack.enter_context(running(ffmpeg(camera.url), folder / "ffmpeg"))
        us = stack.enter_context(running(recorder(folder / "edge", camera.url, asked, bare=False), folder / "edge"))
        bare = stack.enter_context(running(recorder(folder / "bare", camera.url, asked, bare=True), folder / "bare"))
        pids = {"ffmpeg": them.pid, "recorder": us.pid, "worker": child_of(us.pid)}
        pids |= {"bare recorder": bare.pid, "bare worker": child_of(bare.pid)}
        rate = sum(len(packet.data) for packet in packets) * 8 / FILM_S / 1e6
        print(f"1920x1080, 25/s, {rate:.2f} Mbit/s, {camera.clients()} clients, {asked.minutes:g} minutes, client {asked.client}")
        looks = watch(pids, asked.minutes * 60)
    kept = sum(file.stat().st_size for file in (folder / "edge" / "data" / "ring").rglob("*.mp4"))
    theirs = sum(file.stat().st_size for file in (folder / "ffmpeg").glob("*.mp4"))
    print(f"written: ffmpeg {theirs / 1e6:.1f} MB, edge {kept / 1e6:.1f} MB")
    added = overhead_kbps(folder / "edge")
    print(f"signatures add {added:.2f} kbit/s (at most {OVERHEAD_MAX_KBPS:g})")
    faults = judge(looks, asked.minutes * 60, kept / max(theirs, 1), judged=not asked.luma and asked.client == "own")
    if not 0 < added <= OVERHEAD_MAX_KBPS:
        faults.append(f"signatures add {added:.2f} kbit/s")
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def watch(pids: dict[str, int], seconds: float) -> list[dict[str, Look]]:
    """A look at all of them every 5 s, after 10 s of warming up."""
    wait = threading.Event()
    wait.wait(WARM_S)
    begin_s = monotonic_s()
    looks = [{name: look(pid) for name, pid in pids.items()}]
    print("   s  " + "".join(f"{name + ' RSS/PSS kB':>28}" for name in pids))
    while monotonic_s() - begin_s < seconds:
        wait.wait(min(LOOK_S, seconds))
        looks.append({name: look(pid) for name, pid in pids.items()})
        if len(looks) % 6 == 1 or monotonic_s() - begin_s >= seconds:
            row = "".join(f"{f'{each.rss_kb}/{each.pss_kb}':>28}" for each in looks[-1].values())
            print(f"{monotonic_s() - begin_s:5.0f} {row}", flush=True)
    return looks


def judge(looks: list[dict[str, Look]], seconds: float, kept: float, *, judged: bool) -> list[str]:
    """What is out of bounds, in words."""
    minutes = seconds / 60
    cost = {name: (looks[-1][name].cpu_s - looks[0][name].cpu_s) / minutes for name in looks[0]}
    ratio = (cost["recorder"] + cost["worker"]) / cost["ffmpeg"]
    print("CPU s per stream-minute: " + ", ".join(f"{name} {used:.3f}" for name, used in cost.items()))
    print(f"recorder + worker against ffmpeg: {ratio:.2f} x" + (f" (at most {RATIO_MAX})" if judged else ""))
    evidence = (cost["recorder"] + cost["worker"]) / (cost["bare recorder"] + cost["bare worker"])
    print(f"against the same without hashes and signatures: {evidence:.2f} x" + (f" (at most {EVIDENCE_MAX})" if judged else ""))
    faults = [f"CPU ratio {ratio:.2f} is above {RATIO_MAX}"] if judged and ratio > RATIO_MAX else []
    if judged and evidence > EVIDENCE_MAX:
        faults.append(f"evidence costs {evidence:.2f} times the rest, more than {EVIDENCE_MAX}")
    if not 0.9 < kept < 1.2:
        faults.append(f"edge kept {kept:.2f} of the bytes that ffmpeg kept")
    steady = looks[len(looks) // 2 :] if seconds < 180 else looks[int(60 / LOOK_S) :]
    third = max(1, len(steady) // 3)
    for name in ("recorder", "worker"):
        peak = max(each[name].rss_kb for each in looks)
        if peak > RESIDENT_MAX_KB:
            faults.append(f"{name} has {peak} kB resident, more than {RESIDENT_MAX_KB}")
        first = max(each[name].rss_kb for each in steady[:third])
        grown = min(each[name].rss_kb for each in steady[-third:]) - first
        print(f"{name}: peak {peak} kB resident, growth {grown} kB")
        if grown > GROWTH_MAX_KB:
            faults.append(f"{name} grew by {grown} kB")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--client", choices=("own", "libav"), default="own")
    parser.add_argument("--luma", action="store_true", help="with the watcher's pictures: key frames are decoded")
    parser.add_argument("--folder", type=Path, help="where both write; default: a temporary folder")
    asked = parser.parse_args()
    missing = rtsp_camera.missing() or ("" if shutil.which("ffmpeg") else "ffmpeg is missing")
    if missing:
        print(f"skipped: {missing}")
        return 0
    with tempfile.TemporaryDirectory(prefix="passthrough-", dir=asked.folder) as folder:
        return measure(asked, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
