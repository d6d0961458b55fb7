"""Messages between worker and recorder: nothing lost in any portioning, nothing believed of garbage."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.wire import PACKET_MAX_BYTES, Decoder, Message, Sender, WireError, encode, receive
from edge.messages.stream import CameraSettings, Fault, Heartbeat, Packet, StreamInfo


def packet(seq: int, data: bytes = b"picture", key: bool = False) -> Packet:
    return Packet(epoch=0, seq=seq, key=key, pts_ns=seq * 40, dts_ns=seq * 40 - 3, duration_ns=40, boot_ns=10**15 + seq, data=data)


INFO = StreamInfo(
    epoch=3,
    codec="h265",
    width=1920,
    height=1080,
    fps=None,
    parameter_sets=b"\0\0\0\1abc",
    sensor_time=False,
    source_name="rtsp camera:554",
)
EVERY_KIND: list[Message] = [
    INFO,
    packet(0, b"\0" * 70_000, key=True),
    packet(1),
    Heartbeat(epoch=0, boot_ns=5, pictures=6, packets=7, dropped=8, note="9"),
    CameraSettings(id="gate", source="synthetic:", options={"seed": 4, "night": True, "speed": 0.5}),
    Fault(kind="camera_died", text="it is gone"),
]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_every_kind_of_message_survives_one_by_one_byte() -> None:
    decoder = Decoder()
    found = [message for sent in EVERY_KIND for byte in b"".join(encode(sent)) for message in decoder.feed(bytes((byte,)))]
    assert found == EVERY_KIND
    assert decoder.pending == 0


@given(st.lists(st.binary(max_size=300), max_size=12), st.lists(st.integers(1, 500), min_size=1))
def test_packets_survive_any_portioning(bodies: list[bytes], portions: list[int]) -> None:
    sent = [packet(seq, body, key=seq % 3 == 0) for seq, body in enumerate(bodies)]
    stream = b"".join(part for each in sent for part in encode(each))
    found: list[Message] = []
    decoder, position, turn = Decoder(), 0, 0
    while position < len(stream):
        size = portions[turn % len(portions)]
        found += decoder.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    assert found == sent


@given(st.binary(min_size=8, max_size=200))
def test_garbage_is_an_error_or_nothing_and_never_anything_else(data: bytes) -> None:
    decoder = Decoder()
    try:
        found = list(decoder.feed(data))
    except WireError:
        return
    assert found == []
    assert decoder.pending == len(data)


def test_what_came_before_garbage_is_given_out_first() -> None:
    messages = Decoder().feed(b"".join(encode(packet(0))) + b"GET / HTTP/1.1\r\n")
    assert next(messages) == packet(0)
    with pytest.raises(WireError, match="no message on the wire"):
        next(messages)


@pytest.mark.parametrize("length", [0, 43, PACKET_MAX_BYTES + 1, 0xFFFFFFFF])
def test_an_impossible_packet_length_is_refused_before_anything_is_gathered(length: int) -> None:
    with pytest.raises(WireError, match="a packet of"):
        list(Decoder().feed(struct.pack(">HBBI", 0xED6E, 2, 0, length)))


def test_a_note_that_is_no_messagepack_is_an_error() -> None:
    with pytest.raises(WireError, match="Heartbeat"):
        list(Decoder().feed(struct.pack(">HBBI", 0xED6E, 3, 0, 4) + b"\xc1\xc1\xc1\xc1"))


def test_an_access_unit_that_is_too_large_is_refused_by_the_sender() -> None:
    with pytest.raises(WireError, match="larger than"):
        encode(packet(0, bytes(PACKET_MAX_BYTES)))


def test_messages_that_the_caller_left_come_with_the_next_call() -> None:
    decoder = Decoder()
    first = next(decoder.feed(b"".join(part for seq in range(3) for part in encode(packet(seq)))))
    assert [first, *decoder.feed(b"")] == [packet(0), packet(1), packet(2)]


def test_gathered_messages_go_out_in_one_piece(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sender = Sender(theirs)
    for seq in range(10):
        sender.put(packet(seq))
    assert receive(ours, 0.0) is None
    assert sender.flush()
    data = receive(ours, 5.0)
    assert data is not None
    assert list(Decoder().feed(data)) == [packet(seq) for seq in range(10)]


def test_a_reader_that_does_not_read_costs_whole_gops_and_the_sender_never_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sender = Sender(theirs, limit_bytes=200_000)
    for seq in range(100):
        sender.put(packet(seq, bytes(20_000), key=seq % 10 == 0))
        sender.flush()
    assert sender.dropped > 0
    found: list[Packet] = []
    decoder = Decoder()
    while data := receive(ours, 0.0):
        found += [message for message in decoder.feed(data) if isinstance(message, Packet)]
        sender.flush()
    assert len(found) + sender.dropped == 100
    resumed = [later for earlier, later in itertools.pairwise(found) if later.seq != earlier.seq + 1]
    assert all(each.key for each in resumed)


def test_more_buffers_than_one_call_takes_arrive_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sender = Sender(theirs)
    for seq in range(1500):
        sender.put(packet(seq, b"x"))
    found: list[int] = []
    decoder = Decoder()
    while len(found) < 1500:
        sender.flush()
        data = receive(ours, 5.0)
        assert data
        found += [message.seq for message in decoder.feed(data) if isinstance(message, Packet)]
    assert found == list(range(1500))


def test_receive_tells_silence_from_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert receive(ours, 0.0) is None
    theirs.close()
    assert receive(ours, 5.0) == b""


def test_draining_into_a_connection_nobody_reads_ends_after_its_time(pair: tuple[socket.socket, socket.socket]) -> None:
    sender = Sender(pair[1])
    sender.put(packet(0, bytes(4_000_000), key=True))
    assert not sender.drain(0.01)
    assert sender.waiting_bytes > 0
