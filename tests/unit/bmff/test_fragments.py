"""edge/bmff/fragment.py, run.py, init.py and movie.py"""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff.boxes import boxes, find_box
from edge.bmff.fragment import (
    LARGEST_FRAGMENT_BYTES,
    STAMP_BYTES,
    Sample,
    Stamp,
    build_fragment,
    decode_stamp,
    encode_stamp,
    init_segment,
    ns_of,
    ticks,
)
from edge.bmff.init import init_from_stream, read_init
from edge.bmff.nal import split, stored
from edge.bmff.run import read_run
from edge.messages.stream import Codec
from tests.support.footage import samples_of, write_segment
from tests.support.video import encode

STAMP = Stamp(7, 3, 100_000_000_000, 1_795_353_900_120_000_000, "holdover", "0b7a7d7e-0f4e-4c0e-9a43-2c1f6f3b5a11")
STAMPS = st.builds(
    Stamp,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 2),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["trusted", "holdover", "untrusted"]),
    st.text(max_size=47).filter(lambda text: len(text.encode()) <= 47),
)
SAMPLES = st.lists(
    st.builds(
        Sample,
        st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=3),
        st.integers(0, 2**32 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(STAMPS, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_stamp_comes_back(stamp: Stamp, length: int, crc32: int) -> None:
    data = encode_stamp(stamp, length, crc32)
    found = decode_stamp(b"xy" + data, 2)
    assert len(data) == STAMP_BYTES
    assert found is not None
    assert (found.stamp, found.length, found.crc32) == (stamp, length, crc32)


def test_a_stamp_with_any_bit_turned_is_none() -> None:
    data = encode_stamp(STAMP, 1000, 0x12345678)
    for place in range(STAMP_BYTES * 8):
        turned = bytearray(data)
        turned[place // 8] ^= 1 << place % 8
        assert decode_stamp(turned) is None


def test_a_stamp_that_is_cut_off_is_none() -> None:
    data = encode_stamp(STAMP, 1000, 0)
    assert all(decode_stamp(data[:length]) is None for length in range(STAMP_BYTES))
    assert decode_stamp(data, 1) is None
    assert decode_stamp(data, -1) is None


@pytest.mark.parametrize(
    "stamp", [replace(STAMP, boot="x" * 48), replace(STAMP, segment_seq=-1), replace(STAMP, number=2**32), replace(STAMP, boot_ns=-1)]
)
def test_a_stamp_that_does_not_fit_is_a_value_error(stamp: Stamp) -> None:
    with pytest.raises(ValueError):
        encode_stamp(stamp, 1000, 0)


@given(SAMPLES, st.integers(0, 2**63))
def test_a_fragment_comes_back_from_its_bytes(samples: list[Sample], dts: int) -> None:
    built = build_fragment(STAMP, dts, samples)
    data = b"".join(built.buffers)
    found = decode_stamp(data)
    assert found is not None
    assert (found.stamp, found.length, found.crc32) == (STAMP, len(data), zlib.crc32(data[STAMP_BYTES:]))
    assert (built.length, built.crc32) == (found.length, found.crc32)
    run = read_run(data[STAMP_BYTES:], len(data) - STAMP_BYTES)
    assert run is not None
    assert (run.dts, run.key) == (dts, samples[0].key)
    assert tuple(run.sizes) == built.sizes
    assert tuple(run.durations) == built.durations == tuple(sample.duration for sample in samples)
    assert tuple(run.ctos) == built.ctos == tuple(sample.cto for sample in samples)
    nals = stored(data[built.data_offset :])
    assert nals is not None
    assert [bytes(nal) for nal in nals] == [bytes(nal) for sample in samples for nal in sample.nals]


def test_the_boxes_of_a_fragment_are_stamp_moof_mdat() -> None:
    built = build_fragment(STAMP, 0, [Sample([b"\x65abc"], 3600, 0, True)])
    data = b"".join(built.buffers)
    assert [each.kind for each in boxes(data)] == [b"uuid", b"moof", b"mdat"]
    mdat = find_box(data, b"mdat")
    assert mdat is not None
    assert mdat.body == built.data_offset
    assert mdat.end - mdat.body == built.data_length == 8


def test_the_nal_units_are_written_from_where_they_are() -> None:
    packet = encode("h264", 2)[0]
    samples = samples_of([packet])
    built = build_fragment(STAMP, 0, samples)
    for nal in samples[0].nals:
        assert any(buffer is nal for buffer in built.buffers)


@pytest.mark.parametrize(
    ("dts", "samples"),
    [
        (0, []),
        (-1, [Sample([b"a"], 1, 0, True)]),
        (0, [Sample([b"a"], -1, 0, True)]),
        (0, [Sample([b"a"], 2**32, 0, True)]),
        (0, [Sample([b"a"], 1, 2**31, True)]),
        (0, [Sample([bytes(LARGEST_FRAGMENT_BYTES)], 1, 0, True)]),
    ],
)
def test_a_fragment_that_does_not_fit_is_a_value_error(dts: int, samples: list[Sample]) -> None:
    with pytest.raises(ValueError):
        build_fragment(STAMP, dts, samples)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_as_moof_give_a_run_or_none(data: bytes, length: int) -> None:
    assert read_run(data, length) is None


@given(st.data())
def test_a_damaged_moof_never_raises(data: st.DataObject) -> None:
    built = build_fragment(STAMP, 0, [Sample([b"\x65abc"], 3600, 0, True), Sample([b"\x41ab"], 3600, 0, False)])
    body = bytearray(b"".join(built.buffers)[STAMP_BYTES:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    run = read_run(body, len(body))
    assert run is None or len(run.sizes) == len(run.durations) == len(run.ctos)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("first_cto", [0, 7200])
def test_an_init_segment_comes_back(codec: Codec, first_cto: int) -> None:
    params = write_segment(encode(codec, 10), codec).params
    data = init_segment(params, 320, 180, first_cto)
    found = read_init(data + b"more")
    assert found is not None
    assert (found.length, found.codec, found.width, found.height) == (len(data), codec, 320, 180)
    assert (found.params_sha256, found.first_cto) == (params.sha256(), first_cto)
    assert found.sample_entry == params.sample_entry(320, 180)
    assert (find_box(data, b"moov", b"trak", b"edts") is not None) == (first_cto > 0)


@given(st.data())
def test_a_damaged_init_segment_never_raises(data: st.DataObject) -> None:
    written = bytearray(write_segment(encode("h265", 10), "h265").data[:900])
    for _ in range(data.draw(st.integers(1, 6))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    read_init(written[: data.draw(st.integers(0, len(written)))])


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_pictures_alone_tell_codec_and_size(codec: Codec) -> None:
    found = init_from_stream(split(encode(codec, 2)[0].data))
    assert (found.codec, found.width, found.height) == (codec, 320, 180)
    assert init_from_stream([b"\x65abc"]).codec == ""


@given(st.integers(0, 10**19))
def test_ticks_and_nanoseconds_agree_to_a_tick(value_ns: int) -> None:
    assert abs(ns_of(ticks(value_ns)) - value_ns) <= 100_000 // 9 + 1
    assert ticks(ns_of(ticks(value_ns))) == ticks(value_ns)


def test_ticks_of_round_times_are_exact() -> None:
    assert ticks(1_000_000_000) == 90_000
    assert ticks(40_000_000) == 3_600
    assert ns_of(3_600) == 40_000_000
