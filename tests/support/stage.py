"""A broker, a node with half a minute of footage, and where its clips go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.centre.asked import Asked
from edge.centre.keys import make_keys
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from tests.support.agents import CAMERA, NODE, AgentProcess, Town
from tests.support.identities import Town as Authority
from tests.support.identities import pem_of_key
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.pole import Pole

CLOCK = KernelClock("assume")


@dataclass
class Stage:
    """A town with one node that has half a minute of footage, ending about now."""

    broker: Mosquitto
    folder: Path
    private_key: Path
    public_key: Path
    upload_port: int
    first_utc_ns: int

    def agent(self, upload_port: int | None = None, sections: str = "") -> AgentProcess:
        """upload_port: of what stands between it and the receiver."""
        port = self.upload_port if upload_port is None else upload_port
        upload = f'[upload]\nurl = "http://127.0.0.1:{port}/files"\nbackoff_max_s = 0.3\nprogress_timeout_s = 5\npatch_bytes = 65536\n'
        return AgentProcess(self.folder / "node", self.broker.port, f'command_key = "{self.public_key}"', upload + sections)

    def node(self, sections: str = "", *, watched: bool = True) -> AgentProcess:
        """All of it, below `edge run`. watched: with a watcher."""
        camera = f"width = 320\nheight = 240\nfps = 5\nbitrate_kbps = 200\nmotion = {str(watched).lower()}\n"
        key = f'command_key = "{self.public_key}"'
        return AgentProcess(self.folder / "node", self.broker.port, key, sections, command="run", camera=camera)

    def seal(self, authority: Authority) -> str:
        """A key for the node; the section that names it."""
        key = self.folder / "media.key"
        key.touch(mode=0o600)
        key.write_bytes(pem_of_key(authority.key_of(NODE)))
        (self.folder / "media.pem").write_bytes(authority.certify(NODE))
        return f'[seal]\ncertificate = "{self.folder}/media.pem"\nkey = "{key}"\n'

    def town(self) -> Town:
        return Town(self.broker.port, self.folder / "town", command_key=self.private_key)

    def receiver(self) -> ReceiverServer:
        receiver = ReceiverServer(ServeSettings(self.folder / "received", port=self.upload_port), LinuxDisk(), CLOCK)
        receiver.start()
        return receiver

    def utc(self, second: float) -> str:
        return format_utc(self.first_utc_ns + round(second * NS_PER_S))

    def ask(self, town: Town, first: float, last: float, id: str = "") -> Asked:
        return town.centre.request_clip(NODE, CAMERA, self.utc(first), self.utc(last), operator="a.nowak", case="12/26", id=id)


@contextmanager
def raised(folder: Path, filler_bytes: int = 0) -> Iterator[Stage]:
    """A stage below `folder`. filler_bytes: more footage in each second."""
    private, public = make_keys(folder / "keys")
    start_ns = CLOCK.read().utc_ns // NS_PER_S * NS_PER_S - 60 * NS_PER_S
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(start_ns), data=folder / "node" / "data", boot=boot_id())
    pole.camera.filler_bytes = filler_bytes
    pole.start()
    pole.record(30)
    pole.stop()
    with Mosquitto(folder / "broker") as broker:
        yield Stage(broker, folder, private, public, free_port(), start_ns)
