"""Decommissioning a node whose power is cut, or whose disk fails, at each step - and then calling it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.line import chain_hash
from edge.journal.reader import JournalReader
from edge.messages.evidence import Decommission
from edge.messages.records import facts_of
from tests.support.plain_ring import CAMERA, DATA
from tests.support.wiped_node import (
    AUTHORITIES,
    CERTIFICATES,
    CONFIG,
    KEPT,
    SECRET,
    SECRETS,
    WIFI,
    WipedNode,
    make_wiped_node,
)

SEGMENTS = 5
NEVER = Fault(1 << 40)


def fresh() -> WipedNode:
    return make_wiped_node(SEGMENTS)


def sent_away() -> WipedNode:
    node = fresh()
    node.keep, node.with_journals = KEPT, True
    return node


def operations(node: WipedNode) -> int:
    """How many a wipe takes that nothing disturbs."""
    assert node.wipe(NEVER).remains == []
    assert node.disk.fault is not None
    return node.disk.operations - (node.disk.fault.at - NEVER.at)


def assert_wiped(node: WipedNode) -> None:
    gone = [*SECRETS, *CERTIFICATES, WIFI, CONFIG, CONFIG.with_name("node.toml.last-good"), DATA / ".edge-data"]
    gone += [DATA / name for name in ("ring", "hold", "jobs", "thumbs", "agent", "cursor")] + [Path("/run/edge") / CAMERA]
    assert [path for path in gone if node.exists(path)] == []
    assert node.exists(AUTHORITIES)
    assert node.exists(DATA / "photos")


def readable_secrets(disk: ModelDisk) -> list[Path]:
    node = WipedNode(disk)
    return [path for path in SECRETS if node.exists(path) and disk.read(path) == SECRET]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_power_cut_at_any_step_leaves_a_wipe_that_goes_on(seed: int) -> None:
    for at in range(1, operations(fresh()) + 1, 1 if seed == 1 else 3):
        node = fresh()
        with pytest.raises(PowerLost):
            node.wipe(Fault(at, "power"))
        node.disk = node.disk.power_cut(seed)
        if node.erased():
            assert readable_secrets(node.disk) == [], f"footage went before the keys at operation {at}"
        assert node.exists(CONFIG) or not node.exists(DATA / "ring"), f"nothing says any more where the footage is, at operation {at}"
        if node.exists(CONFIG):
            assert node.wipe().remains == [], at
        assert_wiped(node)
        assert sorted(node.erased()) == list(range(1, SEGMENTS + 1)), at
        for journal in ("local", f"recorder.{CAMERA}"):
            assert JournalReader(node.disk, DATA / "journal" / journal).verify() == [], at


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["EIO", "ENOSPC"])
def test_a_disk_that_refuses_once_is_told_and_nothing_stops(kind: str) -> None:
    for at in range(1, operations(fresh()) + 1):
        node = fresh()
        first = node.wipe(Fault(at, kind))  # type: ignore[arg-type]
        node.disk.fault = None
        if node.exists(CONFIG):
            assert first.remains, at
            assert len(readable_secrets(node.disk)) <= 1, at
            assert node.wipe().remains == [], at
        assert_wiped(node)


def test_a_disk_that_is_read_only_keeps_everything_and_says_so() -> None:
    node = fresh()
    outcome = node.wipe(Fault(1, "EIO", forever=True))
    assert outcome.remains
    node.disk.fault = None
    assert node.exists(CONFIG)
    assert len(readable_secrets(node.disk)) == len(SECRETS)


@pytest.mark.slow
def test_with_journals_the_copy_is_whole_before_they_go_whenever_the_power_does() -> None:
    count = operations(sent_away())
    for at in range(count // 2, count + 1):
        node = sent_away()
        with pytest.raises(PowerLost):
            node.wipe(Fault(at, "power"))
        node.disk = node.disk.power_cut(at)
        if node.exists(CONFIG):
            assert node.wipe().remains == [], at
        assert_wiped(node)
        assert not node.exists(DATA / "journal"), at
        assert sorted(node.erased(KEPT)) == list(range(1, SEGMENTS + 1)), at


def test_the_record_before_and_the_record_after_say_who_why_and_what() -> None:
    node = fresh()
    node.wipe()
    lines = [line for line in JournalReader(node.disk, DATA / "journal" / "local").read() if line.record.type == "decommission"]
    begun, ended = (facts_of(line.record, Decommission) for line in lines)
    assert (begun.state, begun.by, begun.why, begun.journals, begun.wiped) == ("begun", "a.nowak", "pole taken down", "kept", [])
    assert ended.state == "ended"
    for path in (*SECRETS, WIFI):
        assert any(f"{path}: 1 files" in text for text in ended.wiped)
    assert chain_hash(lines[0].raw) != chain_hash(lines[1].raw)
