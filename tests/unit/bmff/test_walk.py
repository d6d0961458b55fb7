"""edge/bmff/walk.py"""

from __future__ import annotations

from dataclasses import replace
from errno import EACCES, EIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bmff.fragment import STAMP_BYTES, STAMP_UUID, encode_stamp
from edge.bmff.index import SegmentIndex
from edge.bmff.walk import Read, Walk, walk
from edge.errors import StorageError
from edge.messages.stream import Codec
from tests.support.depth import usually
from tests.support.footage import Written, write_segment
from tests.support.video import encode


def _reader(data: bytes | bytearray) -> Read:
    return lambda offset, length: bytes(data[offset : offset + length])


def _walk(data: bytes | bytearray, *, check_payload: bool = True) -> Walk:
    return walk(_reader(data), len(data), camera="gate", check_payload=check_payload)


def _written(codec: Codec = "h264", b_frames: int = 2) -> Written:
    return write_segment(encode(codec, 40, b_frames=b_frames, gop=10), codec)


def _without_hashes(index: SegmentIndex) -> SegmentIndex:
    return replace(index, fragments=tuple(replace(entry, sha256_to_end=b"") for entry in index.fragments))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_an_unfinished_segment_tells_the_same_index_as_a_sealed_one(codec: Codec, b_frames: int) -> None:
    written = _written(codec, b_frames)
    found = _walk(written.body)
    assert found == Walk(written.index, len(written.body), [], init_ok=True, sealed=False)
    assert _walk(written.data) == Walk(written.index, len(written.body), [], init_ok=True, sealed=True)


def test_without_payload_checks_the_index_is_the_same_but_for_the_hashes() -> None:
    written = _written()
    assert _walk(written.body, check_payload=False).index == _without_hashes(written.index)


def test_without_payload_checks_little_is_read() -> None:
    written = write_segment(encode("h264", 50, width=1280, height=720))
    read_bytes = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal read_bytes
        read_bytes += length
        return written.body[offset : offset + length]

    found = walk(read, len(written.body), check_payload=False)
    assert found.index.frames == 50
    assert read_bytes <= 4 * 4096 < len(written.body) // 4


def test_a_torn_file_is_whole_up_to_its_last_whole_fragment_wherever_it_is_cut() -> None:
    written = _written()
    first = written.index.fragments[0].offset
    for size in range(first, len(written.body) + 1, usually(2, full=1)):
        whole = [end for end in written.ends if end <= size]
        found = _walk(written.body[:size])
        assert found.good_end == (whole[-1] if whole else first)
        assert found.index.fragments == written.index.fragments[: len(whole)]
        assert found.damaged == []
        assert found.init_ok


def test_zeros_behind_the_end_are_a_torn_tail() -> None:
    written = _written()
    cut = written.ends[2] + 200
    found = _walk(written.body[:cut] + bytes(70_000))
    assert found.good_end == written.ends[2]
    assert found.damaged == []


