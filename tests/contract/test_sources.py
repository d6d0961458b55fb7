"""The contract of edge/capture/source.py, the same for every adapter. A camera that is not there is a skip that says why."""

from __future__ import annotations

import importlib.util
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import pytest

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.catalog import open_source
from edge.capture.source import EndOfStream, Picture, Source
from edge.clock import monotonic_s
from edge.errors import EdgeError, TryAgain
from edge.messages.stream import CameraSettings, Codec, Packet
from tests.contract.tried import TRIED
from tests.support import gstreamer, rtsp_camera, video
from tests.support.command import ROOT
from tests.support.film import write_film

GOP = 15
COUNT = 35
DEADLINE_S = 20.0
DEVICE = Path("/dev/video0")


@dataclass(frozen=True)
class Rig:
    """sent: the access units the camera plays, where they are known. silence: makes the camera say nothing more."""

    settings: CameraSettings
    sent: list[Packet] = field(default_factory=list)
    silence: Callable[[], None] | None = None


def synthetic(_stack: ExitStack, _folder: Path, codec: Codec, **options: Any) -> Rig:
    return Rig(CameraSettings(id="c", source="synthetic:", width=320, height=180, gop_s=GOP / 25, options=options))


def file(_stack: ExitStack, folder: Path, codec: Codec, **options: Any) -> Rig:
    sent = video.encode(codec, 45, gop=GOP, b_frames=options.pop("b_frames", 0))
    film = write_film(folder / "film.mp4", sent, codec)
    return Rig(CameraSettings(id="c", source=f"file:{film}", options=options), sent)


def transcoded(_stack: ExitStack, folder: Path, codec: Codec, **options: Any) -> Rig:
    film = write_film(folder / "film.mp4", video.encode(codec, 250, gop=250), codec)
    return Rig(CameraSettings(id="c", source=f"file:{film}", gop_s=GOP / 25, options=options))


def rtsp(stack: ExitStack, _folder: Path, codec: Codec, **options: Any) -> Rig:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    sent = video.encode(codec, 45, gop=GOP, b_frames=options.pop("b_frames", 0))
    camera = stack.enter_context(rtsp_camera.RtspCamera(sent, codec))
    return Rig(CameraSettings(id="c", source=camera.url, options=options), sent, camera.stall)


def v4l2(_stack: ExitStack, _folder: Path, codec: Codec, **options: Any) -> Rig:
    if not DEVICE.exists():
        pytest.skip(f"no camera at {DEVICE}")
    return Rig(CameraSettings(id="c", source=f"v4l2:{DEVICE}", width=640, height=480, options=options))


def picamera2(_stack: ExitStack, _folder: Path, codec: Codec, **options: Any) -> Rig:
    if importlib.util.find_spec("libcamera") is None:
        pytest.skip("picamera2 runs in the camera rig: tests/contract/test_camera_rig.py")
    settings = CameraSettings(id="c", source="picamera2:pole-cam-0", width=320, height=180, gop_s=GOP / 25, options=options)
    return Rig(settings)


def gst(_stack: ExitStack, _folder: Path, codec: Codec, **options: Any) -> Rig:
    if gstreamer.missing():
        pytest.skip(gstreamer.missing())
    encoder = options.pop("encoder", "auto")
    settings = CameraSettings(
        id="c", source="gst:videotestsrc", width=320, height=180, gop_s=GOP / 25, encoder=encoder, options={"pattern": "ball", **options}
    )
    return Rig(settings)


