"""What must be seen of a node before a change of its configuration is kept."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, ManualClock
from edge.config.model import Camera, Node, NodeConfig
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.config import Trial
from edge.messages.records import Boot
from edge.messages.status import CameraStatus
from edge.ring.layout import folders_of
from edge.services.config_proof import Proof

BOOT = "this-boot"
WANTED = "f" * 64
TRIAL = Trial(
    id="c1", operator="o", case="", version=0, before="", before_sha256="", wanted="", wanted_sha256=WANTED, units=["agent"],
    confirm_s=30, pids={"cam0": 100}, state="trying", boots=[BOOT],
)  # fmt: skip


class Site:
    def __init__(self, folder: Path) -> None:
        config = NodeConfig(node=Node(id="p", data=str(folder), run=str(folder / "run")), camera=[Camera(id="cam0", source="synthetic:")])
        self.folders, self.clock, self.online = folders_of(config), ManualClock(), True
        self.proof = Proof(config, self.folders, LinuxDisk(), self.clock, BOOT, lambda: self.online)
        self.status(100)

    def status(self, pid: int, **more: object) -> None:
        now_ms = self.clock.boot_ns() // NS_PER_MS
        status = CameraStatus(camera="cam0", state="recording", t="", clock="trusted", mono_ms=now_ms, boot=BOOT, pid=pid)
        self.folders.run("cam0").mkdir(parents=True, exist_ok=True)
        (self.folders.run("cam0") / "status.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(status, **more)))

    def holds(self, **changes: object) -> bool:
        return self.proof(msgspec.structs.replace(TRIAL, **changes))


def test_the_link_must_be_up_and_every_recorder_at_work(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.holds()
    site.online = False
    assert not site.holds()
    site.online = True
    site.status(100, state="stopped")
    assert not site.holds()
    site.status(100, boot="another")
    assert not site.holds()
    site.status(100, state="stalled")
    assert site.holds(), "a camera may be away on that day"
    site.clock.advance(60.0)
    assert not site.holds(), "nobody has written its status for a minute"


def test_a_recorder_that_had_to_start_anew_must_be_another_process(tmp_path: Path) -> None:
    site = Site(tmp_path)
    units = ["recorder:cam0", "agent"]
    assert site.proof.pids() == {"cam0": 100}
    assert not site.holds(units=units)
    assert site.holds(units=units, boots=["boot-before", BOOT]), "everything started anew"
    site.status(101)
    assert site.holds(units=units)


def test_a_watcher_that_had_to_start_anew_must_have_started_under_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    units = ["watcher", "agent"]
    assert not site.holds(units=units)
    journal = JournalWriter(LinuxDisk(), site.folders.journal("watcher"), site.clock, BOOT)
    journal.open()
    for sha256, expected in (("0" * 64, False), (WANTED, True), ("1" * 64, False)):
        journal.append(Boot(version="1", ended="orderly", config_sha256=sha256))
        assert site.holds(units=units) is expected
