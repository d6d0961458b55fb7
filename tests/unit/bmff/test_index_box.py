"""edge/bmff/index.py"""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff.boxes import boxes
from edge.bmff.index import INDEX_MAGIC, TRAILER_BYTES, SegmentIndex, TailNeeds, decode_tail, encode_index
from edge.errors import IntegrityError
from edge.messages.stream import Codec
from tests.support.footage import Written, write_segment
from tests.support.video import encode


def _written(codec: Codec = "h264", b_frames: int = 2) -> Written:
    return write_segment(encode(codec, 40, b_frames=b_frames, gop=10), codec)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_an_index_comes_back_from_a_file_s_tail(codec: Codec, b_frames: int) -> None:
    written = _written(codec, b_frames)
    assert decode_tail(written.data, len(written.data)) == written.index
    size = len(written.data) - len(written.body)
    assert decode_tail(written.data[-TRAILER_BYTES:], len(written.data)) == TailNeeds(size)
    assert decode_tail(written.data[-size:], len(written.data)) == written.index


def test_the_index_is_one_box_at_the_end() -> None:
    written = _written()
    *_, last = boxes(written.data)
    assert (last.kind, last.start, last.end) == (b"uuid", len(written.body), len(written.data))


def test_the_index_tells_where_every_sample_lies() -> None:
    written = _written()
    index = written.index
    assert index.frames == 40
    assert index.duration_ticks == 40 * 3600
    for place, entry in enumerate(index.fragments):
        fragment = written.fragments[place]
        assert tuple(index.fragment_sizes(place)) == fragment.sizes
        assert tuple(index.fragment_durations(place)) == fragment.durations
        assert tuple(index.fragment_ctos(place)) == fragment.ctos
        assert entry.data_offset == entry.offset + fragment.data_offset
        assert written.data[entry.offset : entry.offset + entry.length] == b"".join(fragment.buffers)


def test_the_segment_s_start_is_known_without_its_first_fragment() -> None:
    index = _written().index
    assert replace(index, fragments=index.fragments[2:]).start_boot_ns == index.start_boot_ns == index.fragments[0].boot_ns


def test_the_hash_of_times_changes_with_any_time() -> None:
    index = _written().index
    later = replace(index.fragments[1], boot_ns=index.fragments[1].boot_ns + 1)
    others = [
        replace(index, fragments=(index.fragments[0], later, *index.fragments[2:])),
        replace(index, durations=b"\0\0\0\1" + index.durations[4:]),
        replace(index, ctos=b"\0\0\0\1" + index.ctos[4:]),
    ]
    assert len({index.times_sha256, *(other.times_sha256 for other in others)}) == 4
    assert replace(index, camera="other").times_sha256 == index.times_sha256


def test_hashes_to_the_end_are_kept_and_their_absence_too() -> None:
    index = _written().index
    assert all(len(entry.sha256_to_end) == 32 for entry in index.fragments)
    bare = replace(index, fragments=tuple(replace(entry, sha256_to_end=b"") for entry in index.fragments))
    box = encode_index(bare)
    assert decode_tail(box, index.fragments[-1].offset + index.fragments[-1].length + len(box)) == bare


def test_a_segment_without_fragments_has_an_index_too() -> None:
    index = replace(_written().index, fragments=(), sizes=b"", durations=b"", ctos=b"")
    box = encode_index(index)
    assert decode_tail(box, index.init_length + len(box)) == index
    assert (index.duration_ticks, index.start_boot_ns) == (0, 0)


def test_every_single_damaged_byte_of_the_box_is_noticed() -> None:
    written = _written()
    start = len(written.body)
    for place in range(start, len(written.data)):
        damaged = bytearray(written.data)
        damaged[place] ^= 0x10
        try:
            found = decode_tail(damaged, len(damaged))
        except IntegrityError:
            continue
        assert isinstance(found, TailNeeds), place
        assert found.length != len(written.data) - start


@pytest.mark.parametrize("tail", [b"", b"short", bytes(100), INDEX_MAGIC + bytes(8), INDEX_MAGIC + b"\xff" * 8])
def test_a_file_without_an_index_is_an_integrity_error(tail: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_tail(tail, 1000)


@given(st.binary(max_size=300), st.integers(0, 2**40))
def test_any_tail_is_an_index_a_need_or_an_integrity_error(tail: bytes, size: int) -> None:
    for data in (tail, tail + INDEX_MAGIC + len(tail).to_bytes(8, "big"), tail + INDEX_MAGIC + (len(tail) + 20).to_bytes(8, "big")):
        with suppress(IntegrityError):
            assert isinstance(decode_tail(data, size), SegmentIndex | TailNeeds)


@given(st.data())
def test_a_forged_box_with_a_right_crc_never_raises_anything_else(data: st.DataObject) -> None:
    written = _written()
    box = bytearray(written.data[len(written.body) : -TRAILER_BYTES - 4])
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(box) - 1))
        box[place] = data.draw(st.integers(0, 255))
    box += zlib.crc32(box).to_bytes(4, "big") + written.data[-TRAILER_BYTES:]
    try:
        found = decode_tail(box, len(written.data))
    except IntegrityError:
        return
    assert isinstance(found, SegmentIndex)
    assert found.duration_ticks >= 0
    assert len(found.times_sha256) == 64
    end = found.init_length
    for place, entry in enumerate(found.fragments):
        assert end <= entry.offset < entry.data_offset <= entry.offset + entry.length <= len(written.body)
        assert sum(found.fragment_sizes(place)) == entry.data_length
        end = entry.offset + entry.length


def test_a_text_that_does_not_fit_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        encode_index(replace(_written().index, camera="x" * 65_536))
