"""The verb restart: who may have it how often, and what becomes of one that a crash interrupted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from edge.clock import ManualClock
from edge.command.ledger import Ledger
from edge.command.restart import ALIVE_WITHIN_S, PER_HOUR, Restarts
from edge.errors import Refused
from edge.host.linux_disk import LinuxDisk
from edge.host.supervision import announce, take_wishes
from edge.journal.writer import JournalWriter
from edge.messages.records import Boot
from edge.messages.status import CameraStatus
from edge.messages.supervision import Supervisor
from edge.messages.wire import CommandClaims, Response
from edge.ring.layout import NodeFolders

BOOT = "this-boot"
RECORDER = "recorder:cam0"


class Node:
    """The verb as the agent's main thread calls it; `again` is the next agent."""

    def __init__(self, folder: Path, boot: str = BOOT) -> None:
        self.disk, self.folder, self.boot = LinuxDisk(), folder, boot
        self.folders = NodeFolders(folder / "data", folder / "run")
        self.now_s = 0.0
        self.ledger = Ledger(self.disk, folder / "commands", boot)
        self.verb = Restarts(self.folders, self.disk, boot, ["cam0"], self.ledger, folder / "restarts", lambda: self.now_s)
        serves = [RECORDER, "watcher", "agent", "node"]
        announce(self.folders.supervisor, Supervisor(pid=os.getpid(), boot=boot, serves=serves))

    def again(self, boot: str = BOOT) -> Node:
        return Node(self.folder, boot)

    def claims(self, id: str, what: str, iat: int = 0) -> CommandClaims:
        return CommandClaims(id=id, verb="restart", aud="pole-1", iat=iat, exp=iat + 60, operator="crew", args={"what": what})

    def accept(self, id: str, what: str, iat: int = 0) -> CommandClaims:
        claims = self.claims(id, what, iat)
        self.ledger.take(claims, 0)
        self.ledger.answer(id, self.verb(claims))
        return claims

    def recorder(self, pid: int, boot: str = BOOT) -> None:
        status = CameraStatus(camera="cam0", state="starting", t="", clock="trusted", mono_ms=0, boot=boot, pid=pid)
        self.folders.run("cam0").mkdir(parents=True, exist_ok=True)
        (self.folders.run("cam0") / "status.json").write_bytes(msgspec.json.encode(status))

    @property
    def wished(self) -> list[str]:
        return [wish.unit for wish in take_wishes(self.folders.supervisor)]


def refusal(node: Node, what: str, iat: int) -> str:
    with pytest.raises(Refused) as refused:
        node.verb(node.claims("new", what, iat))
    return refused.value.code


def test_one_unit_rests_for_a_minute_and_all_have_six_an_hour(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.accept("c0", RECORDER, 0)
    assert refusal(node, RECORDER, 59) == "too_soon"
    assert refusal(node, RECORDER, -59) == "too_soon"
    for number in range(1, PER_HOUR):
        node.accept(f"c{number}", RECORDER, number * 60)
    assert refusal(node, "watcher", 3000) == "quota"
    assert node.verb(node.claims("new", "watcher", 3600 + 60 * PER_HOUR)).state == "accepted"


def test_a_refused_restart_counts_for_nobody(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.ledger.take(node.claims("c0", RECORDER), 0)
    node.ledger.answer("c0", Response(id="c0", state="refused"))
    assert node.verb(node.claims("c1", RECORDER)).state == "accepted"


def test_a_recorder_is_alive_again_when_another_process_writes_its_status(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.recorder(100)
    node.verb.begin(node.accept("c0", RECORDER))
    assert node.wished == [RECORDER]
    assert node.verb.look() == []
    node.recorder(101)
    assert [(each.id, each.state) for each in node.verb.look()] == [("c0", "done")]
    assert node.verb.look() == []


def test_a_unit_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.recorder(100)
    node.verb.begin(node.accept("c0", RECORDER))
    node.now_s = ALIVE_WITHIN_S
    assert [(each.state, each.code) for each in node.verb.look()] == [("failed", "not_seen")]


def test_an_agent_that_died_after_the_wish_does_not_wish_again(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.recorder(100)
    claims = node.accept("c0", RECORDER)
    node.verb.begin(claims)
    assert node.wished == [RECORDER]
    later = node.again()
    later.verb.resume(claims)
    assert later.wished == []
    later.recorder(101)
    assert [each.state for each in later.verb.look()] == ["done"]


def test_an_agent_that_died_before_the_wish_wishes_at_its_start(tmp_path: Path) -> None:
    node = Node(tmp_path)
    claims = node.accept("c0", RECORDER)
    later = node.again()
    later.verb.resume(claims)
    assert later.wished == [RECORDER]


def test_an_agent_that_was_to_be_restarted_and_runs_is_restarted(tmp_path: Path) -> None:
    node = Node(tmp_path)
    claims = node.accept("c0", "agent")
    node.verb.begin(claims)
    assert node.verb.look() == []
    later = node.again()
    later.verb.resume(claims)
    assert [each.state for each in later.verb.look()] == ["done"]


def test_a_power_cut_in_between_is_a_restart_too(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.recorder(100)
    recorder, machine = node.accept("c0", RECORDER), node.accept("c1", "node")
    node.verb.begin(recorder)
    node.verb.begin(machine)
    later = node.again("next-boot")
    later.verb.resume(recorder)
    later.verb.resume(machine)
    assert [each.id for each in later.verb.look()] == ["c1"]
    later.recorder(100, "next-boot")
    assert [(each.id, each.state) for each in later.verb.look()] == [("c0", "done")]


def test_a_watcher_is_alive_again_when_its_journal_says_so(tmp_path: Path) -> None:
    node = Node(tmp_path)
    journal = JournalWriter(node.disk, node.folders.journal("watcher"), ManualClock(), BOOT)
    journal.open()
    journal.append(Boot(version="1", ended="first"))
    node.verb.begin(node.accept("c0", "watcher"))
    assert node.verb.look() == []
    journal.append(Boot(version="1", ended="orderly"))
    assert [each.state for each in node.verb.look()] == ["done"]
