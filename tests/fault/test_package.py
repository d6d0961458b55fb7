"""A package is there whole or not at all, and what arrives is what was signed, whatever fails while it is made and sent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from errno import EIO
from pathlib import Path

import msgspec
import pytest

from edge.cli.clip_files import Found, unfinished
from edge.cli.clip_package import write_folder
from edge.clip.virtual import open_part
from edge.errors import StorageError
from edge.host.disk import Buffer
from edge.host.linux_disk import LinuxDisk, LinuxFile
from edge.messages.evidence import Exported
from edge.messages.package import STATEMENT_TYPE, Statement
from edge.messages.records import facts_of
from edge.seal.jws import read_detached, verify
from tests.support.agents import NODE
from tests.support.command import edge
from tests.support.foreigner import Foreigner
from tests.support.identities import Town as Authority
from tests.support.loop_disk import LoopDisk
from tests.support.ondisk import at, make_node
from tests.support.packages import Node
from tests.support.proxy import Proxy
from tests.support.stage import Stage, raised

WHO = ("--operator", "a.nowak", "--case", "7/26")


class FailingFile(LinuxFile):
    def __init__(self, disk: FailingDisk, path: Path) -> None:
        super().__init__(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600))
        self.disk = disk

    def write(self, *buffers: Buffer) -> None:
        self.disk.step()
        super().write(*buffers)

    def fsync(self) -> None:
        self.disk.step()
        super().fsync()


class FailingDisk(LinuxDisk):
    """Refuses its operation number `fails`."""

    def __init__(self, fails: int) -> None:
        self.fails, self.steps = fails, 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.fails:
            raise StorageError("input/output error", number=EIO)

    def create(self, path: Path) -> LinuxFile:
        self.step()
        return FailingFile(self, path)

    def mkdir(self, path: Path) -> None:
        self.step()
        super().mkdir(path)

    def rename(self, old: Path, new: Path) -> None:
        self.step()
        super().rename(old, new)

    def sync_dir(self, path: Path) -> None:
        self.step()
        super().sync_dir(path)


def test_the_disk_refuses_each_step_once_and_the_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    node = Node.make(tmp_path)
    plan, manifest = node.planned(node.request())
    package = node.maker().make(manifest, plan, node.segment)
    whole = {*(file.name for file in manifest.files), *package.files}
    (tmp_path / "usb").mkdir()
    for step in range(1, 200):
        folder = tmp_path / "usb" / f"out-{step}"
        disk = FailingDisk(step)
        found = Found(disk, plan, [open_part(part, node.segment) for part in plan.parts], manifest, node.segment)
        try:
            write_folder(folder, found, package, disk.step)
        except StorageError:
            assert not unfinished(folder).exists(), f"step {step}"
            assert not folder.exists() or {path.name for path in folder.iterdir()} == whole, f"step {step}"
        else:
            assert disk.steps < step
            assert {path.name for path in folder.iterdir()} == whole
            assert step > 3 * len(whole)
            return
    raise AssertionError("it never succeeds")


@pytest.mark.root
def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    """Filled to the brim, then a little less each time, until the package fits."""
    (tmp_path / "node").mkdir()
    node = make_node(tmp_path / "node")
    usb = LoopDisk(tmp_path / "usb", 8)
    try:
        codes = []
        for spare in (0, 20_000, 50_000, 80_000, 120_000, 400_000):
            foreigner = Foreigner(usb.root / "holiday.jpg")
            (usb.root / "spare").write_bytes(bytes(spare))
            foreigner.grow()
            (usb.root / "spare").unlink()
            outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(11), "--package", usb.root / "out", *WHO)
            foreigner.go()
            codes.append(outcome.code)
            left = {path.name for path in usb.root.iterdir()} - {"lost+found"}
            assert left == (set() if outcome.code else {"out"}), outcome.err
        assert codes[0] == 74
        assert codes[-1] == 0
        assert len(list((usb.root / "out").iterdir())) == 5, "two clips, clip.json, two reports"
    finally:
        usb.unmount()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


def uploaded(stage: Stage, id: str) -> dict[str, bytes]:
    place = stage.folder / "received" / NODE / id
    return {path.name: path.read_bytes() for path in place.iterdir() if not path.name.endswith(".receipt.json")}


def test_the_agent_is_killed_while_it_sends_the_package_and_the_same_bytes_arrive(stage: Stage) -> None:
    receiver = stage.receiver()
    try:
        with Proxy(stage.upload_port) as proxy, stage.town() as town, stage.agent(proxy.port, stage.seal(Authority())) as agent:
            town.until_online()
            killed: list[dict[str, bytes]] = []
            delivered: list[bool] = []

            def kill() -> None:
                job = agent.data / "jobs" / "clip-1"
                agent.kill()
                delivered.extend(each["done"] for each in json.loads((job / "upload.json").read_bytes())["files"].values())
                killed.append({path.name: path.read_bytes() for path in (job / "package").iterdir() if not path.name.startswith(".")})

            clip = stage.ask(town, 2, 22, id="clip-1")
            video = sum(path.stat().st_size for path in (agent.data / "ring").rglob("*.mp4"))
            proxy.at(video * 20 // 30 + 8000, kill)
            town.until(lambda: bool(killed), "it was killed")
            assert True in delivered, "the clip had arrived"
            assert len(delivered) < 5 or False in delivered, "and something of the package had not"
            agent.start()
            response = clip.wait(60)
            assert response is not None, agent.log
            assert response.state == "done", agent.log
            assert agent.stop() == 0
            town.until(lambda: any(event.record.type == "export" for event in town.events), "the record of the export")
    finally:
        receiver.stop()
    arrived = uploaded(stage, "clip-1")
    kept = killed[0]
    index = json.loads(kept.pop("index.json"))
    assert {name: arrived[name] for name in kept} == kept, "as it was before the agent died"
    assert [each["name"] for each in index["files"]] == ["clip.json", "clip.json.jws", "report.pl.html", "report.en.html"]
    jws = read_detached(arrived["clip.json.jws"], STATEMENT_TYPE, arrived["clip.json"])
    assert verify(jws, (stage.folder / "media.pem").read_bytes())
    statement = msgspec.json.decode(arrived["clip.json"], type=Statement)
    for file in statement.files:
        assert hashlib.sha256(arrived[file.name]).hexdigest() == file.sha256
    assert statement.records_note == ""
    exports = [facts_of(event.record, Exported) for event in town.events if event.record.type == "export"]
    assert [(each.how, each.case, each.statement_sha256) for each in exports] == [
        ("upload", "12/26", hashlib.sha256(arrived["clip.json"]).hexdigest())
    ]


def test_a_node_without_a_key_delivers_its_package_unsigned(stage: Stage) -> None:
    receiver = stage.receiver()
    try:
        with stage.town() as town, stage.agent() as agent:
            town.until_online()
            response = stage.ask(town, 2, 5, id="clip-2").wait(40)
            assert response is not None, agent.log
            assert response.state == "done"
            assert agent.stop() == 0
    finally:
        receiver.stop()
    assert sorted(name for name in uploaded(stage, "clip-2") if not name.endswith(".mp4")) == [
        "clip.json",
        "report.en.html",
        "report.pl.html",
    ]
