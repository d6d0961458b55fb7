"""edge/clip/sound.py, manifest.py and maker.py"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clip.maker import ClipMaker
from edge.clip.manifest import file_name, manifest
from edge.clip.package import PackageMaker
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clock import ManualClock, parse_utc
from edge.config.read import load_config
from edge.errors import IntegrityError, NotFound
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import Manifest
from tests.support.footage import FolderFile, FolderRing, picture_utc, request, write_segments
from tests.support.nodefile import write_config
from tests.support.video import encode


def _ring(folder: Path) -> FolderRing:
    ring = FolderRing(folder)
    for written in write_segments(encode("h264", 60, gop=10)):
        ring.put(written)
    return ring


def _damage(ring: FolderRing, seq: int, place: int) -> None:
    ref = ring.refs[seq - 1]
    entry = ring.index(ref).fragments[place]
    data = bytearray(ref.path.read_bytes())
    data[entry.data_offset + 40] ^= 0x80
    ref.path.write_bytes(data)


def _gaps(plan: Plan) -> list[tuple[str, str, str]]:
    return [(gap.start, gap.end, gap.reason) for gap in plan.gaps]


def test_a_plan_without_damage_stays_as_it_is(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 57))
    sound, clips = sound_plan(plan, ring.open)
    assert sound is plan
    assert [clip.size for clip in clips] == [len(b"".join(clip.stream())) for clip in clips]


def test_damaged_fragments_are_left_out_as_gaps(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 57))
    _damage(ring, 1, 1)
    _damage(ring, 3, 0)
    sound, clips = sound_plan(plan, ring.open)
    assert _gaps(sound) == [(picture_utc(10), picture_utc(20), "damaged"), (picture_utc(40), picture_utc(50), "damaged")]
    assert [[(each.seq, each.first, each.last) for each in part.fragments] for part in sound.parts] == [
        [(1, 0, 0)],
        [(2, 0, 1)],
        [(3, 1, 1)],
    ]
    assert len(clips) == 3
    assert sound_plan(plan, ring.open)[0] == sound, "the same after a reboot"
    assert sound_plan(sound, ring.open)[0] is sound


def test_a_damaged_closing_access_unit_costs_no_footage(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 17))
    _damage(ring, 2, 0)
    sound, _ = sound_plan(plan, ring.open)
    assert sound.gaps == []
    assert [part.closing for part in sound.parts] == [None]


def test_a_segment_that_is_gone_is_a_gap(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 57))
    ring.open(2).path.unlink()
    sound, clips = sound_plan(plan, ring.open)
    assert _gaps(sound) == [(picture_utc(20), picture_utc(40), "unknown")]
    assert len(clips) == 2


def test_known_reasons_stay_with_their_gaps(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 100))
    stopped = [msgspec.structs.replace(gap, reason="stopped") for gap in plan.gaps]
    plan = msgspec.structs.replace(plan, gaps=stopped)
    _damage(ring, 3, 1)
    sound, _ = sound_plan(plan, ring.open)
    assert _gaps(sound) == [(picture_utc(50), picture_utc(60), "damaged"), (picture_utc(60), picture_utc(100), "stopped")]


def test_footage_that_is_damaged_as_a_whole_leaves_a_gap_alone(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    plan = plan_clip(ring, request(3, 57))
    for ref in ring.refs:
        ref.path.write_bytes(bytes(ref.path.stat().st_size))
    sound, clips = sound_plan(plan, ring.open)
    assert (sound.parts, clips) == ([], [])
    assert [(gap[0], gap[1]) for gap in _gaps(sound)] == [(picture_utc(3), picture_utc(57))]


def test_the_manifest_tells_what_was_asked_delivered_and_missing(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ask = request(3, 80)
    plan, clips = sound_plan(plan_clip(ring, ask), ring.open)
    told = manifest("pole-7", ask, plan, dict(enumerate(clips)))
    assert (told.request, told.node) == (ask, "pole-7")
    (file,) = told.files
    assert file.name == "gate_20261122T132500.120Z.mp4" == file_name(plan, plan.parts[0])
    assert (file.bytes, file.sha256) == (clips[0].size, clips[0].etag())
    assert (file.asked_start, file.asked_end) == (picture_utc(3), picture_utc(60))
    assert (file.delivered_start, file.delivered_end) == (picture_utc(0), picture_utc(59))
    assert (file.frames, file.segments, file.clock, file.codec) == (60, [1, 2, 3], "trusted", "h264")
    assert [(gap.start, gap.end) for gap in told.gaps] == [(picture_utc(60), picture_utc(80))]
    assert msgspec.json.decode(msgspec.json.encode(told), type=Manifest) == told


def test_a_part_that_could_not_be_made_is_a_gap_in_the_manifest(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ask = request(3, 57)
    plan = plan_clip(ring, ask, lost={(2, 0)})
    _, clips = sound_plan(plan, ring.open)
    told = manifest("pole-7", ask, plan, {1: clips[1]})
    assert [file.asked_start for file in told.files] == [picture_utc(30)]
    assert [(gap.start, gap.end, gap.reason) for gap in told.gaps] == [
        (picture_utc(3), picture_utc(20), "damaged"),
        (picture_utc(20), picture_utc(30), "damaged"),
    ]


def test_the_maker_carries_stored_plans_out(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ask = request(3, 57)
    maker = ClipMaker("pole-7", PackageMaker(load_config(write_config(tmp_path)).config, LinuxDisk(), ManualClock()))
    stored = plan_clip(ring, ask).encode()
    _damage(ring, 2, 0)
    prepared = maker.prepare(stored, ring.open)
    assert (maker.parts(stored), maker.parts(prepared)) == (1, 2)
    clips = {part: maker.open(prepared, part, ring.open) for part in range(2)}
    told = maker.manifest(ask, prepared, clips)
    assert [file.sha256 for file in told.files] == [clip.etag() for clip in clips.values()]
    assert parse_utc(told.gaps[0].start) == parse_utc(picture_utc(20))
    with pytest.raises(IntegrityError):
        maker.parts(stored[:-1])
    with pytest.raises(NotFound):
        maker.open(prepared, 0, lambda seq: FolderFile(tmp_path / "nothing"))
