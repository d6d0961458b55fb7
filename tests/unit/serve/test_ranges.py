from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.serve.ranges import OutOfReach, asked_range, byte_range, is_another, is_unchanged

TAG = '"abc"'


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_a_range_is_what_a_slice_would_be(first: int, last: int, size: int) -> None:
    whole = bytes(range(size))
    if last < first:
        assert byte_range(f"bytes={first}-{last}", size) is None
    elif first >= size:
        with pytest.raises(OutOfReach):
            byte_range(f"bytes={first}-{last}", size)
    else:
        found = byte_range(f"bytes={first}-{last}", size)
        assert found is not None
        assert whole[slice(*found)] == whole[first : last + 1]
        assert byte_range(f"bytes={first}-", size) == (first, size)


@given(st.integers(1, 300), st.integers(1, 200))
def test_a_suffix_is_the_end(length: int, size: int) -> None:
    found = byte_range(f"bytes=-{length}", size)
    assert found is not None
    assert bytes(range(size))[slice(*found)] == bytes(range(size))[-length:]


@given(st.text(max_size=40) | st.from_regex(r"bytes=[0-9, -]{0,12}", fullmatch=True), st.integers(0, 200))
def test_whatever_the_header_says_the_range_lies_in_the_file_and_is_not_empty(header: str, size: int) -> None:
    try:
        found = byte_range(header, size)
    except OutOfReach:
        return
    assert found is None or 0 <= found[0] < found[1] <= size


@pytest.mark.parametrize(
    "header", ["", "bytes=-", "bytes=0-1,4-5", "bytes=a-b", "items=0-1", "bytes=5-2", "bytes=٣-", "bytes=" + "9" * 40 + "-"]
)
def test_what_is_not_one_range_is_answered_with_the_whole_file(header: str) -> None:
    assert byte_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=100-200"])
def test_a_range_behind_the_end_is_told(header: str) -> None:
    with pytest.raises(OutOfReach):
        byte_range(header, 100)


def test_a_range_of_another_file_is_the_whole_of_this_one() -> None:
    asked = {"range": "bytes=1-2"}
    assert asked_range(asked, TAG, 10) == (1, 3)
    assert asked_range({**asked, "if-range": TAG}, TAG, 10) == (1, 3)
    for other in ('"abd"', f"W/{TAG}", "Wed, 21 Oct 2015 07:28:00 GMT", "abc"):
        assert asked_range({**asked, "if-range": other}, TAG, 10) is None


def test_tags_are_compared_as_the_standard_says() -> None:
    assert is_unchanged({"if-none-match": f'"x", W/{TAG}'}, TAG)
    assert not is_unchanged({"if-none-match": '"x"'}, TAG)
    assert not is_unchanged({}, TAG)
    assert is_another({"if-match": f"W/{TAG}"}, TAG)
    assert not is_another({"if-match": f'"x",{TAG}'}, TAG)
    assert not is_another({"if-match": "*"}, TAG)
    assert not is_another({}, TAG)
