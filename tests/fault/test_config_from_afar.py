"""A node's configuration changed from the centre, on a whole node below `edge run`: kept when it proves itself, gone again when not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agents import NODE, Town
from tests.support.stage import Stage, raised
from tests.support.tuned_node import CASE, OPERATOR, apply, ask, kill_all, recorder_pid, sha256_of, trial_of, trials, until_state


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


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
    with stage.town() as town, stage.node(watched=False) as node:
        session = town.until_online().status
        assert session is not None
        town.until(lambda: recorder_pid(node) > 0, "the camera records")
        before = node.config.read_text()
        wanted = before + "[retention]\ndays = 40\n"
        asked = apply(town, before, wanted, 10)
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


def desire(town: Town, toml: str, version: int, wait_s: float = 40) -> tuple[str, str, list[str]]:
    """(state, sha256 in force, keys told)"""
    town.centre.desire(NODE, toml, version, operator=OPERATOR, case=CASE, confirm_s=60)
    reported = town.centre.wait_config(NODE, version, wait_s)
    assert reported is not None
    assert reported.version == version, reported
    return reported.state, reported.sha256, [problem.path for problem in reported.problems]


def test_a_desired_configuration_is_taken_up_once_also_by_a_node_that_was_away(stage: Stage) -> None:
    with stage.town() as town:
        node = stage.node(watched=False)
        before = node.config.read_text()
        first, second = before + "[watch]\nend_s = 7\n", before + "[watch]\nend_s = 8\n"
        town.centre.desire(NODE, first, 3, operator=OPERATOR, case=CASE, confirm_s=60)
        with node:
            reported = town.centre.wait_config(NODE, 3, 40)
            assert reported is not None, node.log
            assert (reported.state, reported.sha256) == ("in_force", sha256_of(first)), node.log
            evil = first.replace('host = "127.0.0.1"', 'host = "127.0.0.9"')
            assert desire(town, evil, 4) == ("rejected", sha256_of(first), ["mqtt.host"])
            assert desire(town, second, 5) == ("in_force", sha256_of(second), [])
            old = town.centre.desire(NODE, first, 5, operator=OPERATOR)
            town.until(lambda: old.delivery is not None, "an older version at the broker")
            assert ask(town, {"do": "show"}).data["sha256"] == sha256_of(second)
            assert node.config.read_text() == second
            assert [state for _, state in trials(town)] == ["accepted", "in_force", "rejected", "accepted", "in_force"]
            assert node.stop() == 0


def test_killed_while_it_is_tried_the_node_goes_on_with_it_and_says_so(stage: Stage) -> None:
    """Everything at once by SIGKILL, as by a power cut. Other moments: tests/soak; each operation of the disk: the model's matrix."""
    with stage.town() as town, stage.node(watched=False) as node:
        town.until_online()
        town.until(lambda: recorder_pid(node) > 0, "the camera records")
        before = node.config.read_text()
        wanted = before.replace("[clock]", "sensitivity = 2.0\n[clock]", 1)
        asked = apply(town, before, wanted, 60)
        until_state(node, "trying", "confirmed")
        kill_all(node)
        assert node.config.read_text() in (before, wanted)
        node.start()
        answer = asked.wait(60)
        assert answer is not None, node.log
        assert answer.state == "done", (answer, node.log)
        assert node.config.read_text() == wanted
        town.until(lambda: trial_of(node) is None, "the trial is forgotten")
        assert node.stop() == 0


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"do": "apply", "toml": "x = 1", "sha256_before": "of another"}, "bad_config"),
    ({"do": "apply", "toml": "x = 1"}, "bad_args"),
    ({"do": "format"}, "bad_args"),
    ({"do": "apply", "toml": "", "confirm_s": 1}, "bad_args"),
    ({}, "bad_args"),
]


def test_what_cannot_be_is_refused_and_changes_nothing(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        before = agent.config.read_text()
        assert [ask(town, args).code for args, _ in IMPOSSIBLE] == [code for _, code in IMPOSSIBLE]
        good = before + "[watch]\nend_s = 7\n"
        assert ask(town, {"do": "apply", "toml": good, "sha256_before": sha256_of(before)}).code == "not_possible"
        assert ask(town, {"do": "apply", "toml": before, "sha256_before": sha256_of(before)}).text == "it is in force already"
        assert agent.config.read_text() == before
        assert agent.stop() == 0
