"""Privacy masks from node.toml to the disk: what they hide is in no segment, snapshot or luma window; in doubt nothing is recorded."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from edge.clip.snapshot import take_snapshot
from edge.config.masks import masks_sha256
from edge.config.read import last_good_path
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.ring.query import RingReader
from edge.window.luma import Luma, LumaReader
from tests.support import rtsp_camera, video
from tests.support.command import edge
from tests.support.masked import RINGING, WINDOWS, shows_nothing, within
from tests.support.node_process import end, records, running, sealed, wait_for
from tests.support.nodefile import write_config

PLAIN = """
[node]
id = "pole-1"
data = "data"
run = "run"

[clock]
trust = "assume"

[ring]
segment_s = 2.0

[[camera]]
id = "cam0"
width = 320
height = 180
fps = 10
luma_width = 160
luma_height = 90
"""
MASKS = f"masks = {[[list(corner) for corner in window] for window in WINDOWS]}\n"
STREET = 'source = "synthetic:"\n'
BROKEN = "wdth = 7\n"


def newest(folder: Path) -> Luma | None:
    return LumaReader(folder / "run/cam0/luma").newest()


def hides(folder: Path) -> None:
    """Luma window and snapshot, while it records."""
    luma = newest(folder)
    assert luma is not None
    pixels = np.frombuffer(luma.luma, np.uint8).reshape(90, 160)
    assert pixels[within(160, 90, 4)].max() <= 16 + RINGING
    clock = KernelClock("assume")
    taken = take_snapshot(RingReader(LinuxDisk(), folder / "data", clock, boot_id()), LinuxDisk(), "cam0", clock.read().utc_ns)
    decoder = av.CodecContext.create("mjpeg", "r")
    (picture,) = [*decoder.decode(av.Packet(taken.jpeg)), *decoder.decode(None)]
    assert shows_nothing(picture.reformat(format="yuv420p", dst_color_range="MPEG"))


def shown(segment: Path) -> list[av.VideoFrame]:
    with av.open(str(segment)) as film:
        return list(film.decode(video=0))


def recorded(folder: Path, source: str) -> None:
    config = write_config(folder, PLAIN, source + MASKS)
    with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
        wait_for(lambda: len(sealed(folder)) >= 2 and newest(folder) is not None, recorder)
        hides(folder)
        end(recorder)
    segments = sealed(folder)
    frames = [frame for segment in segments for frame in shown(segment)]
    assert len(frames) > 30
    assert all(shows_nothing(frame) for frame in frames)
    sha256 = masks_sha256(WINDOWS)
    assert [record["facts"]["masks_sha256"] for record in records(folder, "segment")] == [sha256] * len(segments)
    (boot,) = records(folder, "boot")
    assert boot["facts"]["masks_sha256"] == sha256
    assert not boot["facts"]["masks_in_camera"]


def test_what_is_hidden_is_never_recorded(tmp_path: Path) -> None:
    recorded(tmp_path, STREET + "options = { traffic = 1.0 }\n")


def test_what_is_hidden_is_never_recorded_of_a_network_camera_that_is_transcoded(tmp_path: Path) -> None:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=50)) as camera:
        recorded(tmp_path, f'source = "{camera.url}"\ntranscode = true\n')


def test_a_camera_that_masks_by_itself_is_recorded_as_it_is_and_the_journal_says_so(tmp_path: Path) -> None:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=25)) as camera:
        config = write_config(tmp_path, PLAIN, f'source = "{camera.url}"\nmasks_in_camera = true\n' + MASKS)
        with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
            wait_for(lambda: sealed(tmp_path), recorder)
            end(recorder)
    assert not any(shows_nothing(frame) for frame in shown(sealed(tmp_path)[0]))
    (boot,) = records(tmp_path, "boot")
    assert (boot["facts"]["masks_sha256"], boot["facts"]["masks_in_camera"]) == ("", True)
    assert {record["facts"]["masks_sha256"] for record in records(tmp_path, "segment")} == {""}


def test_pictures_that_cannot_be_masked_leave_a_gap_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(video.picture(1), format="yuv420p").reformat(format="yuv420p10le")))
        film.mux(stream.encode(None))
    config = write_config(tmp_path, PLAIN, f'source = "file:{path}"\n' + MASKS)
    with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
        status = tmp_path / "run/cam0/status.json"
        wait_for(lambda: status.exists() and b"yuv420p10le" in status.read_bytes(), recorder)
        said = end(recorder)
    assert "masks cannot be burnt into pictures of the format yuv420p10le" in said
    assert sealed(tmp_path) == []
    assert list((tmp_path / "data/ring/cam0/open").iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        STREET + MASKS + BROKEN,
        STREET + "masks = [[[0, 0], [1, 1], [1, 0], [0, 1]]]\n",
        STREET + 'masks = "all"\n',
        'source = "rtsp://127.0.0.1:9/x"\n' + MASKS,
        STREET + MASKS + "width = = 3\n",
    ],
)
def test_a_broken_file_that_hides_more_than_its_last_good_copy_is_not_recorded_by_the_copy(tmp_path: Path, text: str) -> None:
    config = write_config(tmp_path, PLAIN, text)
    last_good_path(config).write_text(PLAIN + STREET, encoding="utf-8")
    done = edge("record", "--camera", "cam0", "--config", config)
    assert done.code == 78
    assert "its last good copy lacks privacy masks" in done.err
    assert last_good_path(config).read_text("utf-8") == PLAIN + STREET
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", [STREET + BROKEN, STREET + MASKS + BROKEN, STREET + MASKS + "width = = 3\n"])
def test_a_broken_file_that_hides_no_more_than_its_last_good_copy_is_recorded_by_the_copy(tmp_path: Path, text: str) -> None:
    config = write_config(tmp_path, PLAIN, text)
    last_good_path(config).write_text(PLAIN + STREET + MASKS, encoding="utf-8")
    with running("record", "--camera", "cam0", "--config", str(config)) as recorder:
        wait_for(lambda: sealed(tmp_path), recorder)
        end(recorder)
    assert all(shows_nothing(frame) for frame in shown(sealed(tmp_path)[0]))
