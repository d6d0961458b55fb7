"""edge/clip/virtual.py and source.py: the bytes of a clip."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from errno import EIO
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.bmff.nal import split, stored
from edge.clip.plan import plan_clip
from edge.clip.shape import FragmentRange, PlanPart
from edge.clip.source import DamagedFragment
from edge.clip.virtual import VirtualClip, open_part
from edge.errors import IntegrityError, NotFound, StorageError
from edge.messages.stream import Codec
from tests.support.flatfile import read_flat
from tests.support.footage import FolderFile, FolderRing, request, write_segments
from tests.support.video import encode


@dataclass
class Counting:
    """A ring's opener that counts what is read."""

    ring: FolderRing
    reads: list[tuple[int, int, int]] = field(default_factory=list)

    def __call__(self, seq: int) -> CountingFile:
        return CountingFile(self, seq, self.ring.open(seq))


@dataclass(frozen=True)
class CountingFile:
    counting: Counting
    seq: int
    file: FolderFile

    @property
    def size(self) -> int:
        return self.file.size

    def read(self, offset: int, length: int) -> bytes:
        self.counting.reads.append((self.seq, offset, length))
        return self.file.read(offset, length)


def _ring(folder: Path, codec: Codec = "h264", b_frames: int = 0) -> FolderRing:
    """Three segments of two GOPs of ten pictures: pictures 0 to 59."""
    ring = FolderRing(folder)
    for written in write_segments(encode(codec, 60, b_frames=b_frames, gop=10), codec):
        ring.put(written)
    return ring


def _part(ring: FolderRing, first: int = 13, end: int = 47) -> PlanPart:
    (part,) = plan_clip(ring, request(first, end)).parts
    return part


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[VirtualClip, bytes]:
    ring = _ring(tmp_path_factory.mktemp("ring"), b_frames=2)
    part = _part(ring)
    return open_part(part, ring.open), b"".join(open_part(part, ring.open).stream())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_any_byte_range_is_that_of_the_whole(whole: tuple[VirtualClip, bytes], data: st.DataObject) -> None:
    clip, expected = whole
    offset = data.draw(st.integers(0, len(expected) + 10))
    length = data.draw(st.integers(0, len(expected) + 10))
    assert clip.read(offset, length) == expected[offset : offset + length]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.data())
def test_streaming_from_anywhere_gives_the_rest(whole: tuple[VirtualClip, bytes], data: st.DataObject) -> None:
    clip, expected = whole
    offset = data.draw(st.integers(0, len(expected) + 10))
    chunk_bytes = data.draw(st.sampled_from([1000, 4096, 1 << 18]))
    parts = list(clip.stream(offset, chunk_bytes))
    assert b"".join(parts) == expected[offset:]
    assert all(0 < len(part) <= chunk_bytes for part in parts)


def test_size_and_etag_are_those_of_the_bytes(whole: tuple[VirtualClip, bytes]) -> None:
    clip, expected = whole
    assert clip.size == len(expected)
    assert clip.etag() == sha256(expected).hexdigest()


