"""RTP packets become exactly the access units that were sent, or nothing."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff import nal
from edge.capture.rtp import Depacketizer
from edge.capture.timestamps import Unit
from edge.messages.stream import Codec

MTU = 100
PERIOD = 3600
H264 = {"sps": 0x67, "pps": 0x68, "sei": 0x06, "idr": 0x65, "p": 0x41}
SETS_264 = [bytes((H264["sps"],)) + b"sps", bytes((H264["pps"],)) + b"pps"]
SETS_265 = [bytes((kind << 1, 1)) + b"set" for kind in (32, 33, 34)]


def header(sequence: int, stamp: int, *, marker: bool = False, payload: int = 96, first: int = 0x80) -> bytes:
    return struct.pack(">BBHII", first, payload | marker << 7, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 0x1234)


def payloads(codec: Codec, nals: list[bytes]) -> Iterator[bytes]:
    """As a camera packs them: what fits goes as it is, small ones in a row together, large ones in fragments."""
    size = 1 if codec == "h264" else 2
    small = [each for each in nals if len(each) < 20]
    if len(small) > 1 and nals[: len(small)] == small:
        head = b"\x78" if codec == "h264" else bytes((48 << 1, 1))
        yield head + b"".join(struct.pack(">H", len(each)) + each for each in small)
        nals = nals[len(small) :]
    for each in nals:
        if len(each) <= MTU:
            yield each
            continue
        parts = [each[size:][place : place + MTU] for place in range(0, len(each) - size, MTU)]
        for number, part in enumerate(parts):
            flags = (number == 0) << 7 | (number == len(parts) - 1) << 6
            if codec == "h264":
                yield bytes((each[0] & 0xE0 | 28, flags | each[0] & 0x1F)) + part
            else:
                yield bytes((each[0] & 0x81 | 49 << 1, each[1], flags | each[0] >> 1 & 0x3F)) + part


def packets(codec: Codec, units: list[list[bytes]], sequence: int = 0, stamp: int = 0) -> list[bytes]:
    made = []
    for number, nals in enumerate(units):
        parts = list(payloads(codec, nals))
        for place, part in enumerate(parts):
            made.append(header(sequence, stamp + number * PERIOD, marker=place == len(parts) - 1) + part)
            sequence += 1
    return made


def depacketized(codec: Codec, stream: list[bytes]) -> tuple[Depacketizer, list[Unit]]:
    depacketizer = Depacketizer(codec, 96)
    for number, each in enumerate(stream):
        depacketizer.feed(b"junk" + each + b"junk", 4, 4 + len(each), number)
    return depacketizer, depacketizer.flush()


def picture(codec: Codec, size: int, key: bool, seed: int = 0) -> bytes:
    body = bytes((seed + place) % 255 + 1 for place in range(size))
    if codec == "h264":
        return bytes((H264["idr" if key else "p"],)) + body
    return bytes((19 << 1 if key else 1 << 1, 1)) + body


def street(codec: Codec, sizes: list[int]) -> list[list[bytes]]:
    sets = SETS_264 if codec == "h264" else SETS_265
    return [(sets if number % 3 == 0 else []) + [picture(codec, size, number % 3 == 0, number)] for number, size in enumerate(sizes)]


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
