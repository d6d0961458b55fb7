"""A node's configuration changed from the centre, on a whole node below `edge run`: kept when it proves itself, gone again when it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.config.trial import trial_path
from edge.messages.config import Trial
from edge.messages.evidence import ConfigTrial
from edge.messages.records import facts_of
from edge.messages.status import CameraStatus
from edge.messages.wire import Response
from tests.support.agents import CAMERA, NODE, AgentProcess, Town
from tests.support.stage import Stage, raised

WHO = {"operator": "a.nowak", "case": "tuning"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def ask(town: Town, args: dict[str, object], wait_s: float = 40) -> Response:
    answer = town.centre.command(NODE, "config", args, **WHO).wait(wait_s)
    assert answer is not None
    return answer


def trials(town: Town) -> list[tuple[str, str]]:
    found = [facts_of(event.record, ConfigTrial) for event in town.events if event.record.type == "config_trial"]
    return [(each.operator, each.state) for each in found]


def recorder_pid(node: AgentProcess) -> int:
    try:
        status = msgspec.json.decode((node.folder / "run" / CAMERA / "status.json").read_bytes(), type=CameraStatus)
    except OSError:
        return 0
    return status.pid if status.state == "recording" else 0


def trial_of(node: AgentProcess) -> Trial | None:
    try:
        return msgspec.json.decode(trial_path(node.config).read_bytes(), type=Trial)
    except OSError:
        return None


def test_a_change_that_proves_itself_is_kept_and_only_who_reads_it_starts_anew(stage: Stage) -> None:
    with stage.town() as town, stage.node() as node:
        town.until_online()
        town.until(lambda: recorder_pid(node) > 0, "the camera records")
        pid, before = recorder_pid(node), node.config.read_text()
        shown = ask(town, {"do": "show"})
        assert shown.data["sha256"] == sha256_of(before)
        wanted = before + "[watch]\nend_s = 7\n"
        checked = ask(town, {"do": "check", "toml": wanted})
        assert (checked.data["ok"], checked.data["changed"], checked.data["restarts"]) == (True, ["watch.end_s"], ["watcher", "agent"])
        assert node.config.read_text() == before

        applied = ask(town, {"do": "apply", "toml": wanted, "sha256_before": sha256_of(before), "confirm_s": 60})
        assert applied.state == "done", (applied, node.log)
        assert applied.data["sha256"] == sha256_of(wanted)
        assert node.config.read_text() == wanted
        assert recorder_pid(node) == pid
        town.until(lambda: trials(town) == [("a.nowak", "accepted"), ("a.nowak", "in_force")], "both records")
        town.until(lambda: trial_of(node) is None, "the trial is forgotten")
        view = town.centre.node(NODE)
        assert view is not None
        assert view.config is not None
        assert (view.config.state, view.config.sha256) == ("in_force", sha256_of(wanted))
        assert node.stop() == 0


def test_a_change_under_which_the_node_does_not_come_back_is_taken_back_by_itself(stage: Stage) -> None:
    """The broker is gone for as long as the change is tried."""
    with stage.town() as town, stage.node() as node:
        session = town.until_online().status
        assert session is not None
        town.until(lambda: recorder_pid(node) > 0, "the camera records")
        before = node.config.read_text()
        wanted = before + "[retention]\ndays = 40\n"
        asked = town.centre.command(
            NODE, "config", {"do": "apply", "toml": wanted, "sha256_before": sha256_of(before), "confirm_s": 10}, **WHO
        )
        town.until(lambda: (trial_of(node) or None) is not None, "the change is wanted")
        stage.broker.stop()
        town.until(lambda: node.config.read_text() == wanted, "the change is tried")
        town.until(lambda: node.config.read_text() == before, "the change is taken back")
        stage.broker.start()
        answer = asked.wait(30)
        assert answer is not None, node.log
        assert (answer.state, answer.code) == ("failed", "rolled_back")
        assert "within 10 s" in answer.text
        town.until(lambda: trials(town) == [("a.nowak", "accepted"), ("a.nowak", "rolled_back")], "both records")
        town.until(lambda: recorder_pid(node) > 0, "the camera records under it")
        view = town.centre.node(NODE)
        assert view is not None
        assert view.config is not None
        assert (view.config.state, view.config.sha256) == ("rolled_back", sha256_of(before))
        assert node.stop() == 0