RIGS: dict[str, tuple[Callable[..., Rig], Codec, dict[str, Any]]] = {
    "synthetic": (synthetic, "h264", {}),
    "file h264": (file, "h264", {}),
    "file h265": (file, "h265", {}),
    "file b-frames": (file, "h264", {"b_frames": 2}),
    "file transcoded": (transcoded, "h264", {}),
    "rtsp h264": (rtsp, "h264", {}),
    "rtsp h265": (rtsp, "h265", {}),
    "rtsp b-frames": (rtsp, "h264", {"b_frames": 2}),
    "rtsp udp h264": (rtsp, "h264", {"transport": "udp"}),
    "rtsp udp h265": (rtsp, "h265", {"transport": "udp"}),
    "rtsp libav h264": (rtsp, "h264", {"client": "libav"}),
    "rtsp libav h265": (rtsp, "h265", {"client": "libav"}),
    "gst": (gst, "h264", {}),
    "gst x264enc": (gst, "h264", {"encoder": "gst-x264"}),
    "picamera2": (picamera2, "h264", {}),
    "v4l2": (v4l2, "h264", {}),
}


@pytest.fixture(params=RIGS, ids=lambda name: name.replace(" ", "-"))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    make, codec, options = RIGS[request.param]
    with ExitStack() as stack:
        yield make(stack, tmp_path, codec, **options)


@pytest.fixture
def source(rig: Rig) -> Iterator[Source]:
    made = open_source(rig.settings)
    yield made
    made.close()


def read(source: Source, packets: int) -> list[Packet]:
    found: list[Packet] = []
    until_s = monotonic_s() + DEADLINE_S
    while len(found) < packets and monotonic_s() < until_s:
        item = source.read(0.5)
        if isinstance(item, Packet):
            found.append(item)
    assert len(found) == packets
    return found


def nals(packet: Packet) -> list[bytes]:
    """The NAL units that carry pictures."""
    return [bytes(each) for each in nal.split(packet.data)]


def test_open_tells_the_stream_within_ten_seconds(source: Source) -> None:
    begin_s = monotonic_s()
    info = source.open()
    assert monotonic_s() - begin_s < 10
    sets = parameter_sets(info.codec, nal.split(info.parameter_sets))
    assert sets is not None
    assert sets.size() == (info.width, info.height)
    assert info.epoch == 0
    assert info.fps == pytest.approx(25.0, abs=0.1)
    assert info.source_name


def test_the_first_packet_and_each_key_frame_bring_their_parameter_sets(source: Source) -> None:
    info = source.open()
    packets = read(source, COUNT)
    assert packets[0].key
    for packet in packets:
        units = nal.split(packet.data)
        assert packet.key == any(nal.is_idr(info.codec, each) for each in units)
        if packet.key:
            assert nal.is_parameter_set(info.codec, units[0])
            assert parameter_sets(info.codec, units) is not None


def test_packets_are_counted_without_holes_and_media_time_strictly_increases(source: Source) -> None:
    source.open()
    packets = read(source, COUNT)
    assert [packet.seq for packet in packets] == list(range(COUNT))
    assert all(packet.epoch == 0 for packet in packets)
    assert all(packet.pts_ns >= packet.dts_ns for packet in packets)
    steps = [later.dts_ns - packet.dts_ns for packet, later in itertools.pairwise(packets)]
    assert min(steps) > 0
    assert sorted(steps)[len(steps) // 2] == pytest.approx(40_000_000, abs=100_000)


def test_time_of_pictures_never_goes_back_and_follows_the_clock(source: Source) -> None:
    begin_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    source.open()
    packets = read(source, COUNT)
    end_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    boots = [packet.boot_ns for packet in packets]
    assert boots == sorted(boots)
    assert begin_ns - 2_000_000_000 <= boots[0]
    assert boots[-1] <= end_ns
    media_ns = packets[-1].dts_ns - packets[0].dts_ns
    assert boots[-1] - boots[0] == pytest.approx(media_ns, abs=500_000_000)


def test_the_packets_can_be_decoded_into_a_picture_each(source: Source) -> None:
    info = source.open()
    packets = read(source, COUNT)
    decoder = av.CodecContext.create("h264" if info.codec == "h264" else "hevc", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))] + decoder.decode(None)
    assert len(frames) == COUNT


