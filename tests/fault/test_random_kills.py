"""A whole node - two cameras, watcher, agent, real broker and receiver - whose processes are killed at random a hundred times."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from edge.centre.asked import Asked
from edge.centre.client import Client
from edge.centre.keys import make_keys
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.clock import NS_PER_MS, NS_PER_S, format_utc, monotonic_s
from edge.config.model import Mqtt
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.messages.records import Boot, Recover, facts_of
from edge.messages.status import CameraStatus
from edge.ring.check import check
from edge.ring.query import RingReader
from edge.services.seal_check import check_seals
from tests.support.depth import usually
from tests.support.mosquitto import Mosquitto
from tests.support.signing import write_key

SEED = 20261122
KILLS = usually(20, full=100)
CLIPS = 4
CAMERAS = ("cam0", "cam1")
NODE = "pole"
FPS, GOP_S = 10, 1.0
MOST_LOST_S = 2 * GOP_S + 0.5
"""The GOP being received is in memory; the one before may be on its way to the disk: at most one whole fragment is lost."""


@dataclass
class Site:
    """The node and what it talks to."""

    folder: Path
    centre: Client
    node: subprocess.Popen[bytes]
    clock: KernelClock

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def status(self, camera: str) -> CameraStatus | None:
        with suppress(OSError):
            return msgspec.json.decode((self.folder / "run" / camera / "status.json").read_bytes(), type=CameraStatus)
        return None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        clock = KernelClock("assume")
        broker = Mosquitto(tmp_path / "broker").start()
        stack.callback(broker.stop)
        private_key, public_key = make_keys(tmp_path / "keys")
        receiver = ReceiverServer(ServeSettings(tmp_path / "clips"), LinuxDisk(), clock)
        receiver.start()
        stack.callback(receiver.stop)
        mqtt = Mqtt(host="127.0.0.1", port=broker.port, tls=False, backoff_max_s=1.0)
        centre = stack.enter_context(Client(mqtt, tmp_path / "centre", command_key=private_key))
        write_key(tmp_path, NODE)
        config = tmp_path / "node.toml"
        config.write_text(_config(tmp_path, broker.port, receiver.url, public_key))
        with (tmp_path / "node.log").open("wb") as log:
            node = subprocess.Popen([sys.executable, "-m", "tests.support.quick_node", str(config)], stderr=log, start_new_session=True)
        stack.callback(_end, node)
        yield Site(tmp_path, centre, node, clock)


def _config(folder: Path, broker_port: int, upload_url: str, public_key: Path) -> str:
    cameras = "".join(
        f'[[camera]]\nid = "{camera}"\nsource = "synthetic:"\nwidth = 320\nheight = 180\nfps = {FPS}.0\nbitrate_kbps = 1500\n'
        f"gop_s = {GOP_S}\nluma_width = 160\nluma_height = 90\noptions = {{ seed = {number} }}\n"
        for number, camera in enumerate(CAMERAS)
    )
    return (
        f'[node]\nid = "{NODE}"\ndata = "{folder}/data"\nrun = "{folder}/run"\n{cameras}'
        f'[ring]\nsegment_s = 5.0\nreserve_bytes = 1000000\n[clock]\ntrust = "assume"\n'
        f'[seal]\nkey = "{folder}/media.key"\ncertificate = "{folder}/media.pem"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker_port}\ntls = false\nbackoff_max_s = 0.5\ncommand_key = "{public_key}"\n'
        f'[upload]\nurl = "{upload_url}"\nrate_kbps = 2000\npatch_bytes = 65536\nbackoff_max_s = 0.3\n[health]\ninterval_s = 5.0\n'
    )


def _end(node: subprocess.Popen[bytes]) -> None:
    if node.poll() is None:
        node.send_signal(signal.SIGTERM)
        try:
            node.wait(60)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


def wait_until(holds: Callable[[], bool], timeout_s: float, what: str) -> None:
    ends_s, pause = monotonic_s() + timeout_s, threading.Event()
    while not holds():
        assert monotonic_s() < ends_s, f"not within {timeout_s} s: {what}"
        pause.wait(0.05)


def processes(site: Site) -> dict[str, int]:
    """Name -> pid of everything below `edge run`, read from the kernel."""
    found: dict[str, int] = {}
    for pid in _children(site.node.pid):
        words = _command(pid)
        if "record" in words:
            camera = words[words.index("--camera") + 1]
            found[f"recorder {camera}"] = pid
            found.update({f"worker {camera}": worker for worker in _children(pid)})
        else:
            found.update({name: pid for name in ("watch", "agent") if name in words})
    return found


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _command(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return []


def recorded_to_ms(site: Site, camera: str) -> int | None:
    """CLOCK_BOOTTIME of the newest fragment on disk, by the recorder's own word."""
    status = site.status(camera)
    return status.last_fragment_mono_ms if status is not None and status.state == "recording" else None


def steadily_recording(site: Site, camera: str) -> bool:
    """Alive, and the last fragment is younger than two GOPs."""
    newest_ms = recorded_to_ms(site, camera)
    return newest_ms is not None and site.clock.boot_ns() // NS_PER_MS - newest_ms < 2500


def ask_for_clip(site: Site, number: int) -> Asked:
    end_ns = site.clock.read().utc_ns - 3 * NS_PER_S
    start, end = format_utc(end_ns - 12 * NS_PER_S), format_utc(end_ns)
    return site.centre.request_clip(NODE, CAMERAS[number % 2], start, end, operator="test", case="T-1", id=f"clip-{number}")


