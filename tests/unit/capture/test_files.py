"""Video files: what is copied, what is encoded anew, what is refused; pictures out of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from edge.capture.file import FileSource
from edge.capture.pictures import contact_sheet, evenly, frames_at
from edge.capture.source import EndOfStream
from edge.errors import ConfigError, IntegrityError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo
from tests.support import video
from tests.support.film import film_of


def played(path: Path) -> tuple[StreamInfo, list[Packet]]:
    source = FileSource(CameraSettings(id="c", source=f"file:{path}", gop_s=0.4, options={"speed": 0, "loop": False}))
    packets: list[Packet] = []
    try:
        info = source.open()
        while True:
            item = source.read(1.0)
            assert isinstance(item, Packet)
            packets.append(item)
    except EndOfStream:
        return info, packets
    finally:
        source.close()


def mjpeg(path: Path) -> Path:
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuvj420p"
        for number in range(20):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(video.picture(number), format="yuv420p").reformat(format="yuvj420p")))
        film.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_files_with_usable_key_frames_are_copied(tmp_path: Path, suffix: str) -> None:
    info, packets = played(film_of(tmp_path / f"film.{suffix}", frames=60, gop=20))
    assert "copied" in info.source_name
    assert [packet.key for packet in packets] == [place % 20 == 0 for place in range(60)]


def test_a_bare_stream_without_time_stamps_is_copied_at_its_frame_rate(tmp_path: Path) -> None:
    path = tmp_path / "film.h264"
    path.write_bytes(b"".join(packet.data for packet in video.encode("h264", 40, gop=20)))
    info, packets = played(path)
    assert "copied" in info.source_name
    assert len(packets) == 40
    assert packets[-1].dts_ns == pytest.approx(39 * 40_000_000, abs=1_000_000)


def test_key_frames_too_far_apart_are_encoded_anew(tmp_path: Path) -> None:
    info, packets = played(film_of(tmp_path / "film.mp4", frames=150, gop=150))
    assert "libx264" in info.source_name
    assert [packet.key for packet in packets] == [place % 10 == 0 for place in range(150)]


def test_another_codec_is_encoded_anew_at_its_own_size_and_rate(tmp_path: Path) -> None:
    info, packets = played(mjpeg(tmp_path / "film.avi"))
    assert (info.codec, info.width, info.height, info.fps) == ("h264", 320, 180, 10.0)
    assert [packet.seq for packet in packets if packet.key] == [0, 4, 8, 12, 16]
    assert len(packets) == 20
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))] + decoder.decode(None)
    assert [video.frame_number(video.luma_of(frame)) for frame in frames] == list(range(20))


def test_a_missing_file_is_tried_again_and_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match=r"gone\.mp4"):
        FileSource(CameraSettings(id="c", source=f"file:{tmp_path}/gone.mp4")).open()
    text = tmp_path / "text.mp4"
    text.write_text("no video at all\n" * 100)
    with pytest.raises(ConfigError, match=r"text\.mp4"):
        FileSource(CameraSettings(id="c", source=f"file:{text}")).open()


def test_a_file_cut_off_in_the_middle_gives_what_is_whole(tmp_path: Path) -> None:
    whole = film_of(tmp_path / "film.ts", frames=60, gop=20)
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    _, packets = played(cut)
    assert 20 <= len(packets) < 60


@pytest.mark.parametrize("time_s", [0.0, 0.5, 1.999, 2.0, 2.96])
def test_the_picture_at_a_time_is_the_one_shown_then(tmp_path: Path, time_s: float) -> None:
    path = film_of(tmp_path / "film.mp4", b_frames=2)
    [frame] = frames_at(path, [time_s])
    assert video.frame_number(video.luma_of(frame)) == int(time_s * 25 + 1e-6)


def test_behind_the_end_the_last_picture_stays(tmp_path: Path) -> None:
    [frame] = frames_at(film_of(tmp_path / "film.mp4"), [60.0])
    assert video.frame_number(video.luma_of(frame)) == 74


def test_a_contact_sheet_is_a_png_of_evenly_spread_pictures(tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4")
    assert evenly(path, 3) == pytest.approx([0.5, 1.5, 2.5])
    contact_sheet(path, tmp_path / "sheet.png", columns=3, rows=1, width=320)
    with av.open(str(tmp_path / "sheet.png")) as sheet:
        frame = next(sheet.decode(video=0))
    assert (frame.width, frame.height) == (3 * 324 + 4, 188)
    pixels = np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
    numbers = [video.frame_number(pixels[4:184, 4 + place * 324 : 324 + place * 324]) for place in range(3)]
    assert numbers == [12, 37, 62]


def test_what_is_no_video_has_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(IntegrityError, match=r"text\.mp4"):
        contact_sheet(path, tmp_path / "sheet.png")
