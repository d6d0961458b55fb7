from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli.ring import INVARIANTS
from tests.support.command import ROOT, edge
from tests.support.nodefile import write_config
from tests.support.ondisk import OnDisk, make_node


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    """Its footage is years old: with a clock that is believed, invariant 5 says so."""
    return make_node(tmp_path, '[clock]\ntrust = "assume"\n', for_years=False)


def test_a_fresh_data_folder_is_ok(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    outcome = edge("ring", "check", "--config", write_config(tmp_path))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("OK")


def test_findings_name_their_invariant_and_end_with_65(node: OnDisk) -> None:
    outcome = edge("ring", "check", "--config", node.config)
    assert outcome.code == 65
    assert "invariant 5 (nothing un-held is older than the legal maximum)" in outcome.out


def test_a_segment_that_was_taken_away_is_found(node: OnDisk) -> None:
    node.segments[1].unlink()
    outcome = edge("ring", "check", "--config", node.config, "--json")
    report = json.loads(outcome.out)
    assert outcome.code == 65
    assert report["ok"] is False
    assert {3, 4} & {finding["invariant"] for finding in report["findings"]}


def test_a_changed_byte_is_found_by_a_deep_check(node: OnDisk) -> None:
    data = bytearray(node.segments[0].read_bytes())
    data[len(data) // 2] ^= 1
    node.segments[0].write_bytes(data)
    findings = json.loads(edge("ring", "check", "--deep", "--config", node.config, "--json").out)["findings"]
    assert {1, 2} & {finding["invariant"] for finding in findings}


def test_a_data_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    outcome = edge("ring", "check", "--config", write_config(tmp_path))
    assert outcome.code == 74
    assert outcome.err.startswith("edge: ")


def test_every_invariant_has_its_words() -> None:
    text = (ROOT / "docs" / "design" / "invariants.md").read_text("utf-8")
    assert all(f"\n| {number} | " in text for number in INVARIANTS)
    assert f"\n| {len(INVARIANTS) + 1} | " not in text