def kill_at_random(site: Site, chance: random.Random) -> tuple[Counter[str], dict[str, list[int]], list[Asked]]:
    """Returns what was killed, when recorders that were recording died (CLOCK_BOOTTIME ms), and the clips asked for meanwhile."""
    killed: Counter[str] = Counter()
    deaths_ms: dict[str, list[int]] = {camera: [] for camera in CAMERAS}
    clips: list[Asked] = []
    pause = threading.Event()
    while killed.total() < KILLS:
        pause.wait(chance.uniform(0.1, 1.4))
        if len(clips) < CLIPS and killed.total() >= (len(clips) + 1) * KILLS // (CLIPS + 2):
            clips.append(ask_for_clip(site, len(clips)))
        alive = processes(site)
        if not alive:
            continue
        name = chance.choice(sorted(alive))
        kind, _, camera = name.partition(" ")
        if kind == "recorder" and steadily_recording(site, camera):
            deaths_ms[camera].append(site.clock.boot_ns() // NS_PER_MS)
        with suppress(ProcessLookupError):
            os.kill(alive[name], signal.SIGKILL)
            killed[kind] += 1
    return killed, deaths_ms, clips


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_random_kills_cost_at_most_one_fragment_each_and_no_event(site: Site) -> None:
    wait_until(lambda: all(steadily_recording(site, camera) for camera in CAMERAS), 30, "both cameras record")
    killed, deaths_ms, clips = kill_at_random(site, random.Random(SEED))
    note = f"seed {SEED}, killed {dict(killed)}"
    finals = [clip.wait(120) for clip in clips]
    wait_until(lambda: all(steadily_recording(site, camera) for camera in CAMERAS), 60, "both cameras record again")
    heads = {folder.name: newest(folder) for folder in (site.data / "journal").iterdir()}
    wait_until(lambda: not undelivered(site, heads), 60, f"delivered: {undelivered(site, heads)}, {note}")
    _end(site.node)

    report = check(LinuxDisk(), site.data, deep=True)
    assert report.ok, f"{note}: {report.findings}"
    assert check_seals(LinuxDisk(), site.data)[0] == [], note
    for name in heads:
        assert JournalReader(LinuxDisk(), site.data / "journal" / name).verify() == [], note
    assert_centre_has_the_same_lines(site, heads)
    assert len(finals) == CLIPS
    for clip, final in zip(clips, finals, strict=True):
        assert final is not None, f"{clip.id}: {note}"
        assert final.state == "done", f"{final}: {note}"
        assert final.manifest is not None
        for file in final.manifest.files:
            assert hashlib.sha256((site.folder / "clips" / NODE / clip.id / file.name).read_bytes()).hexdigest() == file.sha256
    for camera in CAMERAS:
        assert_little_is_lost(site, camera, deaths_ms[camera], note)


def newest(folder: Path) -> int:
    last = JournalReader(LinuxDisk(), folder).last()
    return last.seq if last is not None else 0


def undelivered(site: Site, heads: dict[str, int]) -> dict[str, tuple[int, int]]:
    marks = site.centre.ack(NODE).watermarks
    return {
        name: (marks[name].upto if name in marks else 0, seq) for name, seq in heads.items() if name not in marks or marks[name].upto < seq
    }


def assert_centre_has_the_same_lines(site: Site, heads: dict[str, int]) -> None:
    """Nothing lost, nothing doubled, byte for byte."""
    for (_, journal, _), counters in site.centre.counters().items():
        assert (counters.missing, counters.breaks, counters.conflicts) == (0, 0, 0), journal
    for name, seq in heads.items():
        stored = [event.raw for event in site.centre.events(NODE, name)]
        lines = [line.raw for line in JournalReader(LinuxDisk(), site.data / "journal" / name).read()]
        assert len(stored) >= seq
        assert stored == lines[: len(stored)]


def assert_little_is_lost(site: Site, camera: str, deaths_ms: list[int], note: str) -> None:
    """Footage up to each death, but for the GOP in hand and the fragment in flight."""
    reader = RingReader(LinuxDisk(), site.data, site.clock, "")
    offset_ns = site.clock.read().offset_ns
    spans = [(ref.start_utc_ns - offset_ns, ref.end_utc_ns - offset_ns) for ref in reader.segments(camera, 0, 1 << 62)]
    for death_ms in deaths_ms:
        before = [end for start, end in spans if start < death_ms * NS_PER_MS]
        lost_s = death_ms / 1000 - min(max(before), death_ms * NS_PER_MS) / NS_PER_S
        assert lost_s <= MOST_LOST_S, f"{camera}: {lost_s:.2f} s lost at a recorder's death; {note}"


def test_recovery_is_recorded_for_a_killed_recorder(site: Site) -> None:
    wait_until(lambda: steadily_recording(site, "cam0"), 30, "cam0 records")
    pid = processes(site)["recorder cam0"]
    os.kill(pid, signal.SIGKILL)

    def replaced() -> bool:
        status = site.status("cam0")
        return status is not None and status.pid != pid and steadily_recording(site, "cam0")

    wait_until(replaced, 30, "another recorder records cam0")
    records = [line.record for line in JournalReader(LinuxDisk(), site.data / "journal" / "recorder.cam0").read()]
    assert [facts_of(record, Boot).ended for record in records if record.type == "boot"] == ["first", "crash"]
    assert [facts_of(record, Recover).fragments > 0 for record in records if record.type == "recover"] == [True]
