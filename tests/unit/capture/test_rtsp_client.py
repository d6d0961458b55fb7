"""Our RTSP client against a camera that behaves badly, on a real connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise

import pytest

from edge.bmff import nal
from edge.capture.rtsp import RtspSource
from edge.capture.source import CameraUnreachable
from edge.clock import monotonic_s
from edge.errors import ConfigError
from edge.messages.stream import CameraSettings, Packet
from tests.support import video
from tests.support.rtp_packets import PERIOD, packets, street
from tests.support.strange_camera import StrangeCamera, interleaved

CHANNEL = 4
DEADLINE_S = 20.0
UNITS = [[bytes(each) for each in nal.split(packet.data)] for packet in video.encode("h264", 100, gop=10)]


def source_of(camera: StrangeCamera, **options: str) -> RtspSource:
    return RtspSource(CameraSettings(id="c", source=camera.url, options=options))


def framed(stream: Sequence[bytes]) -> list[bytes]:
    return [interleaved(packet, CHANNEL) for packet in stream]


def taken(source: RtspSource, count: int) -> list[Packet]:
    found: list[Packet] = []
    until_s = monotonic_s() + DEADLINE_S
    while len(found) < count and monotonic_s() < until_s:
        item = source.read(0.3)
        if isinstance(item, Packet):
            found.append(item)
    assert len(found) == count
    return found


def pictures(found: Sequence[Packet]) -> list[bytes]:
    return [bytes(nal.split(packet.data)[-1]) for packet in found]


def test_the_dialogue_is_what_rfc_2326_asks_for_and_the_query_of_the_url_stays() -> None:
    with StrangeCamera(framed(packets("h264", UNITS))) as camera:
        with closing(source_of(camera)) as source:
            source.open()
            assert pictures(taken(source, 20)) == [unit[-1] for unit in UNITS[:20]]
        asked = [request.split(" ")[:2] for request in camera.requests[:4]]
    assert [method for method, _ in asked] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert asked[2][1].endswith("/street?channel=1/track1")
    assert "Session: 4711\r\n" in camera.requests[3] + "\r\n"


def test_a_leap_of_time_stamps_is_counted_and_does_not_reach_media_time() -> None:
    leap = packets("h264", UNITS[:50]) + packets("h264", UNITS[50:], sequence=len(packets("h264", UNITS[:50])), stamp=2_000_000_000)
    with StrangeCamera(framed(leap)) as camera, closing(source_of(camera)) as source:
        source.open()
        found = taken(source, 90)
        assert "1 jumps of time" in source.note
    steps = [later.dts_ns - packet.dts_ns for packet, later in pairwise(found)]
    assert min(steps) > 0
    assert max(steps) < 2_000_000_000
    assert pictures(found) == [unit[-1] for unit in UNITS[:90]]


def test_time_stamps_that_run_over_their_32_bits_go_on() -> None:
    stream = packets("h264", UNITS, stamp=2**32 - 30 * PERIOD)
    with StrangeCamera(framed(stream)) as camera, closing(source_of(camera)) as source:
        source.open()
        found = taken(source, 60)
        assert source.note == ""
    assert {later.dts_ns - packet.dts_ns for packet, later in pairwise(found)} == {40_000_000}


def test_a_lost_packet_costs_one_picture_and_is_told() -> None:
    big = street("h264", [900] * 90)
    stream = packets("h264", big)
    lost = next(place for place in range(len(stream) // 2, len(stream)) if stream[place][1] & 0x80) - 2
    units = [unit if len(unit) == 1 else [*UNITS[0][:-1], unit[-1]] for unit in big]
    stream = packets("h264", units)
    del stream[lost]
    with StrangeCamera(framed(stream), period_s=0.002) as camera, closing(source_of(camera)) as source:
        source.open()
        found = taken(source, 80)
        assert source.note == "1 RTP packets lost, 1 pictures broken"
    assert set(pictures(found)) <= {unit[-1] for unit in units}
    assert [packet.seq for packet in found] == list(range(80))


def test_words_and_garbage_between_packets_cost_nothing() -> None:
    def pieces() -> Iterator[bytes]:
        for place, piece in enumerate(framed(packets("h264", UNITS))):
            if place % 7 == 3:
                yield b"\r\nANNOUNCE rtsp://127.0.0.1/street RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\n$\4\0\1"
            if place % 7 == 5:
                yield b"\1\2 noise without sense \xff"
            yield piece

    with StrangeCamera(pieces(), period_s=0.004) as camera, closing(source_of(camera)) as source:
        source.open()
        assert pictures(taken(source, 90)) == [unit[-1] for unit in UNITS[:90]]


def test_packets_cut_at_any_byte_are_put_together() -> None:
    stream = b"".join(framed(packets("h264", UNITS)))
    pieces = [stream[place : place + 333] for place in range(0, len(stream), 333)]
    with StrangeCamera(pieces, period_s=0.002) as camera, closing(source_of(camera)) as source:
        source.open()
        assert pictures(taken(source, 90)) == [unit[-1] for unit in UNITS[:90]]


def test_the_client_keeps_its_session_alive() -> None:
    with StrangeCamera(framed(packets("h264", UNITS)) * 8, period_s=0.04, timeout_s=4) as camera:
        with closing(source_of(camera)) as source:
            source.open()
            until_s = monotonic_s() + DEADLINE_S
            while not (camera.asked("GET_PARAMETER") and camera.reports) and monotonic_s() < until_s:
                source.read(0.3)
        assert camera.asked("GET_PARAMETER")
        assert camera.reports


def test_a_camera_that_forgets_the_session_is_left() -> None:
    with StrangeCamera(framed(packets("h264", UNITS)) * 8, period_s=0.04, timeout_s=4, forgets=True) as camera:
        source = source_of(camera)
        with closing(source):
            source.open()
            with pytest.raises(CameraUnreachable, match="forgotten"):
                taken(source, 500)


def test_what_arrived_before_the_end_is_given_out_before_the_error() -> None:
    with StrangeCamera(framed(packets("h264", UNITS[:30]))) as camera, closing(source_of(camera)) as source:
        source.open()
        assert pictures(taken(source, 30)) == [unit[-1] for unit in UNITS[:30]]
        with pytest.raises(CameraUnreachable, match="closed the connection"):
            taken(source, 1)


def test_a_redirection_to_another_host_is_not_followed() -> None:
    moved = "RTSP/1.0 302 Moved\r\nLocation: rtsp://192.0.2.1/steal"
    with StrangeCamera([], refusals=[moved]) as camera:
        source = source_of(camera, user="user", password="word")
        with pytest.raises(CameraUnreachable, match="302"):
            source.open()
        assert "steal" not in "".join(camera.requests)


def test_a_redirection_on_the_same_host_is_followed() -> None:
    with StrangeCamera(framed(packets("h264", UNITS)), refusals=["RTSP/1.0 301 Moved\r\nLocation: rtsp://127.0.0.1/other"]) as camera:
        with closing(source_of(camera)) as source:
            source.open()
            taken(source, 5)
        assert [request.split(" ")[1] for request in camera.asked("SETUP")] == ["rtsp://127.0.0.1/other/track1"]


def test_a_password_is_not_sent_before_it_is_asked_for() -> None:
    challenge = 'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n"'
    with StrangeCamera(framed(packets("h264", UNITS)), refusals=[challenge]) as camera:
        with closing(source_of(camera, user="user", password="word")) as source:
            source.open()
        first, second = camera.asked("DESCRIBE")
    assert "Authorization" not in first
    assert 'Authorization: Digest username="user"' in second
    assert "word" not in "".join(camera.requests)


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [
        ("RTSP/1.0 404 Not Found", CameraUnreachable, "answers 404 to DESCRIBE"),
        ("RTSP/1.0 403 Forbidden", ConfigError, "refuses user or password"),
        ('RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"', ConfigError, "refuses user or password"),
    ],
)
def test_refusals_say_what_the_camera_said(refusal: str, error: type[Exception], words: str) -> None:
    with StrangeCamera([], refusals=[refusal]) as camera, pytest.raises(error, match=words):
        source_of(camera).open()


def test_a_camera_without_a_codec_we_record_is_a_matter_of_configuration() -> None:
    with StrangeCamera([], encoding="JPEG") as camera, pytest.raises(ConfigError, match="sends JPEG"):
        source_of(camera).open()


def test_a_camera_that_shows_no_key_frame_is_given_up_in_time() -> None:
    begin_s = monotonic_s()
    pieces = framed(packets("h264", UNITS[1:10])) * 100
    with StrangeCamera(pieces, period_s=0.01) as camera, pytest.raises(CameraUnreachable, match="no key frame"):
        source_of(camera).open()
    assert monotonic_s() - begin_s < 10
