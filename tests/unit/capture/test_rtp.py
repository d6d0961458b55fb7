"""RTP packets become exactly the access units that were sent, or nothing."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff import nal
from edge.capture.rtp import Depacketizer
from edge.capture.timestamps import Unit
from edge.messages.stream import Codec
from tests.support.rtp_packets import PERIOD, SETS_264, header, packets, picture, street


def depacketized(codec: Codec, stream: list[bytes]) -> tuple[Depacketizer, list[Unit]]:
    depacketizer = Depacketizer(codec, 96)
    for number, each in enumerate(stream):
        depacketizer.feed(b"junk" + each + b"junk", 4, 4 + len(each), number)
    return depacketizer, depacketizer.flush()


@given(
    st.sampled_from(["h264", "h265"]), st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.integers(0, 2**16), st.integers(0, 2**32)
)
def test_access_units_come_back_bit_by_bit(codec: Codec, sizes: list[int], sequence: int, stamp: int) -> None:
    sent = street(codec, sizes)
    depacketizer, units = depacketized(codec, packets(codec, sent, sequence, stamp))
    assert [[bytes(each) for each in nal.split(unit.data)] for unit in units] == sent
    assert [unit.key for unit in units] == [number % 3 == 0 for number in range(len(sent))]
    times = [unit.pts_ns for unit in units]
    assert all(later is not None and first is not None and later - first == 40_000_000 for first, later in itertools.pairwise(times))
    assert (depacketizer.lost, depacketizer.broken) == (0, 0)


@given(st.sampled_from(["h264", "h265"]), st.lists(st.integers(1, 1000), min_size=2, max_size=8), st.data())
def test_a_lost_packet_never_makes_a_picture_that_was_not_sent(codec: Codec, sizes: list[int], data: st.DataObject) -> None:
    sent = street(codec, sizes)
    stream = packets(codec, sent)
    lost = data.draw(st.integers(1, len(stream) - 1))
    depacketizer, units = depacketized(codec, stream[:lost] + stream[lost + 1 :])
    whole = [b"".join(nal.START_CODE + each for each in unit) for unit in sent]
    bare = [nal.START_CODE + unit[-1] for unit in sent]
    assert all(unit.data in (*whole, *bare) for unit in units)
    assert len(units) >= len(sent) - 2
    assert depacketizer.lost == (1 if lost < len(stream) - 1 else 0)


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_garbage_never_raises(stream: list[bytes]) -> None:
    for codec in ("h264", "h265"):
        depacketized("h264" if codec == "h264" else "h265", stream)
        depacketized("h264" if codec == "h264" else "h265", [header(number, number) + each for number, each in enumerate(stream)])


def test_a_marker_on_each_slice_does_not_split_the_access_unit() -> None:
    slices = [picture("h264", 30, True, seed) for seed in range(3)]
    stream = [header(number, 0, marker=True) + each for number, each in enumerate(slices)] + [header(3, PERIOD) + picture("h264", 9, False)]
    units = depacketized("h264", stream)[1]
    assert [bytes(each) for each in nal.split(units[0].data)] == slices


def test_parameter_sets_with_a_time_stamp_of_their_own_go_with_the_next_picture() -> None:
    stream = [header(0, 0) + SETS_264[0], header(1, 0) + SETS_264[1], header(2, PERIOD) + picture("h264", 9, True)]
    [unit] = depacketized("h264", stream)[1]
    assert unit.key
    assert [bytes(each)[:1] for each in nal.split(unit.data)] == [b"\x67", b"\x68", b"\x65"]


def test_header_extension_csrc_and_padding_are_taken_off() -> None:
    body = struct.pack(">I", 7) + b"\xbe\xde\0\1abcd" + picture("h264", 9, True) + b"\0\0\3"
    [unit] = depacketized("h264", [header(0, 0, first=0xB1) + body])[1]
    assert unit.data == nal.START_CODE + picture("h264", 9, True)


def test_packets_of_other_payload_types_and_old_repeated_ones_are_ignored() -> None:
    stream = packets("h264", street("h264", [300, 300]))
    audio = [header(9000, 5, payload=8) + b"audio"]
    depacketizer, units = depacketized("h264", stream[:3] + audio + stream[1:2] + stream[3:])
    assert len(units) == 2
    assert depacketizer.lost == 0


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_an_endless_access_unit_is_dropped_instead_of_filling_the_memory(codec: Codec) -> None:
    depacketizer = Depacketizer(codec, 96)
    body = picture(codec, 60_000, True)
    for number in range(200):
        depacketizer.feed(header(number, 0) + body, 0, 12 + len(body), 0)
    assert depacketizer.flush() == []
    assert depacketizer.broken == 1
