"""Writing a clip into a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from edge.cli.clip_files import Found, write_files
from edge.clip.manifest import manifest
from edge.clip.plan import plan_clip
from edge.clip.virtual import open_part
from edge.errors import IntegrityError, Refused
from edge.host.linux_disk import LinuxDisk
from tests.support.footage import FolderRing, request, write_segments
from tests.support.video import encode


@pytest.fixture
def ring(tmp_path: Path) -> FolderRing:
    (tmp_path / "ring").mkdir()
    ring = FolderRing(tmp_path / "ring")
    for written in write_segments(encode(frames=100)):
        ring.put(written)
    return ring


def found(ring: FolderRing) -> Found:
    plan = plan_clip(ring, request(0, 75))
    clip = open_part(plan.parts[0], ring.open)
    clip.etag()
    return Found(LinuxDisk(), plan, [clip], manifest("node", request(0, 75), plan, {0: clip}), ring.open)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_is_written_has_the_hash_that_was_told(ring: FolderRing, tmp_path: Path) -> None:
    some = found(ring)
    write_files(some, [tmp_path / "clip.mp4"], lambda: None)
    assert sha256((tmp_path / "clip.mp4").read_bytes()).hexdigest() == some.manifest.files[0].sha256


def test_the_export_is_recorded_when_all_bytes_are_there_and_before_they_have_their_name(ring: FolderRing, tmp_path: Path) -> None:
    some = found(ring)
    seen: list[tuple[bool, int]] = []

    def record() -> None:
        (part,) = tmp_path.glob(".*.part")
        seen.append(((tmp_path / "clip.mp4").exists(), part.stat().st_size))

    write_files(some, [tmp_path / "clip.mp4"], record)
    assert seen == [(False, some.size)]
    assert sorted(names(tmp_path)) == ["clip.mp4", "ring"]


def test_what_cannot_be_recorded_leaves_no_file(ring: FolderRing, tmp_path: Path) -> None:
    def refuse() -> None:
        raise Refused("not_recorded", "the journal takes nothing")

    with pytest.raises(Refused):
        write_files(found(ring), [tmp_path / "clip.mp4"], refuse)
    assert names(tmp_path) == ["ring"]


def test_a_disk_that_gives_other_bytes_the_second_time_leaves_no_file(ring: FolderRing, tmp_path: Path) -> None:
    some = found(ring)
    ref = ring.refs[0]
    entry = ring.index(ref).fragments[1]
    stored = bytearray(ref.path.read_bytes())
    stored[entry.data_offset + entry.data_length // 2] ^= 1
    ref.path.write_bytes(stored)
    with pytest.raises(IntegrityError, match="other bytes"):
        write_files(some, [tmp_path / "clip.mp4"], lambda: None)
    assert names(tmp_path) == ["ring"]
