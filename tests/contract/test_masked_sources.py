"""Whatever a camera is and however its pictures get here: what a mask hides is in no packet and no picture for the watcher."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest
from av.container import InputContainer

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.catalog import open_source
from edge.capture.file import FileSource
from edge.capture.privacy import touched
from edge.capture.rtsp import RtspSource
from edge.capture.source import EndOfStream, Picture, Source
from edge.capture.transcode import TranscodingSource
from edge.capture.v4l2 import V4l2Source
from edge.capture.worker import check_masks
from edge.clock import monotonic_s
from edge.config.masks import Corner, masks_sha256
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Codec, Packet, StreamInfo
from tests.support import gstreamer, rtsp_camera, video
from tests.support.film import film_of
from tests.support.masked import RINGING, WINDOWS, shows_nothing, within

FRAMES = 30
DEADLINE_S = 30.0
Open = Callable[[ExitStack, Path, CameraSettings], Source]


def synthetic(_stack: ExitStack, _folder: Path, settings: CameraSettings) -> Source:
    return open_source(msgspec.structs.replace(settings, source="synthetic:", options={"traffic": 1.0, "noise": 4}))


def file(_stack: ExitStack, folder: Path, settings: CameraSettings) -> Source:
    return open_source(msgspec.structs.replace(settings, source=f"file:{film_of(folder / 'film.mp4', frames=50)}"))


def network(codec: Codec, client: str, b_frames: int = 0) -> Open:
    def made(stack: ExitStack, _folder: Path, settings: CameraSettings) -> Source:
        if rtsp_camera.missing():
            pytest.skip(rtsp_camera.missing())
        camera = stack.enter_context(rtsp_camera.RtspCamera(video.encode(codec, 50, gop=25, b_frames=b_frames), codec))
        return open_source(msgspec.structs.replace(settings, source=camera.url, transcode=True, options={"client": client}))

    return made


def gst(_stack: ExitStack, _folder: Path, settings: CameraSettings) -> Source:
    if gstreamer.missing():
        pytest.skip(gstreamer.missing())
    return open_source(msgspec.structs.replace(settings, source="gst:videotestsrc"))


def device(opened: Callable[[Path], InputContainer], **more: Any) -> Open:
    def made(_stack: ExitStack, folder: Path, settings: CameraSettings) -> Source:
        return V4l2Source(msgspec.structs.replace(settings, source="v4l2:/dev/video0", **more), lambda _name, _options: opened(folder))

    return made


def drawn(_folder: Path) -> InputContainer:
    return av.open("testsrc2=size=320x180:rate=25,format=yuyv422,realtime", format="lavfi")


def its_own(folder: Path) -> InputContainer:
    return av.open(str(film_of(folder / "film.mp4", frames=1500)))


SOURCES: dict[str, Open] = {
    "synthetic": synthetic,
    "file": file,
    "rtsp h264": network("h264", "own"),
    "rtsp h265": network("h265", "own"),
    "rtsp b-frames": network("h264", "own", 2),
    "rtsp libav": network("h264", "libav"),
    "gst": gst,
    "v4l2 raw": device(drawn),
    "v4l2 h264": device(its_own, transcode=True),
}


def asked(**more: Any) -> CameraSettings:
    facts: dict[str, Any] = {"masks": WINDOWS, "luma_path": "/nowhere", "luma_width": 160, "luma_height": 90} | more
    return CameraSettings(id="c", source="", width=320, height=180, gop_s=0.4, **facts)


@pytest.fixture(params=SOURCES, ids=lambda name: name.replace(" ", "-"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    with ExitStack() as stack:
        made = SOURCES[request.param](stack, tmp_path, asked())
        yield made
        made.close()


def gathered(source: Source, packets: int, pictures_too: int = 0) -> tuple[list[Packet], list[Picture]]:
    """What comes until there are so many packets and pictures, or the film is over; no packets more than that."""
    found: list[Packet] = []
    pictures: list[Picture] = []
    until_s = monotonic_s() + DEADLINE_S
    while (len(found) < packets or len(pictures) < pictures_too) and monotonic_s() < until_s:
        try:
            item = source.read(0.5)
        except (EndOfStream, TryAgain):
            break
        if isinstance(item, Packet):
            found.append(item)
        elif item is not None:
            pictures.append(item)
    return found[:packets], pictures


def decoded(packets: Sequence[Packet]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    return [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))] + decoder.decode(None)


def test_no_packet_and_no_picture_shows_what_is_hidden_from_the_first_one_on(source: Source) -> None:
    info = source.open()
    packets, pictures = gathered(source, FRAMES, pictures_too=1)
    check_masks(asked(), info)
    assert packets[0].key
    frames = decoded(packets)
    assert len(frames) == FRAMES
    assert all(shows_nothing(frame) for frame in frames)
    assert pictures
    hidden = within(160, 90, 4)
    for picture in pictures:
        luma = np.frombuffer(picture.luma, np.uint8).reshape(90, 160)
        assert luma[hidden].max() <= 16 + RINGING
        assert luma[~hidden].std() > 10


def test_packets_keep_the_contract_when_they_are_encoded_here(source: Source) -> None:
    info = source.open()
    packets, _ = gathered(source, FRAMES)
    sets = parameter_sets("h264", nal.split(info.parameter_sets))
    assert (info.codec, info.width, info.height) == ("h264", 320, 180)
    assert sets is not None
    assert sets.size() == (320, 180)
    assert [packet.seq for packet in packets] == list(range(FRAMES))
    assert [packet.seq for packet in packets if packet.key] == [0, 10, 20]
    assert all(later.dts_ns > packet.dts_ns for packet, later in pairwise(packets))
    assert all(later.boot_ns >= packet.boot_ns for packet, later in pairwise(packets))
    assert packets[-1].dts_ns < FRAMES * 40_000_000 + 200_000_000


def lossless(path: Path, hidden_seed: int) -> Path:
    """A film whose pictures differ by the seed where the masks are, every sample of them, and nowhere else."""
    covered = np.logical_or.reduce([touched(window, 320, 180) for window in WINDOWS])
    chroma = covered.reshape(90, 2, 160, 2).any(axis=(1, 3))
    chance = np.random.default_rng(hidden_seed)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 320, 180, "yuv420p", Fraction(1, 25)
        for number in range(20):
            planes = video.picture(number)
            planes[:180][covered] = chance.integers(0, 256, covered.sum())
            for plane in planes[180:].reshape(2, 90, 160):
                plane[chroma] = chance.integers(0, 256, chroma.sum())
            film.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        film.mux(stream.encode(None))
    return path


def played(path: Path, masks: list[list[Corner]]) -> list[bytes]:
    source = FileSource(
        msgspec.structs.replace(asked(masks=masks, luma_path=""), source=f"file:{path}", options={"speed": 0, "loop": False})
    )
    source.open()
    packets, _ = gathered(source, 20)
    source.close()
    return [packet.data for packet in packets]


def test_not_one_bit_of_the_recording_depends_on_what_is_hidden(tmp_path: Path) -> None:
    films = [lossless(tmp_path / f"{seed}.mkv", seed) for seed in (1, 2)]
    one, other = (played(film, WINDOWS) for film in films)
    assert len(one) == 20
    assert one == other
    assert played(films[0], []) != played(films[1], [])


def test_pictures_that_cannot_be_masked_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        for number in range(5):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(video.picture(number), format="yuv420p").reformat(format="yuv420p10le")))
        film.mux(stream.encode(None))
    assert len(played(path, [])) == 5
    with pytest.raises(ConfigError, match="yuv420p10le"):
        played(path, WINDOWS)


@pytest.mark.parametrize("url", ["rtsp://127.0.0.1:9/x", "rtsps://127.0.0.1:9/x"])
@pytest.mark.parametrize("client", ["own", "libav"])
def test_a_network_camera_is_never_asked_for_masks_it_cannot_have(url: str, client: str) -> None:
    with pytest.raises(ConfigError, match="transcode = true"):
        open_source(msgspec.structs.replace(asked(), source=url, options={"client": client}))
    with pytest.raises(ConfigError, match="luma_source"):
        open_source(msgspec.structs.replace(asked(), source=url, luma_source=url, transcode=True))


def test_a_device_that_encodes_by_itself_is_refused(tmp_path: Path) -> None:
    source = device(its_own)(ExitStack(), tmp_path, asked())
    with pytest.raises(ConfigError, match="transcode = true"):
        source.open()
    source.close()


def test_a_source_that_does_not_say_that_it_masks_is_refused() -> None:
    info = StreamInfo(
        epoch=0, codec="h264", width=320, height=180, fps=25.0, parameter_sets=b"", sensor_time=False, source_name="pigeon 320x180"
    )
    check_masks(asked(masks=[]), info)
    with pytest.raises(ConfigError, match="pigeon 320x180 does not burn in"):
        check_masks(asked(), info)
    said = msgspec.structs.replace(info, masks_sha256=masks_sha256(WINDOWS[:1]))
    with pytest.raises(ConfigError, match="does not burn in"):
        check_masks(asked(), said)
    with pytest.raises(ConfigError, match="does not burn in"):
        check_masks(asked(masks=[]), said)


def test_a_camera_that_changes_its_picture_stays_masked(tmp_path: Path) -> None:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    other = video.encode("h264", 50, gop=25, width=480, height=270)
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=25)) as camera:
        settings = msgspec.structs.replace(asked(transcode=True), source=camera.url)
        source = TranscodingSource(settings, RtspSource(msgspec.structs.replace(settings, masks=[], transcode=False, luma_path="")))
        source.open()
        packets, _ = gathered(source, 10)
        camera.switch(other)
        sizes: list[tuple[int, int] | None] = []
        until_s = monotonic_s() + DEADLINE_S
        while (480, 270) not in sizes and monotonic_s() < until_s:
            packets += gathered(source, 1)[0]
            sets = parameter_sets("h264", nal.split(packets[-1].data)) if packets[-1].key else None
            sizes += [sets.size()] if sets is not None else []
        packets += gathered(source, 10)[0]
        source.close()
    frames = decoded(packets)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180), (480, 270)}
    assert all(shows_nothing(frame) for frame in frames)
    assert [packet.seq for packet in packets] == list(range(len(packets)))


def test_a_film_is_transcoded_without_masks_too(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4")
    source = open_source(msgspec.structs.replace(asked(masks=[], transcode=True), source=f"file:{film}"))
    info = source.open()
    source.close()
    assert "libx264" in info.source_name
    assert info.masks_sha256 == ""
