"""What was destroyed in a period, from the journals alone."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from edge.clock import parse_utc
from edge.host.linux_disk import LinuxDisk
from edge.ring.destruction import Destruction, list_sha256, read_destruction
from edge.ring.layout import NodeFolders
from tests.support.destroyed import Destroyed, make_destroyed
from tests.support.plain_ring import CAMERA, content_of


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Destroyed:
    return make_destroyed(tmp_path_factory.mktemp("node"))


def read(node: Destroyed, start: str = "2026-10-01T00:00:00Z", end: str = "2026-12-01T00:00:00Z", *cameras: str) -> Destruction:
    return read_destruction(LinuxDisk(), NodeFolders(node.data, node.data), parse_utc(start), parse_utc(end), cameras)


def test_every_erased_segment_of_every_camera_is_there_with_reason_and_hash(node: Destroyed) -> None:
    found = read(node)
    assert found.cameras() == [CAMERA, "gate"]
    mine = [each for each in found.destroyed if each.camera == CAMERA]
    assert [each.facts.seq for each in mine] == list(range(1, len(mine) + 1))
    assert len(mine) == 33 * 24 - len(node.ring.seqs())
    assert {each.facts.sha256 for each in mine} == {sha256(content_of(each.facts.seq)).hexdigest() for each in mine}
    assert sum(each.is_early for each in found.destroyed) == 29
    assert sum(not each.trusted for each in found.destroyed) == 4
    assert found.is_whole
    assert list(found.holds) == ["h1"]
    assert [gone.case for _, gone in found.releases] == ["RSOW-3/26"]


def test_a_period_is_by_the_time_of_destruction_and_each_destruction_is_in_one_period(node: Destroyed) -> None:
    days = [f"2026-11-{day:02d}T00:00:00Z" for day in range(1, 5)]
    parts = [read(node, start, end) for start, end in zip(["2026-10-01T00:00:00Z", *days], [*days, "2026-12-01T00:00:00Z"], strict=True)]
    assert sum(len(part.destroyed) for part in parts) == len(read(node).destroyed)
    assert [len([each for each in part.destroyed if each.camera == CAMERA]) for part in parts][:3] == [1, 24, 24]


def test_one_camera_alone(node: Destroyed) -> None:
    assert read(node, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z", "gate").cameras() == ["gate"]
    assert len(read(node, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z", "gate").destroyed) == 35


def test_the_footage_and_the_ring_may_be_gone(node: Destroyed, tmp_path: Path) -> None:
    copy = tmp_path / "data" / "journal"
    shutil.copytree(node.data / "journal", copy)
    found = read_destruction(LinuxDisk(), NodeFolders(tmp_path / "data", tmp_path), 0, parse_utc("2026-12-01T00:00:00Z"))
    assert len(found.destroyed) == len(read(node).destroyed)


def test_a_line_that_was_changed_breaks_the_protocol_and_only_that_journal(node: Destroyed, tmp_path: Path) -> None:
    shutil.copytree(node.data / "journal", tmp_path / "data" / "journal")
    path = tmp_path / "data" / "journal" / "recorder.gate" / "000000000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"reason":"space"', b'"reason":"age"', 1))
    found = read_destruction(LinuxDisk(), NodeFolders(tmp_path / "data", tmp_path), 0, parse_utc("2026-12-01T00:00:00Z"))
    assert not found.is_whole
    assert [period.journal for period in found.journals if period.faults] == ["recorder.gate"]


def test_a_list_is_another_one_when_a_name_a_hash_or_the_order_changes(node: Destroyed) -> None:
    destroyed = read(node).destroyed[:5]
    assert list_sha256(destroyed) == list_sha256(list(destroyed))
    assert len({list_sha256(destroyed), list_sha256(destroyed[::-1]), list_sha256(destroyed[:4]), list_sha256([])}) == 4
