"""A node on a model disk, with everything that a decommission must find: keys, footage, a lock, a clip job, networks, configuration."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.clock import NS_PER_MS, ManualClock, format_utc
from edge.config.model import Camera, Mqtt, Node, NodeConfig, Seal
from edge.errors import NotFound
from edge.host.disk import Entry
from edge.host.model_disk import Fault, ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Erase, facts_of
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.layout import folders_of
from edge.ring.query import RingReader
from edge.wipe.node import Order, Outcome, wipe_node
from edge.wipe.targets import targets_of
from tests.support.plain_ring import CAMERA, DATA, PlainRing

NODE = "pole-1"
CONFIG = Path("/etc/edge/node.toml")
SECRET = b"-----BEGIN PRIVATE KEY-----"
SECRETS = (
    Path("/etc/edge/disk.key"),
    Path("/etc/edge/keys/seal.key"),
    Path("/etc/edge/keys/tls.key"),
    Path("/etc/edge/keys/camera.txt"),
)
CERTIFICATES = (Path("/etc/edge/keys/seal.pem"), Path("/etc/edge/keys/tls.pem"), Path("/etc/edge/command.pub"))
AUTHORITIES = Path("/etc/ssl/certs/all.pem")
WIFI = Path("/etc/NetworkManager/system-connections/town.nmconnection")
KEPT = Path("/mnt/usb/pole-1")


def config_of(hw: str = "pi5") -> NodeConfig:
    return NodeConfig(
        node=Node(id=NODE, data=str(DATA), run="/run/edge", hw=hw, disk_key=str(SECRETS[0])),
        camera=[Camera(id=CAMERA, source="rtsp://192.0.2.7/", secrets=str(SECRETS[3]))],
        seal=Seal(certificate=str(CERTIFICATES[0]), key=str(SECRETS[1])),
        mqtt=Mqtt(
            host="broker", ca=str(AUTHORITIES), certificate=str(CERTIFICATES[1]), key=str(SECRETS[2]), command_key=str(CERTIFICATES[2])
        ),
    )


@dataclass
class WipedNode:
    """`disk` may be exchanged for what a power cut left of it."""

    disk: ModelDisk
    config: NodeConfig = field(default_factory=config_of)
    clock: ManualClock = field(default_factory=ManualClock)
    with_journals: bool = False
    keep: Path | None = None

    def order(self) -> Order:
        """A new process of the command."""
        folders, boot = folders_of(self.config), "boot-9"
        local: JournalWriter | None = None
        if any(entry.name == "journal" for entry in self.disk.scan(DATA)):
            local = JournalWriter(self.disk, folders.journal("local"), self.clock, boot)
        journal = local or JournalWriter(self.disk, folders.journal("local"), self.clock, boot)
        return Order(
            disk=self.disk,
            config=self.config,
            targets=targets_of(self.config, CONFIG),
            folders=folders,
            clock=self.clock,
            boot=boot,
            root=Path("/"),
            by="a.nowak",
            why="pole taken down",
            local=local,
            holds=Holds(self.disk, DATA, journal, self.clock, RingReader(self.disk, DATA, self.clock, boot)),
            keep=self.keep,
            with_journals=self.with_journals,
        )

    def wipe(self, fault: Fault | None = None) -> Outcome:
        """fault: `at` counts from the first operation of the wipe."""
        order = self.order()
        self.disk.fault = None if fault is None else replace(fault, at=self.disk.operations + fault.at)
        return wipe_node(order, lambda text: None)

    def exists(self, path: Path) -> bool:
        return any(entry.name == path.name for entry in _scan(self.disk, path.parent))

    def erased(self, journals: Path = DATA / "journal") -> list[int]:
        reader = JournalReader(self.disk, journals / f"recorder.{CAMERA}")
        return [facts_of(line.record, Erase).seq for line in reader.read() if line.record.type == "erase"]


def make_wiped_node(segments: int = 5) -> WipedNode:
    """Everything on its disk is synced."""
    disk = ModelDisk()
    ring = PlainRing(disk)
    names = [ring.record() for _ in range(segments)]
    node = WipedNode(disk, clock=ring.clock)
    order = node.order()
    first = names[1].start_utc_ms or 0
    start, end = (format_utc(moment * NS_PER_MS) for moment in (first + 5000, first + 20_000))
    order.holds.add(HoldRequest("evidence", CAMERA, start, end, case="RSW 1/26", by="J. Nowak"))
    _write(disk, DATA / "jobs" / "c1" / "request.json", b"{}")
    disk.link(DATA / "ring" / CAMERA / names[3].path, DATA / "jobs" / "c1" / "link.mp4")
    disk.sync_dir(DATA / "jobs" / "c1")
    _write(disk, DATA / "ring" / CAMERA / "open" / "000000099.mp4", b"torn")
    _write(disk, DATA / "thumbs" / CAMERA / "1.jpg", b"jpeg")
    _write(disk, DATA / "agent" / "session.json", b"{}")
    _write(disk, DATA / "cursor" / "agent", b"{}")
    _write(disk, DATA / ".edge-data", NODE.encode())
    _write(disk, DATA / "photos" / "holiday.jpg", b"not ours")
    _write(disk, Path("/run/edge") / CAMERA / "status.json", b"{}")
    for path in SECRETS:
        _write(disk, path, SECRET)
    for path in (*CERTIFICATES, AUTHORITIES):
        _write(disk, path, b"-----BEGIN CERTIFICATE-----")
    _write(disk, WIFI, b"psk=1234")
    _write(disk, WIFI.with_name("readme"), b"also in there")
    _write(disk, CONFIG, b"[node]")
    _write(disk, CONFIG.with_name("node.toml.last-good"), b"[node]")
    return node


def _scan(disk: ModelDisk, folder: Path) -> list[Entry]:
    try:
        return disk.scan(folder)
    except NotFound:
        return []


def _write(disk: ModelDisk, path: Path, data: bytes) -> None:
    disk.mkdir(path.parent)
    disk.replace(path, data)