def test_copied_pictures_are_what_the_camera_sent(rig: Rig, source: Source) -> None:
    if not rig.sent:
        pytest.skip("this camera makes its own pictures")
    source.open()
    known = [nals(packet) for packet in rig.sent]
    found = [nals(packet) for packet in read(source, COUNT)]
    start = known.index(found[0])
    expected = [known[(start + place) % len(known)] for place in range(COUNT)]
    assert found == expected


def test_no_pictures_come_where_nobody_asked_for_a_window(source: Source) -> None:
    source.open()
    until_s = monotonic_s() + 1.5
    while monotonic_s() < until_s:
        assert not isinstance(source.read(0.2), Picture)


def test_pictures_have_the_size_asked_for_and_come_no_faster(rig: Rig) -> None:
    asked = {name: getattr(rig.settings, name) for name in rig.settings.__struct_fields__}
    settings = CameraSettings(**{**asked, "luma_path": "/nowhere", "luma_width": 100, "luma_height": 60, "luma_fps": 5.0})
    source = open_source(settings)
    try:
        source.open()
        pictures: list[Picture] = []
        until_s = monotonic_s() + DEADLINE_S
        while len(pictures) < 3 and monotonic_s() < until_s:
            item = source.read(0.5)
            if isinstance(item, Picture):
                pictures.append(item)
    finally:
        source.close()
    assert [(each.width, each.height, len(each.luma)) for each in pictures] == [(100, 60, 6000)] * 3
    assert all(len(set(bytes(each.luma))) > 10 for each in pictures)
    gaps = [later.boot_ns - first.boot_ns for first, later in itertools.pairwise(pictures)]
    assert min(gaps) >= 150_000_000


def test_a_silent_camera_does_not_hold_the_reader(rig: Rig, source: Source) -> None:
    if rig.silence is None:
        pytest.skip("this camera cannot fall silent")
    source.open()
    read(source, 5)
    rig.silence()
    quiet, until_s = 0, monotonic_s() + DEADLINE_S
    while quiet < 3 and monotonic_s() < until_s:
        begin_s = monotonic_s()
        try:
            item = source.read(0.2)
        except TryAgain:
            break
        assert monotonic_s() - begin_s < 1.2
        quiet = quiet + 1 if item is None else 0
    assert quiet == 3


def test_close_may_be_called_twice_and_without_open(rig: Rig) -> None:
    unopened = open_source(rig.settings)
    unopened.close()
    unopened.close()
    opened = open_source(rig.settings)
    opened.open()
    opened.close()
    opened.close()
    with pytest.raises(EdgeError):
        read(opened, 1)


def test_nothing_of_a_closed_source_stays_behind(rig: Rig) -> None:
    source = open_source(rig.settings)
    source.open()
    read(source, 3)
    source.close()
    until_s = monotonic_s() + DEADLINE_S
    for thread in threading.enumerate():
        if thread.name in ("rtsp", "rtsp-luma", "v4l2"):
            thread.join(until_s - monotonic_s())
            assert not thread.is_alive()


def test_a_file_that_does_not_loop_ends_and_a_looping_one_goes_on_without_a_seam(tmp_path: Path) -> None:
    with ExitStack() as stack:
        once = open_source(file(stack, tmp_path, "h264", loop=False, speed=0).settings)
        once.open()
        assert len(read(once, 45)) == 45
        with pytest.raises(EndOfStream):
            read(once, 1)
        once.close()
        loop = open_source(file(stack, tmp_path, "h264", speed=0).settings)
        loop.open()
        packets = read(loop, 120)
        loop.close()
    assert {later.dts_ns - packet.dts_ns for packet, later in itertools.pairwise(packets)} == {40_000_000}


def test_the_page_of_what_was_tried_has_a_row_for_each_rig() -> None:
    assert [row.rig for row in TRIED] == list(RIGS)
    assert all((ROOT / "edge" / row.adapter).is_file() for row in TRIED)
