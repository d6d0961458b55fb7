"""Inside the virtual machine: a camera of the kernel's own V4L2 driver, its controls, and what happens when it is pulled out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import pytest

from edge.capture import v4l2_device
from edge.capture.v4l2 import V4l2Source
from edge.clock import monotonic_s
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Packet
from tests.support.command import edge
from tests.support.node_process import end, records, running, wait_for
from tests.support.nodefile import write_config

pytestmark = pytest.mark.skipif(not Path("/sys/bus/platform/drivers/vivid").exists(), reason="runs in a virtual machine: make vm")
DRIVER = Path("/sys/bus/platform/drivers/vivid")
NAME = "vivid.0"
STABLE = Path("/dev/v4l/by-id/usb-Vivid_camera-video-index0")
LIMIT_S = 60.0
NODE = """
[node]
id = "pole-1"
data = "data"
run = "run"
[clock]
trust = "assume"
[ring]
segment_s = 5.0
[[camera]]
id = "cam0"
source = "v4l2:{device}"
width = 320
height = 180
stall_s = 3.0
"""


class Camera:
    """The driver's device under a name that stays, which udev's rules would make."""

    def __init__(self, stable: Path) -> None:
        self.stable = stable

    def pull_out(self) -> None:
        (DRIVER / "unbind").write_text(NAME)
        self.stable.unlink(missing_ok=True)

    def plug_in(self) -> None:
        if not (DRIVER / NAME).exists():
            (DRIVER / "bind").write_text(NAME)
        (device,) = Path("/sys/class/video4linux").glob("video*")
        self.stable.unlink(missing_ok=True)
        self.stable.symlink_to(f"../../{device.name}")


@pytest.fixture
def camera() -> Iterator[Camera]:
    STABLE.parent.mkdir(parents=True, exist_ok=True)
    made = Camera(STABLE)
    made.plug_in()
    yield made
    made.plug_in()


def source_of(camera: Camera, **options: object) -> V4l2Source:
    return V4l2Source(CameraSettings(id="c", source=f"v4l2:{camera.stable}", width=320, height=180, gop_s=0.4, options=options))


def packets(source: V4l2Source, count: int) -> list[Packet]:
    found: list[Packet] = []
    until_s = monotonic_s() + LIMIT_S
    while len(found) < count and monotonic_s() < until_s:
        item = source.read(0.5)
        if isinstance(item, Packet):
            found.append(item)
    assert len(found) == count
    return found


def read_until(source: V4l2Source, until_s: float) -> None:
    while monotonic_s() < until_s:
        source.read(0.5)


def brightness(made: list[Packet]) -> float:
    decoder = av.VideoCodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for packet in made for frame in decoder.decode(av.Packet(packet.data))]
    return float(frames[-1].to_ndarray(format="gray").mean())


def test_what_the_camera_offers_is_listed_with_sizes_rates_and_controls(camera: Camera) -> None:
    with v4l2_device.opened(str(camera.stable)) as descriptor:
        formats, controls = v4l2_device.formats(descriptor), v4l2_device.controls(descriptor)
    yuyv = next(each for each in formats if each.fourcc == "YUYV")
    assert (320, 180) in [(size.width, size.height) for size in yuyv.sizes]
    assert all(list(size.rates) == sorted(size.rates, reverse=True) and size.rates for size in yuyv.sizes)
    assert re.fullmatch(r"YUYV \d+x\d+ [\d.]+/s", str(yuyv))
    known = {control.name: control for control in controls}
    assert (known["brightness"].minimum, known["brightness"].maximum, known["brightness"].default) == (0, 255, 128)
    assert known["gain"].held, "its automatic decides"
    assert known["test_pattern"].kind == "menu"


def test_the_probe_names_the_camera(camera: Camera) -> None:
    outcome = edge("capture", "probe", "--json")
    assert outcome.code == 0, outcome.err
    (offer,) = json.loads(outcome.out)["offers"]
    assert offer["name"] == f"v4l2:{camera.stable}"
    assert "brightness" in [control["name"] for control in offer["controls"]]


def test_controls_are_set_before_the_first_picture(camera: Camera) -> None:
    seen = {}
    for value in (40, 220):
        source = source_of(camera, controls={"brightness": value})
        try:
            source.open()
            seen[value] = brightness(packets(source, 10))
        finally:
            source.close()
        with v4l2_device.opened(str(camera.stable)) as descriptor:
            (control,) = (each for each in v4l2_device.controls(descriptor) if each.name == "brightness")
            assert v4l2_device.value_of(descriptor, control) == value
    assert seen[40] + 50 < seen[220]


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ({"sharpness": 3}, "has no control 'sharpness' - known: brightness, contrast"),
        ({"brightness": 300}, "control brightness is 300 - use a whole number from 0 to 255"),
        ({"brightness": "bright"}, "control brightness is 'bright'"),
        ({"brightness": 10.5}, "control brightness is 10.5"),
        ({"contrast": 1, "brightness": -1}, "control brightness is -1"),
    ],
)
def test_a_control_that_cannot_be_is_a_fault_of_the_configuration_and_sets_nothing(
    camera: Camera, controls: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        source_of(camera, controls=controls).open()
    assert words in str(refused.value)
    with v4l2_device.opened(str(camera.stable)) as descriptor:
        contrast = next(each for each in v4l2_device.controls(descriptor) if each.name == "contrast")
        assert v4l2_device.value_of(descriptor, contrast) == contrast.default


def test_what_is_no_camera_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no video device"), v4l2_device.opened("/dev/null"):
        pass
    with pytest.raises(TryAgain, match="cannot be opened: No such file"), v4l2_device.opened(str(tmp_path / "none")):
        pass


def test_a_camera_that_is_pulled_out_is_told_and_comes_back_under_its_name(camera: Camera) -> None:
    source = source_of(camera)
    source.open()
    packets(source, 5)
    camera.pull_out()
    until_s = monotonic_s() + LIMIT_S
    with pytest.raises(TryAgain, match=re.escape(str(camera.stable))):
        read_until(source, until_s)
    source.close()
    with pytest.raises(TryAgain, match="cannot be opened"):
        source_of(camera).open()
    camera.plug_in()
    again = source_of(camera)
    try:
        again.open()
        assert packets(again, 5)[0].key
    finally:
        again.close()


def test_the_recorder_stays_and_records_again_when_the_camera_is_back(camera: Camera, tmp_path: Path) -> None:
    config = write_config(tmp_path, NODE.format(device=camera.stable), "")
    status = tmp_path / "run/cam0/status.json"

    def recording() -> bool:
        return status.exists() and json.loads(status.read_text())["state"] == "recording"

    def gaps(open: bool, least: int) -> bool:
        return len([gap for gap in records(tmp_path, "gap") if gap["facts"]["open"] is open]) >= least

    with running("record", "--camera", "cam0", "--config", str(config), log=tmp_path / "log") as process:
        wait_for(recording, process, LIMIT_S)
        for times in (1, 2):
            camera.pull_out()
            wait_for(partial(gaps, True, times), process, LIMIT_S)
            camera.plug_in()
            wait_for(partial(gaps, False, times), process, LIMIT_S)
            wait_for(recording, process, LIMIT_S)
        end(process)
    closed = [gap["facts"] for gap in records(tmp_path, "gap") if not gap["facts"]["open"]]
    assert len(closed) == 2
    assert all(gap["reason"] == "camera_died" and str(camera.stable) in gap["text"] for gap in closed), closed
    checked = edge("ring", "check", "--deep", "--config", config)
    assert checked.code == 0, checked.out + checked.err
