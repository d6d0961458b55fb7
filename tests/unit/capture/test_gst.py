"""Pipelines of GStreamer: what they are made of, what they say when they cannot be, and its encoders behind the port."""

from __future__ import annotations

import av
import pytest

from edge.bmff import nal
from edge.capture.encoder import Quality, open_encoder
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings
from tests.support import gstreamer, video

if gstreamer.missing():
    pytest.skip(gstreamer.missing(), allow_module_level=True)

from edge.capture.gst import GstSource, words_of
from edge.capture.gst_encoder import KINDS, GstEncoder
from edge.capture.gst_start import Gst, has, make_pipeline, trouble_of

QUALITY = Quality(320, 180, 25.0, 500, 1.0)


def settings(source: str, **options: object) -> CameraSettings:
    return CameraSettings(id="c", source=source, width=1280, height=720, fps=25.0, options=dict(options))


def test_a_jetsons_camera_is_flipped_and_copied_in_hardware() -> None:
    words = words_of(settings("gst:nvarguscamerasrc", sensor=1, flip=2), "nvarguscamerasrc")
    assert words == (
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=25000/1000 ! "
        "nvvidconv flip-method=2 ! video/x-raw,format=NV12 ! appsink name=pictures max-buffers=2 drop=true sync=false"
    )


@pytest.mark.parametrize("name", ['x" ! filesink location="/etc/passwd', "a b", "\\"])
def test_a_name_is_one_word_whatever_is_in_it(name: str) -> None:
    pipeline = make_pipeline(words_of(settings("gst:v4l2src", device=name), "v4l2src"))
    assert pipeline.get_by_name("camera").get_property("device") == name
    assert pipeline.numchildren == 5


@pytest.mark.parametrize(
    "camera", [settings("gst:filesrc"), settings("gst:videotestsrc", pattern="nude"), settings("gst:v4l2src", device=3)]
)
def test_what_is_no_camera_is_refused(camera: CameraSettings) -> None:
    with pytest.raises(ConfigError):
        words_of(camera, camera.source.partition(":")[2])


def test_a_device_that_is_not_there_can_come_later() -> None:
    source = GstSource(settings("gst:v4l2src", device="/dev/video63"))
    with pytest.raises(TryAgain, match="video63"):
        source.open()
    source.close()


def test_a_plug_in_that_is_missing_is_named() -> None:
    if has("nvarguscamerasrc"):
        pytest.skip("this is a Jetson")
    with pytest.raises(ConfigError, match="nvarguscamerasrc"):
        GstSource(settings("gst:nvarguscamerasrc")).open()
    with pytest.raises(ConfigError, match="no nvv4l2h264enc"):
        open_encoder("nvenc", QUALITY)


def test_a_size_that_the_camera_has_not_is_a_fault_of_the_configuration() -> None:
    pipeline = make_pipeline("videotestsrc is-live=true ! queue ! capsfilter name=filter ! fakesink")
    pipeline.get_by_name("filter").set_property("caps", Gst.Caps.from_string("video/x-raw,width=(int)-7"))
    pipeline.set_state(Gst.State.PLAYING)
    pipeline.get_state(5 * Gst.SECOND)
    trouble = None
    while trouble is None:
        trouble = trouble_of(pipeline, "the camera")
    pipeline.set_state(Gst.State.NULL)
    assert isinstance(trouble, ConfigError), trouble
    assert "width, height and fps" in str(trouble)


def test_the_encoder_of_gstreamer_keeps_the_contract_of_the_port() -> None:
    encoder = GstEncoder("gst-x264", QUALITY)
    units = []
    for number in range(60):
        units += encoder.encode(av.VideoFrame.from_ndarray(video.picture(number), format="yuv420p"), number)
    units += encoder.flush()
    assert [unit.number for unit in units] == list(range(60))
    assert [unit.number for unit in units if unit.key] == [0, 25, 50]
    for unit in units:
        if unit.key:
            assert unit.data.startswith(encoder.parameter_sets)
        assert unit.key == any(nal.is_idr("h264", each) for each in nal.split(unit.data))
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))] + list(decoder.decode(None))
    assert [video.frame_number(video.luma_of(frame)) for frame in frames] == list(range(60))


def test_an_encoder_that_is_there_but_has_no_hardware_is_found_out() -> None:
    """An Orin Nano has NVENC's element and no NVENC."""
    element = KINDS["gst-v4l2"].element
    with pytest.raises(ConfigError, match=element):
        GstEncoder("gst-v4l2", QUALITY)


def test_hardware_that_is_not_here_is_named() -> None:
    with pytest.raises(ConfigError, match="h264_v4l2m2m"):
        open_encoder("v4l2m2m", QUALITY)
    with pytest.raises(ConfigError, match="'magic'"):
        open_encoder("magic", QUALITY)
    assert open_encoder("auto", QUALITY).name == "libx264 ultrafast"
