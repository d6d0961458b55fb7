"""RTP by UDP: put back in order, each packet once, and what a bad link leaves of a stream."""

from __future__ import annotations

import itertools
import socket

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff import nal
from edge.capture.catalog import open_source
from edge.capture.rtp_ports import HOLD_NS, HOLD_PACKETS, Reorder, RtpPorts
from edge.capture.source import Source
from edge.clock import monotonic_s
from edge.messages.stream import CameraSettings, Codec, Packet
from tests.support import rtsp_camera, video
from tests.support.lossy_rtsp import Badness, LossyRtsp

MS = 1_000_000


def packet(number: int) -> bytes:
    return bytes([0x80, 96]) + (number & 0xFFFF).to_bytes(2, "big") + bytes(8) + b"x"


def fed(numbers: list[int], every_ns: int = MS, first: int = 0) -> tuple[list[int], Reorder]:
    """What came out, after all was waited for."""
    out: list[int] = []
    reorder = Reorder(lambda data, start, end, at_ns: out.append(int.from_bytes(data[start + 2 : start + 4], "big")))
    for at, number in enumerate(numbers):
        reorder.put(packet(number), at * every_ns)
        reorder.turn(at * every_ns)
    reorder.turn(len(numbers) * every_ns + HOLD_NS)
    return out, reorder


def test_packets_out_of_order_come_in_order_also_across_the_wrap() -> None:
    assert fed([65_533, 65_535, 65_534, 1, 0, 2])[0] == [65_533, 65_534, 65_535, 0, 1, 2]


def test_what_comes_twice_or_too_late_is_taken_once() -> None:
    out, reorder = fed([5, 6, 6, 7, 5])
    assert out == [5, 6, 7]
    assert reorder.late == 2


def test_a_packet_that_is_missing_is_waited_for_a_while_only() -> None:
    out: list[int] = []
    reorder = Reorder(lambda data, start, end, at_ns: out.append(data[3]))
    for number in (0, 2, 3):
        reorder.put(packet(number), 0)
    reorder.turn(HOLD_NS - 1)
    assert out == [0]
    reorder.turn(HOLD_NS)
    assert out == [0, 2, 3]


def test_no_more_is_held_than_a_key_frame_may_need() -> None:
    out, _ = fed([0, *range(2, HOLD_PACKETS + 3)], every_ns=0)
    assert out == [0, *range(2, HOLD_PACKETS + 3)]


@given(st.lists(st.integers(0, 400), max_size=120), st.integers(0, 65_535))
def test_each_packet_comes_at_most_once_and_always_forward(offsets: list[int], first: int) -> None:
    out, _ = fed([first, *((first + offset) & 0xFFFF for offset in offsets)])
    steps = [(number - first) & 0xFFFF for number in out]
    assert steps == sorted(set(steps))


def test_nothing_of_a_stranger_is_taken() -> None:
    ports = RtpPorts("192.0.2.7", "127.0.0.1")
    got: list[bytes] = []
    ports.start(lambda data, start, end, at_ns: got.append(data), None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(packet(1), ("127.0.0.1", int(ports.numbers.partition("-")[0])))
    assert not ports.fetch()
    assert got == []
    ports.close()


def read(source: Source, packets: int) -> list[Packet]:
    found: list[Packet] = []
    until_s = monotonic_s() + 30
    while len(found) < packets and monotonic_s() < until_s:
        item = source.read(0.5)
        if isinstance(item, Packet):
            found.append(item)
    assert len(found) == packets
    return found


@pytest.mark.skipif(bool(rtsp_camera.missing()), reason=rtsp_camera.missing() or "-")
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_link_that_only_mixes_packets_up_costs_no_picture(codec: Codec) -> None:
    sent = video.encode(codec, 75, gop=15)
    with rtsp_camera.RtspCamera(sent, codec) as camera, LossyRtsp(camera.port, Badness(swapped=0.2, twice=0.1)) as link:
        url = camera.url.replace(f":{camera.port}/", f":{link.port}/")
        source = open_source(CameraSettings(id="c", source=url, options={"transport": "udp"}))
        source.open()
        packets = read(source, 60)
        note = source.note
        source.close()
    assert note == ""
    assert numbers(codec, packets) == [(numbers(codec, packets)[0] + each) % 75 for each in range(60)]


@pytest.mark.skipif(bool(rtsp_camera.missing()), reason=rtsp_camera.missing() or "-")
def test_a_link_that_loses_packets_costs_the_pictures_they_were_of_and_no_more() -> None:
    sent = video.encode("h264", 75, gop=15)
    with rtsp_camera.RtspCamera(sent, "h264") as camera, LossyRtsp(camera.port, Badness(lost=0.05, swapped=0.1)) as link:
        url = camera.url.replace(f":{camera.port}/", f":{link.port}/")
        source = open_source(CameraSettings(id="c", source=url, options={"transport": "udp"}))
        source.open()
        packets = read(source, 100)
        note = source.note
        source.close()
        lost = link.lost
    assert lost
    assert "RTP packets lost" in note
    assert "pictures broken" in note
    known = {bytes(b"".join(bytes(each) for each in nal.split(unit.data))) for unit in sent}
    whole = [b"".join(bytes(each) for each in nal.split(unit.data)) for unit in packets]
    assert all(each in known for each in whole), "what is handed on is as it was sent, or it is left out"
    assert [unit.seq for unit in packets] == list(range(100))
    steps = [later.dts_ns - earlier.dts_ns for earlier, later in itertools.pairwise(packets)]
    assert min(steps) > 0
    assert max(steps) > 60 * MS, "a picture that is missing shows in the time stamps"


def numbers(codec: Codec, packets: list[Packet]) -> list[int]:
    decoder = av.VideoCodecContext.create({"h264": "h264", "h265": "hevc"}[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in packets for frame in decoder.decode(av.Packet(unit.data))] + list(decoder.decode(None))
    return [video.frame_number(video.luma_of(frame)) for frame in frames]