def test_ranges_that_make_no_sense_are_value_errors(whole: tuple[VirtualClip, bytes]) -> None:
    clip, _ = whole
    with pytest.raises(ValueError):
        clip.read(-1, 1)
    with pytest.raises(ValueError):
        clip.read(0, -1)
    with pytest.raises(ValueError):
        next(clip.stream(-1))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_nal_unit_of_a_clip_is_byte_for_byte_the_stored_one(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    ring = _ring(tmp_path, codec, b_frames)
    data = b"".join(open_part(_part(ring), ring.open).stream())
    flat = read_flat(data)
    packets = encode(codec, 60, b_frames=b_frames, gop=10)[10:51]
    assert len(flat.samples) == len(packets) == 41, "GOPs 1 to 4 and the closing access unit"
    for sample, packet in zip(flat.samples, packets, strict=True):
        nals = stored(data[sample.offset : sample.offset + sample.size])
        assert nals is not None
        assert [bytes(nal) for nal in nals] == [bytes(nal) for nal in split(packet.data)]


def test_the_same_plan_gives_the_same_bytes_from_an_open_segment_sealed_later(tmp_path: Path) -> None:
    ring = FolderRing(tmp_path)
    *sealed, last = write_segments(encode("h264", 60, gop=10))
    for written in sealed:
        ring.put(written)
    ref = ring.put(last, sealed=False)
    part = _part(ring, 13, 55)
    before = open_part(part, ring.open).etag()
    ref.path.write_bytes(last.data)
    assert open_part(part, ring.open).etag() == before


def test_a_stored_plan_gives_the_same_bytes_from_pinned_files_elsewhere(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    again = msgspec.json.decode(msgspec.json.encode(part), type=PlanPart)
    etag = open_part(part, ring.open).etag()
    links = tmp_path / "links"
    links.mkdir()
    for seq in part.segments():
        path = ring.open(seq).path
        (links / path.name).hardlink_to(path)
        path.unlink()
    assert open_part(again, lambda seq: FolderFile(links / f"{seq:09d}.mp4")).etag() == etag


def test_opening_reads_tails_alone_and_streaming_reads_each_fragment_once(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    counting = Counting(ring)
    clip = open_part(_part(ring), counting)
    assert [seq for seq, _, _ in counting.reads] == [1, 1, 2, 2, 3, 3]
    assert sum(length for _, _, length in counting.reads) < 3 * 2000
    counting.reads.clear()
    for _ in clip.stream(chunk_bytes=777):
        pass
    assert len(counting.reads) == 5
    counting.reads.clear()
    for offset in range(0, clip.size, 500):
        clip.read(offset, 500)
    assert len(counting.reads) == 5, "ranges within one fragment read it once"


def test_the_header_needs_no_payload(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    counting = Counting(ring)
    clip = open_part(_part(ring), counting)
    counting.reads.clear()
    clip.read(0, clip.header_bytes)
    assert counting.reads == []


def test_damage_is_never_given_out(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    path = ring.open(2).path
    index = ring.index(ring.refs[1])
    for place in (0, 1):
        original = path.read_bytes()
        entry = index.fragments[place]
        for offset in (entry.offset + entry.length - entry.data_length - 20, entry.data_offset, entry.offset + entry.length - 1):
            damaged = bytearray(original)
            damaged[offset] ^= 1
            path.write_bytes(damaged)
            clip = open_part(part, ring.open)
            with pytest.raises(DamagedFragment) as caught:
                b"".join(clip.stream())
            assert (caught.value.seq, caught.value.number) == (2, place)
            with pytest.raises(DamagedFragment):
                clip.etag()
            good = clip.read(0, clip.header_bytes + 10)
            assert len(good) == clip.header_bytes + 10
        path.write_bytes(original)


def test_a_segment_that_is_cut_short_is_an_integrity_error(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    clip = open_part(part, ring.open)
    path = ring.open(2).path
    data = path.read_bytes()
    path.write_bytes(data[: ring.index(ring.refs[1]).fragments[1].offset + 300])
    with pytest.raises(IntegrityError):
        clip.etag()
    with pytest.raises(IntegrityError):
        open_part(part, ring.open)


def test_a_segment_that_is_gone_is_a_storage_error(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    clip = open_part(part, ring.open)
    ring.open(2).path.unlink()
    with pytest.raises(NotFound):
        b"".join(clip.stream())
    with pytest.raises(NotFound):
        open_part(part, ring.open)


def test_another_segment_in_its_place_is_an_integrity_error(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    with pytest.raises(IntegrityError, match="segment 1"):
        open_part(part, lambda seq: ring.open(1))
    with pytest.raises(IntegrityError, match="parameter sets"):
        open_part(msgspec.structs.replace(part, params_sha256="0" * 64), ring.open)
    beyond = [FragmentRange(seq=1, first=0, last=5)]
    with pytest.raises(IntegrityError, match="holds 2 of the 6 fragments"):
        open_part(msgspec.structs.replace(part, fragments=beyond), ring.open)


@dataclass(frozen=True)
class BadSector:
    file: FolderFile
    at: int
    number: int = EIO

    @property
    def size(self) -> int:
        return self.file.size

    def read(self, offset: int, length: int) -> bytes:
        if offset <= self.at < offset + length:
            raise StorageError("read failed", number=self.number)
        return self.file.read(offset, length)


def test_a_bad_sector_is_a_damaged_fragment_and_other_trouble_is_passed_on(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    part = _part(ring)
    entry = ring.index(ring.refs[1]).fragments[1]
    bad = open_part(part, lambda seq: BadSector(ring.open(seq), entry.data_offset if seq == 2 else -1))
    with pytest.raises(DamagedFragment):
        bad.etag()
    busy = open_part(part, lambda seq: BadSector(ring.open(seq), entry.data_offset if seq == 2 else -1, number=5000))
    with pytest.raises(StorageError):
        busy.etag()


def test_a_swapped_fragment_with_its_own_right_stamp_is_noticed(tmp_path: Path) -> None:
    """The index box knows each fragment's CRC: another whole fragment of equal length does not pass."""
    ring = _ring(tmp_path)
    part = _part(ring)
    path, entry = ring.open(2).path, ring.index(ring.refs[1]).fragments[0]
    data = bytearray(path.read_bytes())
    data[entry.data_offset + 50] ^= 0xFF
    body = data[entry.offset : entry.offset + entry.length]
    assert zlib.crc32(body) != entry.crc32
    path.write_bytes(data)
    with pytest.raises(DamagedFragment):
        open_part(part, ring.open).etag()


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_states_when_its_first_picture_was_taken(tmp_path: Path, b_frames: int) -> None:
    """The origin of the media timeline, and the first picture's composition offset after it."""
    ring = _ring(tmp_path, b_frames=b_frames)
    (part,) = plan_clip(ring, request(13, 47)).parts
    flat = read_flat(open_part(part, ring.open).read(0, 1 << 30))
    assert flat.start_utc_ns is not None
    first_ns = flat.start_utc_ns + flat.samples[0].pts * 100_000 // 9
    assert abs(first_ns - part.delivered_start_utc_ns) < 100_000


def test_a_clip_whose_clock_was_not_trusted_states_no_time(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    (part,) = plan_clip(ring, request(13, 47)).parts
    untrusted = msgspec.structs.replace(part, clock="untrusted")
    assert read_flat(open_part(untrusted, ring.open).read(0, 1 << 30)).start_utc_ns is None
