"""The real picamera2 over virtual cameras: the contract of all sources, masks, two cameras at once - in the camera rig."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest

from edge.config.masks import masks_sha256
from edge.messages.stream import CameraSettings, Packet, StreamInfo
from edge.window.luma import UNKNOWN, Exposure, LumaReader
from tests.support import camera_rig
from tests.support.capture_worker import Capture
from tests.support.command import ROOT
from tests.support.masked import WINDOWS, shows_nothing

pytestmark = [
    pytest.mark.skipif(bool(camera_rig.missing()), reason=camera_rig.missing() or "-"),
    pytest.mark.xdist_group("camera rig"),
    pytest.mark.timeout(600),
]

PATTERNS = camera_rig.CAMERAS[:2]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The command of a capture worker in the rig."""
    for name, value in camera_rig.rig_environment().items():
        monkeypatch.setenv(name, value)
    return (str(camera_rig.PYTHON), "-m", "edge.capture.worker")


def decoded(packets: list[Packet]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))]
    return [*frames, *decoder.decode(None)]


def test_picamera2_keeps_the_contract_of_all_sources() -> None:
    suite = str(ROOT / "tests/contract/test_sources.py")
    alone = ["-p", "no:cacheprovider", "--noconftest", "-o", "filterwarnings=", "--rootdir", str(ROOT)]
    words = ["-m", "pytest", "-q", "-rs", *alone, suite, "-k", "picamera2"]
    done = camera_rig.rig_python(*words, timeout_s=300)
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    skipped = re.search(r"(\d+) skipped", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 9
    assert skipped is None or int(skipped[1]) <= 2, "what virtual cameras cannot show"


def test_no_picture_ever_shows_what_is_masked(rig: tuple[str, ...], tmp_path: Path) -> None:
    settings = CameraSettings(
        id="gate",
        source="picamera2:pole-cam-0",
        width=320,
        height=180,
        luma_width=160,
        luma_height=90,
        luma_path=str(tmp_path / "luma"),
        masks=WINDOWS,
    )
    with Capture(settings, rig) as capture:
        packets = capture.until_packets(60)
        luma = LumaReader(tmp_path / "luma").newest()
    (info,) = capture.of(StreamInfo)
    assert info.masks_sha256 == masks_sha256(WINDOWS)
    frames = decoded(packets)
    assert len(frames) == len(packets)
    assert all(shows_nothing(frame) for frame in frames), "the first one too"
    assert luma is not None
    assert (luma.width, luma.height) == (160, 90)
    assert luma.exposure == UNKNOWN, "this camera says nothing"


def test_the_watcher_learns_how_the_camera_exposes(rig: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "luma"
    with Capture(CameraSettings(id="gate", source="picamera2:pole-cam-1", width=320, height=180, luma_path=str(path)), rig) as capture:
        capture.until_packets(20)
        luma = LumaReader(path).newest()
    assert luma is not None
    assert luma.exposure == Exposure(time_us=8000.0, gain=3.0, lux=123.0, colour_k=4500.0)


def test_two_cameras_are_told_by_their_ids(rig: tuple[str, ...]) -> None:
    means = {}
    settings = [CameraSettings(id=name, source=f"picamera2:{name}", width=320, height=180) for name in PATTERNS]
    with Capture(settings[0], rig) as one, Capture(settings[1], rig) as two:
        for name, capture in zip(PATTERNS, (one, two), strict=True):
            picture = decoded(capture.until_packets(10))[-1].to_ndarray(format="gray")
            means[name] = picture.std(axis=0).mean()
    bars, lines = (means[name] for name in PATTERNS)
    assert bars < 1 < lines, "bars are the same in each row, lines are not"


@pytest.mark.parametrize(
    ("source", "words"),
    [("picamera2:", "fits 3 cameras"), ("picamera2:attic", "no camera attic is connected; there are: .*pole-cam-0")],
)
def test_a_camera_that_cannot_be_told_is_named_with_what_there_is(rig: tuple[str, ...], source: str, words: str) -> None:
    with Capture(CameraSettings(id="gate", source=source), rig) as capture:
        fault = capture.until_end()
    assert fault is not None
    assert re.search(words, fault.text), fault
