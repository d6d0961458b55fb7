from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli.hold import made_id
from edge.cli.options import clock_of
from edge.clock import monotonic_s
from edge.config.read import load_config
from edge.host.turn import turn_at
from tests.support.command import edge, environment
from tests.support.nodefile import write_config
from tests.support.ondisk import OnDisk, at, make_node

QUOTA = "[hold]\nquota_percent = 90.0\n"


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    return make_node(tmp_path, QUOTA)


def add(node: OnDisk, *more: str, start: float = 1, end: float = 3) -> list[str | Path]:
    words: list[str | Path] = [
        "hold",
        "add",
        "--config",
        node.config,
        "--from",
        at(start),
        "--to",
        at(end),
        "--case",
        "RSOW 12/26",
        "--by",
        "a.nowak",
    ]
    return [*words, *more]


def links(path: Path) -> int:
    return path.stat().st_nlink


def local_records(node: OnDisk) -> list[dict[str, object]]:
    outcome = edge("journal", "tail", "--config", node.config, "--journal", "local", "--json")
    return [json.loads(line)["record"] for line in outcome.out.splitlines()]


def test_a_lock_pins_the_footage_and_is_recorded_without_any_other_process(node: OnDisk) -> None:
    outcome = edge(*add(node, "--json"))
    assert (outcome.code, outcome.err) == (0, "")
    hold = json.loads(outcome.out)
    assert hold["segments"] == [1, 2]
    assert [links(path) for path in node.segments[:2]] == [2, 2]
    (record,) = local_records(node)
    assert record["type"] == "hold"
    assert edge("ring", "check", "--config", node.config).code == 0


def test_the_same_words_are_the_same_lock(node: OnDisk) -> None:
    first, second = json.loads(edge(*add(node, "--json")).out), json.loads(edge(*add(node, "--json")).out)
    assert first == second
    assert len(local_records(node)) == 1
    assert made_id("RSOW 12/26", "cam0", at(1), at(3)) == first["id"]
    assert first["id"].startswith("RSOW-12-26-")


def test_locks_are_listed_with_case_who_and_review_date(node: OnDisk) -> None:
    edge(*add(node, "--id", "h1", "--review-date", "2024-12-01T00:00:00Z"))
    listed = edge("hold", "list", "--config", node.config)
    assert "case RSOW 12/26, by a.nowak, review 2024-12-01 (PAST)" in listed.out
    assert "1 locks" in listed.out
    (hold,) = json.loads(edge("hold", "list", "--json", "--config", node.config).out)
    assert (hold["id"], hold["past_review"]) == ("h1", True)


def test_a_release_needs_who_and_why_and_lets_the_footage_go(node: OnDisk) -> None:
    edge(*add(node, "--id", "h1"))
    assert edge("hold", "release", "h1", "--by", "a.nowak", "--config", node.config).code == 2
    assert edge("hold", "release", "h1", "--by", "a.nowak", "--why", "handed over", "--config", node.config).code == 0
    assert links(node.segments[0]) == 1
    assert [record["type"] for record in local_records(node)] == ["hold", "release"]
    assert json.loads(edge("hold", "list", "--json", "--config", node.config).out) == []


def test_what_cannot_be_locked_is_refused_with_the_reason(node: OnDisk) -> None:
    edge(*add(node, "--id", "h1"))
    other = edge(*add(node, "--id", "h1", end=9))
    assert other.code == 77
    assert "another range" in other.err
    unknown = edge("hold", "release", "h9", "--by", "x", "--why", "y", "--config", node.config)
    assert unknown.code == 77
    assert "h9" in unknown.err
    assert edge(*add(node, "--id", "../../etc")).code == 77
    assert edge(*add(node, "--camera", "cam9")).code == 2
    assert not (node.data / "hold" / "h9").exists()


def test_listing_writes_nothing(node: OnDisk) -> None:
    before = sorted(node.data.rglob("*"))
    assert edge("hold", "list", "--config", node.config).code == 0
    assert sorted(node.data.rglob("*")) == before


