"""The verb restart through a real broker, on a whole node below `edge run`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.messages.records import Boot, Command, facts_of
from edge.messages.status import CameraStatus
from edge.messages.wire import Response
from tests.support.agents import CAMERA, NODE, AgentProcess, Town
from tests.support.stage import Stage, raised

RECORDER = f"recorder:{CAMERA}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with raised(tmp_path_factory.mktemp("restart")) as stage:
        yield stage


def restart(town: Town, what: str, wait_s: float = 30) -> Response:
    answer = town.centre.command(NODE, "restart", {"what": what}, operator="crew").wait(wait_s)
    assert answer is not None, what
    return answer


def recorder(node: AgentProcess) -> CameraStatus | None:
    try:
        return msgspec.json.decode((node.folder / "run" / CAMERA / "status.json").read_bytes(), type=CameraStatus)
    except OSError:
        return None


def recording(node: AgentProcess) -> bool:
    status = recorder(node)
    return status is not None and status.state == "recording"


def starts(town: Town, journal: str) -> list[Boot]:
    return [facts_of(event.record, Boot) for event in town.events if event.journal == journal and event.record.type == "boot"]


def test_each_unit_is_restarted_and_seen_alive_again_and_none_too_often(stage: Stage) -> None:
    with stage.town() as town, stage.node() as node:
        session = town.until_online().status
        assert session is not None
        town.until(lambda: recording(node), "the camera records")
        before = recorder(node)
        assert before is not None
        assert restart(town, RECORDER).state == "done", node.log
        after = recorder(node)
        assert after is not None
        assert after.pid != before.pid
        assert restart(town, RECORDER).code == "too_soon"

        assert restart(town, "watcher").state == "done"
        town.until(lambda: len(starts(town, "watcher")) == 2, "the watcher's second start")
        assert starts(town, "watcher")[-1].ended == "orderly"

        assert restart(town, "agent").state == "done"
        town.until_online(session.session)
        assert [restart(town, what).code for what in ("node", "recorder:cam9", "init")] == [
            "not_possible",
            "unknown_camera",
            "unknown_unit",
        ]
        states = [facts_of(event.record, Command) for event in town.events if event.record.type == "command"]
        assert [(each.verb, each.operator, each.state) for each in states[:1]] == [("restart", "crew", "accepted")]
        assert node.stop() == 0


def test_without_a_supervisor_nothing_is_restarted(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        assert restart(town, "watcher").code == "not_possible"
        assert agent.stop() == 0


def test_a_reboot_is_the_helpers_business(stage: Stage, tmp_path: Path) -> None:
    helper, called = tmp_path / "reboot", tmp_path / "called"
    helper.write_text(f"#!/bin/sh\necho $# > {called}\n")
    helper.chmod(0o700)
    with stage.town() as town, stage.node(f'[command]\nreboot = "{helper}"\n', watched=False) as node:
        town.until_online()
        asked = town.centre.command(NODE, "restart", {"what": "node"}, operator="crew")
        town.until(lambda: called.exists() and called.read_text() == "0\n", "the helper is called")
        assert [each.state for each in asked.responses] == ["accepted"]
        assert node.stop() == 0
