"""edge/bmff/boxes.py and bits.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff.bits import Bits, BitsError
from edge.bmff.boxes import box, boxes, find_box, full_box, pack_i32, pack_u32, pack_u64, unpack_i32, unpack_u32


def test_a_box_is_its_size_its_kind_and_its_payload() -> None:
    assert box(b"free", b"ab", b"c") == b"\0\0\0\x0bfreeabc"
    assert full_box(b"stss", 1, 2, b"x") == b"\0\0\0\x0dstss\1\0\0\2x"


def test_boxes_follow_one_another_until_one_is_cut_off() -> None:
    data = box(b"aaaa", b"12") + box(b"bbbb") + box(b"cccc", b"345")[:-1]
    assert [(each.kind, each.start, each.body, each.end) for each in boxes(data)] == [(b"aaaa", 0, 8, 10), (b"bbbb", 10, 18, 18)]


def test_a_64_bit_size_is_read() -> None:
    (found,) = boxes(b"\0\0\0\1mdat" + (20).to_bytes(8, "big") + b"data")
    assert (found.kind, found.body, found.end) == (b"mdat", 16, 20)


@pytest.mark.parametrize(
    "data", [b"\0\0\0\7free", b"\0\0\0\0free", b"\0\0\0\1mdat", b"\0\0\0\1mdat\0\0\0\0\0\0\0\x0f", b"\xff\xff\xff\xfffree"]
)
def test_an_impossible_size_ends_the_boxes(data: bytes) -> None:
    assert list(boxes(data)) == []


def test_a_path_of_boxes_is_followed_inside_its_parents_alone() -> None:
    data = box(b"moov", box(b"mvhd"), box(b"trak", box(b"tkhd", b"!"))) + box(b"tkhd")
    found = find_box(data, b"moov", b"trak", b"tkhd")
    assert found is not None
    assert data[found.body : found.end] == b"!"
    assert find_box(data, b"moov", b"tkhd") is None


@given(st.binary(max_size=300))
def test_any_bytes_give_boxes_within_them(data: bytes) -> None:
    position = 0
    for each in boxes(data):
        assert position == each.start < each.body <= each.end <= len(data)
        position = each.end


@given(st.lists(st.integers(0, 2**32 - 1)), st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_integers_are_packed_big_endian(unsigned: list[int], signed: list[int]) -> None:
    assert pack_u32(unsigned) == b"".join(value.to_bytes(4, "big") for value in unsigned)
    assert pack_i32(signed) == b"".join(value.to_bytes(4, "big", signed=True) for value in signed)
    assert pack_u64(unsigned) == b"".join(value.to_bytes(8, "big") for value in unsigned)
    assert unpack_u32(pack_u32(unsigned)).tolist() == unsigned
    assert unpack_i32(pack_i32(signed)).tolist() == signed


def _exp_golomb(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


@given(st.lists(st.integers(0, 2**32 - 2), max_size=20))
def test_exp_golomb_codes_are_read(values: list[int]) -> None:
    text = "".join(_exp_golomb(value) for value in values)
    padded = text + "0" * (-len(text) % 8)
    bits = Bits(int(padded or "0", 2).to_bytes(max(1, len(padded) // 8), "big"))
    assert [bits.ue() for _ in values] == values


def test_signed_codes_alternate() -> None:
    bits = Bits(int("101001100100001010000000", 2).to_bytes(3, "big"))
    assert [bits.se() for _ in range(5)] == [0, 1, -1, 2, -2]


def test_reading_past_the_end_is_an_error_of_its_own() -> None:
    with pytest.raises(BitsError):
        Bits(b"\xff").u(9)
    with pytest.raises(BitsError):
        Bits(bytes(3)).ue()
    with pytest.raises(BitsError):
        Bits(bytes(100)).ue()


def test_only_the_first_bytes_are_looked_at() -> None:
    bits = Bits(bytes(10), limit_bytes=2)
    assert bits.u(16) == 0
    with pytest.raises(BitsError):
        bits.u(1)