def test_refreshing_completes_what_was_interrupted(node: OnDisk) -> None:
    """A lock whose links were not made yet, as a power cut leaves it."""
    edge(*add(node, "--id", "h1"))
    for link in (node.data / "hold" / "h1").glob("*.mp4"):
        link.unlink()
    assert links(node.segments[0]) == 1
    assert edge("hold", "refresh", "--config", node.config).code == 0
    assert links(node.segments[0]) == 2


def test_commands_at_the_same_time_wait_for_each_other(node: OnDisk) -> None:
    words = [[sys.executable, "-m", "edge", *map(str, add(node, "--id", f"h{number}"))] for number in range(4)]
    processes = [subprocess.Popen(each, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for each in words]
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert [record["seq"] for record in local_records(node)] == [1, 2, 3, 4]
    assert edge("ring", "check", "--config", node.config).code == 0


def test_only_those_past_their_review_date_can_be_listed(tmp_path: Path) -> None:
    node = make_node(tmp_path, QUOTA + '[clock]\ntrust = "assume"\n')
    edge(*add(node, "--id", "late", "--review-date", "2024-12-01"))
    edge(*add(node, "--id", "later", "--review-date", "2199-12-01"))
    listed = edge("hold", "list", "--past-review", "--config", node.config)
    assert "late  cam0" in listed.out
    assert "later" not in listed.out
    (hold,) = json.loads(edge("hold", "list", "--past-review", "--json", "--config", node.config).out)
    assert (hold["id"], hold["review"]) == ("late", "2024-11-30T23:00:00.000Z"), "a local date"


def test_a_release_is_recorded_with_a_case(node: OnDisk) -> None:
    for id, case, recorded in (("h1", [], "RSOW 12/26"), ("h2", ["--case", "RSOW 99/26"], "RSOW 99/26")):
        edge(*add(node, "--id", id))
        assert edge("hold", "release", id, "--by", "j.lis", "--why", "closed", *case, "--config", node.config).code == 0
        facts = local_records(node)[-1]["facts"]
        assert facts == {"id": id, "by": "j.lis", "why": "closed", "case": recorded}


@pytest.mark.parametrize(("trust", "boot_is_stated"), [("kernel", True), ("assume", False)])
def test_a_range_told_from_now_is_by_the_nodes_own_clock_until_that_is_set(tmp_path: Path, trust: str, boot_is_stated: bool) -> None:
    if trust == "kernel" and clock_of(load_config(write_config(tmp_path)).config).read().dated:
        pytest.skip("this machine's clock is synchronised")
    node = make_node(tmp_path, f'{QUOTA}[clock]\ntrust = "{trust}"\n')
    words = ["--from", "-10m", "--to", "now", "--case", "RSOW 12/26", "--by", "a.nowak", "--config", str(node.config)]
    outcome = edge("hold", "add", *words)
    assert outcome.code == 0
    assert ("moves with the footage" in outcome.err) == boot_is_stated
    (hold,) = json.loads(edge("hold", "list", "--json", "--config", node.config).out)
    assert bool(hold["boot"]) == boot_is_stated


def test_a_lock_is_in_force_within_five_seconds_also_beside_one_who_writes(node: OnDisk) -> None:
    """Somebody else has the turn for a second: the agent, which links what was recorded since."""
    (node.data / "hold").mkdir(exist_ok=True)
    began_s = monotonic_s()
    with turn_at(node.data / "hold", 1.0):
        process = subprocess.Popen([sys.executable, "-m", "edge", *map(str, add(node))], env=environment(), stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
    process.wait(30)
    assert process.returncode == 0
    assert monotonic_s() - began_s < 5 + 1.5
    assert links(node.segments[0]) == 2


def test_a_turn_that_never_comes_is_told(node: OnDisk) -> None:
    (node.data / "hold").mkdir(exist_ok=True)
    with turn_at(node.data / "hold", 1.0):
        outcome = edge(*add(node))
    assert outcome.code == 75
    assert "another process has been writing" in outcome.err
    assert links(node.segments[0]) == 1
