from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli.timeline_picture import bar, length_text, way
from edge.clock import NS_PER_S
from edge.ring.timeline import Span, Timeline
from tests.support.command import edge
from tests.support.nodefile import write_config
from tests.support.ondisk import OnDisk, at, make_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    return make_node(tmp_path_factory.mktemp("node"))


def test_programs_get_spans_gaps_and_events(node: OnDisk) -> None:
    outcome = edge("timeline", "--config", node.config, "--from", at(0), "--to", at(11), "--json")
    (timeline,) = json.loads(outcome.out)
    assert outcome.code == 0
    assert timeline["camera"] == "cam0"
    assert [(span["start"], span["end"], span["segments"]) for span in timeline["spans"]] == [(at(0), at(4), 2), (at(7), at(11), 2)]
    assert [(gap["start"], gap["end"], gap["reason"]) for gap in timeline["gaps"]] == [(at(4), at(7), "camera_died")]
    assert [(event["id"], event["zones"]) for event in timeline["events"]] == [("e1", ["kerb"])]
    assert timeline["covered_s"] == 8.0


def test_people_see_coverage_the_reason_of_each_gap_and_motion_in_local_time(node: OnDisk) -> None:
    outcome = edge("timeline", "--config", node.config, "--from", "2024-06-01T12:00:00", "--to", "2024-06-01T12:00:11")
    assert outcome.code == 0
    assert "72.73" in outcome.out
    assert "████" in outcome.out
    assert "····" in outcome.out
    assert "camera_died" in outcome.out
    assert "2024-06-01 12:00:04.000" in outcome.out
    assert "kerb" in outcome.out


RANGE = ("--from", "2024-06-01T12:00:00", "--to", "2024-06-01T12:00:11")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["e1"]),
        (("--zone", "kerb"), ["e1"]),
        (("--zone", "kerb", "--min-score", "0.2"), ["e1"]),
        (("--min-score", "0.9"), []),
        (("--zone", "gate"), []),
        (("--zone", "gate", "--zone", "kerb"), ["e1"]),
    ],
)
def test_motion_alone_is_found_by_zone_and_score(tmp_path: Path, words: tuple[str, ...], found: list[str]) -> None:
    node = make_node(tmp_path, "[[camera.zone]]\nname = 'gate'\npolygon = [[0,0],[1,0],[1,1]]")
    outcome = edge("timeline", "--config", node.config, *RANGE, "--motion", *words, "--json")
    (timeline,) = json.loads(outcome.out)
    assert [event["id"] for event in timeline["events"]] == found
    assert "gaps" not in timeline
    shown = edge("timeline", "--config", node.config, *RANGE, "--motion", *words).out
    assert ("kerb" in shown) == bool(found)
    assert ("no such motion" in shown) == (not found)
    assert "camera_died" not in shown


def test_a_zone_that_nobody_knows_is_a_wrong_word_that_names_the_known_ones(node: OnDisk) -> None:
    outcome = edge("timeline", "--config", node.config, *RANGE, "--zone", "gatte")
    assert outcome.code == 2
    assert "gatte" in outcome.err
    assert "kerb" in outcome.err


@pytest.mark.parametrize(
    ("path", "arrow"),
    [([0.1, 0.5, 0.9, 0.5], "→"), ([0.5, 0.9, 0.5, 0.1], "↑"), ([0.9, 0.1, 0.1, 0.9], "↙"), ([0.5, 0.5, 0.51, 0.5], ""), ([], "")],
)
def test_an_arrow_shows_which_way_something_went(path: list[float], arrow: str) -> None:
    assert way(path) == arrow


def test_a_node_without_footage_shows_one_gap(tmp_path: Path) -> None:
    (timeline,) = json.loads(edge("timeline", "--config", write_config(tmp_path), "--json").out)
    assert timeline["spans"] == []
    assert [gap["reason"] for gap in timeline["gaps"]] == ["unknown"]


def test_an_unknown_camera_is_a_wrong_word_that_names_the_known_ones(node: OnDisk) -> None:
    outcome = edge("timeline", "--config", node.config, "--camera", "cam9")
    assert outcome.code == 2
    assert "cam0" in outcome.err


@pytest.mark.parametrize("words", [["--from", "yesterday"], ["--from", "now", "--to", "-1h"], ["--from", "2026-10-25T02:30"]])
def test_times_that_mean_nothing_are_refused(node: OnDisk, words: list[str]) -> None:
    outcome = edge("timeline", "--config", node.config, *words)
    assert outcome.code == 2
    assert outcome.err.startswith("edge: ")


def test_the_bar_tells_all_some_and_nothing_apart() -> None:
    timeline = Timeline("c", 0, 10 * NS_PER_S, [Span(0, 4 * NS_PER_S, 1), Span(5 * NS_PER_S, 5 * NS_PER_S + 1, 1)], [], [])
    assert bar(timeline, 10) == "████·▒····"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59.4, "59.4 s"), (727, "12 m 07 s"), (11_100, "3 h 05 m"), (187_200, "2 d 04 h")]
)
def test_lengths_are_short(seconds: float, text: str) -> None:
    assert length_text(round(seconds * NS_PER_S)) == text


def test_who_looked_and_for_which_case_is_kept_where_it_is_told(tmp_path: Path) -> None:
    node = make_node(tmp_path)
    asked = ("timeline", "--config", node.config, "--from", at(0), "--to", at(11), "--json")
    assert edge(*asked).code == 0
    assert edge(*asked, "--operator", "a.nowak", "--case", "RSOW 12/26").code == 0
    assert edge(*asked, "--operator", "a.nowak").code == 2
    assert edge(*asked, "--operator", "a" * 40_000, "--case", "c").code == 2
    shown = edge("journal", "tail", "--config", node.config, "--journal", "local", "--json")
    (record,) = [json.loads(line)["record"] for line in shown.out.splitlines()]
    assert (record["type"], record["camera"]) == ("view", "cam0")
    facts = {"operator": "a.nowak", "case": "RSOW 12/26", "what": "timeline", "camera_id": "cam0", "start": at(0), "end": at(11)}
    assert record["facts"] == facts
