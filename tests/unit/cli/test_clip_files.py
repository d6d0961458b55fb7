"""Writing a clip into a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli.clip_files import _write
from edge.clip.plan import plan_clip
from edge.clip.virtual import VirtualClip, open_part
from edge.errors import IntegrityError
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


def hashed_clip(ring: FolderRing) -> VirtualClip:
    clip = open_part(plan_clip(ring, request(0, 75)).parts[0], ring.open)
    clip.etag()
    return clip


def test_what_is_written_has_the_hash_that_was_told(ring: FolderRing, tmp_path: Path) -> None:
    clip = hashed_clip(ring)
    told: list[int] = []
    _write(LinuxDisk(), tmp_path / "clip.mp4", clip, told.append)
    assert (tmp_path / "clip.mp4").read_bytes() == clip.read(0, clip.size)
    assert sum(told) == clip.size


def test_a_disk_that_gives_other_bytes_the_second_time_leaves_no_file(ring: FolderRing, tmp_path: Path) -> None:
    clip = hashed_clip(ring)
    ref = ring.refs[0]
    entry = ring.index(ref).fragments[1]
    stored = bytearray(ref.path.read_bytes())
    stored[entry.data_offset + entry.data_length // 2] ^= 1
    ref.path.write_bytes(stored)
    with pytest.raises(IntegrityError, match="other bytes"):
        _write(LinuxDisk(), tmp_path / "clip.mp4", clip, lambda written: None)
    assert [path.name for path in tmp_path.iterdir()] == ["ring"]
