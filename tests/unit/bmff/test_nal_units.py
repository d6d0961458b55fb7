"""edge/bmff/nal.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff.nal import is_idr, is_parameter_set, is_slice, nal_type, split, stored, unescape
from edge.messages.stream import Codec
from tests.support.video import encode

# Bytes that may stand inside a NAL unit: no start code, no trailing zero.
CONTENT = st.binary(min_size=1, max_size=60).map(lambda raw: raw.replace(b"\0", b"\1"))


@given(st.lists(st.tuples(CONTENT, st.integers(0, 4), st.booleans()), max_size=8), st.sampled_from((bytes, bytearray, memoryview)))
def test_split_gives_back_what_was_joined(units: list[tuple[bytes, int, bool]], kind: type) -> None:
    joined = b"".join((b"\0\0\0\1" if long else b"\0\0\1") + unit + bytes(zeros) for unit, zeros, long in units)
    assert [bytes(nal) for nal in split(kind(joined))] == [unit for unit, _, _ in units]


def test_split_copies_nothing() -> None:
    data = bytearray(b"\0\0\1\x67abc\0\0\1\x65xyz")
    first, second = split(data)
    data[4] = ord("A")
    assert (bytes(first), bytes(second)) == (b"\x67Abc", b"\x65xyz")


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\1", b"\0\0\1\0\0\1", b"no start code", bytes(1000)])
def test_bytes_without_a_nal_unit_split_into_nothing(data: bytes) -> None:
    assert split(data) == []


def test_bytes_before_the_first_start_code_are_no_nal_unit() -> None:
    assert [bytes(nal) for nal in split(b"junk\0\0\1\x65a")] == [b"\x65a"]


@given(st.binary(max_size=400))
def test_split_takes_any_bytes(data: bytes) -> None:
    for nal in split(data):
        assert len(nal) > 0
        assert nal[-1] != 0
        assert b"\0\0\1" not in bytes(nal)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_key_frames_of_real_encoders_hold_parameter_sets_and_an_idr_slice(codec: Codec, b_frames: int) -> None:
    for packet in encode(codec, 30, b_frames=b_frames, gop=10):
        nals = split(packet.data)
        assert any(is_idr(codec, nal) for nal in nals) == packet.key
        assert any(is_parameter_set(codec, nal) for nal in nals) == packet.key
        assert any(is_slice(codec, nal) for nal in nals)


def test_types_are_read_from_the_first_byte() -> None:
    assert nal_type("h264", b"\x67") == 7
    assert nal_type("h265", b"\x42\x01") == 33
    assert nal_type("h264", b"") == -1
    assert not is_idr("h265", b"")
    assert not is_slice("h264", b"")


def test_every_irap_picture_of_h265_is_a_key() -> None:
    keys = [kind for kind in range(64) if is_idr("h265", bytes((kind << 1, 1)))]
    assert keys == [16, 17, 18, 19, 20, 21]


@given(st.binary(max_size=200))
def test_unescape_undoes_emulation_prevention(raw: bytes) -> None:
    escaped, zeros = bytearray(), 0
    for byte in raw:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    assert unescape(escaped) == raw


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_stored_nal_units_are_found_by_their_lengths(units: list[bytes]) -> None:
    found = stored(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units))
    assert found is not None
    assert [bytes(nal) for nal in found] == units


@given(st.binary(max_size=60))
def test_stored_lengths_that_do_not_add_up_give_none(data: bytes) -> None:
    found = stored(data)
    assert found is None or sum(4 + len(nal) for nal in found) == len(data)


def test_a_stored_length_beyond_the_sample_gives_none() -> None:
    assert stored(b"\0\0\0\5abcd") is None
    assert stored(b"\0\0\0\1a\0\0") is None