def test_an_init_segment_that_is_cut_off_leaves_nothing() -> None:
    written = _written()
    for size in range(written.index.init_length):
        found = _walk(written.body[:size])
        assert (found.good_end, found.index.fragments, found.init_ok) == (0, (), False)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("part", ["stamp", "moof", "trun", "payload", "one bit"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_damage_inside_loses_that_fragment_alone(part: str, place: int, sealed: bool) -> None:
    written = _written()
    entry = written.index.fragments[place]
    data = bytearray(written.data if sealed else written.body)
    spans = {
        "stamp": (entry.offset, STAMP_BYTES),
        "moof": (entry.offset + STAMP_BYTES, entry.data_offset - 8 - entry.offset - STAMP_BYTES),
        "trun": (entry.data_offset - 8 - 64, 64),
        "payload": (entry.data_offset + 100, 512),
    }
    if part == "one bit":
        data[entry.data_offset + entry.data_length // 2] ^= 4
    else:
        offset, length = spans[part]
        data[offset : offset + length] = bytes(length)
    found = _walk(data)
    kept = [each for each in written.index.fragments if each is not entry]
    assert [each.number for each in found.index.fragments] == [each.number for each in kept]
    assert [each.offset for each in found.index.fragments] == [each.offset for each in kept]
    torn = place == 3 and not sealed
    assert found.damaged == ([] if torn else [(entry.offset, entry.length)])
    assert found.good_end == (entry.offset if place == 3 else written.ends[-1])
    assert [each.sha256_to_end for each in found.index.fragments[:place]] == [each.sha256_to_end for each in kept[:place]]


def test_tables_stay_in_step_when_a_fragment_is_lost() -> None:
    written = _written()
    entry = written.index.fragments[1]
    data = bytearray(written.data)
    data[entry.data_offset] ^= 1
    found = _walk(data).index
    for place, original in enumerate((0, 2, 3)):
        assert found.fragment_sizes(place) == written.index.fragment_sizes(original)
        assert found.fragments[place].dts == written.index.fragments[original].dts
    assert found.duration_ticks == written.index.duration_ticks


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_lost_init_segment_is_made_up_for_from_the_pictures(codec: Codec, b_frames: int) -> None:
    written = _written(codec, b_frames)
    data = bytearray(written.body)
    data[: written.index.init_length] = bytes(written.index.init_length)
    found = _walk(data)
    assert not found.init_ok
    assert found.damaged == [(0, written.index.init_length)]
    assert _without_hashes(found.index) == _without_hashes(written.index)


def test_an_init_segment_that_lost_or_gained_bytes_hides_no_fragment() -> None:
    written = _written()
    for place in range(0, written.index.init_length, 7):
        for changed in (written.body[:place] + written.body[place + 1 :], written.body[:place] + b"\0" + written.body[place:]):
            assert [each.number for each in _walk(changed).index.fragments] == [0, 1, 2, 3]


def test_a_sealed_segment_s_index_makes_up_for_its_init_segment() -> None:
    written = _written()
    place = written.data.index(written.params.sps[0]) + 5
    data = written.data[:place] + bytes((written.data[place] ^ 1,)) + written.data[place + 1 :]
    found = _walk(data)
    assert not found.init_ok
    assert _without_hashes(found.index) == _without_hashes(written.index)


def test_fragments_of_another_segment_behind_the_end_do_not_count() -> None:
    written = _written()
    stale = write_segment(written.packets, seq=3)
    other_boot = write_segment(written.packets, boot="another boot")
    for foreign in (stale, other_boot, written):
        tail = foreign.body[foreign.index.fragments[1].offset :]
        found = _walk(written.body[: written.ends[1]] + b"torn" + tail)
        expected = written.ends[1] if foreign is not written else written.ends[1] + 4 + len(tail)
        assert found.good_end == expected


def test_a_repeated_fragment_does_not_count_twice() -> None:
    written = _written()
    again = written.body[written.index.fragments[0].offset : written.ends[0]]
    found = _walk(written.body + again)
    assert found.good_end == len(written.body)
    assert found.index.frames == 40


def test_bad_sectors_are_damage() -> None:
    written = _written()
    entry = written.index.fragments[2]

    def read(offset: int, length: int) -> bytes:
        bad = entry.data_offset + 10
        if offset <= bad < offset + length:
            raise StorageError("read: input/output error", number=EIO)
        return written.body[offset : offset + length]

    found = walk(read, len(written.body))
    assert [each.number for each in found.index.fragments] == [0, 1, 3]


def test_other_trouble_of_the_disk_is_passed_on() -> None:
    def read(offset: int, length: int) -> bytes:
        raise StorageError("no", number=EACCES)

    with pytest.raises(StorageError):
        walk(read, 1000)


@given(st.binary(max_size=2000))
def test_garbage_holds_nothing(data: bytes) -> None:
    found = _walk(data)
    assert (found.index.fragments, found.good_end, found.damaged, found.sealed) == ((), 0, [], False)


@settings(max_examples=200)
@given(st.data())
def test_whatever_happens_to_a_file_what_is_found_is_what_was_written(data: st.DataObject) -> None:
    written = _written()
    damaged = bytearray(written.data)
    for _ in range(data.draw(st.integers(1, 5))):
        offset = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["zero", "turn", "cut", "insert", "remove"]))
        length = data.draw(st.integers(1, 3000))
        if kind == "zero":
            damaged[offset : offset + length] = bytes(len(damaged[offset : offset + length]))
        elif kind == "turn":
            damaged[offset] ^= 1 << length % 8
        elif kind == "cut":
            del damaged[max(1, offset) :]
        elif kind == "insert":
            damaged[offset:offset] = STAMP_UUID * (length % 5 + 1)
        else:
            del damaged[offset : offset + min(length, len(damaged) - 1)]
        if not damaged:
            damaged = bytearray(1)
    found = _walk(damaged)
    fragments = {b"".join(each.buffers) for each in written.fragments}
    for entry in found.index.fragments:
        assert bytes(damaged[entry.offset : entry.offset + entry.length]) in fragments
    intact = sum(bytes(damaged).count(each) > 0 for each in fragments)
    assert len(found.index.fragments) == intact
    assert found.good_end <= len(damaged)
    _walk(damaged, check_payload=False)


def test_a_file_made_of_misleading_stamps_costs_bounded_work() -> None:
    stamp = _written().fragments[0].stamp
    size = 40_000 * STAMP_BYTES
    data = b"".join(encode_stamp(replace(stamp, number=number), size - number * STAMP_BYTES, 0) for number in range(40_000))
    read_bytes = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal read_bytes
        read_bytes += length
        return data[offset : offset + length]

    found = walk(read, len(data))
    assert found.index.fragments == ()
    assert read_bytes < 17 * len(data) + (65 << 20)
