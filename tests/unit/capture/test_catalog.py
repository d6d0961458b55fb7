"""Which text names a camera, and what is said of texts and options that do not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from edge.capture.address import address_of
from edge.capture.catalog import check_source, open_source
from edge.capture.options import boolean, number, only, text
from edge.errors import ConfigError
from edge.messages.stream import CameraSettings

GOOD = ["synthetic:", "file:/srv/film.mp4", "file:film.mp4", "rtsp://camera/1", "RTSP://user:word@10.0.0.9:8554/a?b=c", "v4l2:/dev/video0"]
BAD = ["", "synthetic", "synthetic:now", "file:", "rtsp:camera", "rtsp://", "rtsp://camera:port/", "v4l2:video0", "http://camera/", "usb:0"]


@pytest.mark.parametrize("source", GOOD)
def test_good_sources_pass_without_a_word(source: str) -> None:
    check_source(source)


@pytest.mark.parametrize("source", BAD)
def test_bad_sources_are_explained_with_a_remedy(source: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_source(source)
    assert refused.value.remedy


@pytest.mark.parametrize("source", ["rtsp://user:secret@host:99999/", "secret@rtsp//host", "http://user:secret@host/"])
def test_an_explanation_never_repeats_a_password(source: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_source(source)
    assert "secret" not in str(refused.value)


def test_sources_are_checked_without_a_video_library() -> None:
    code = "import sys; from edge.capture.catalog import check_source; check_source('v4l2:/dev/video0'); sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("synthetic:", {"nite": True}),
        ("synthetic:", {"traffic": 2}),
        ("synthetic:", {"night": 1}),
        ("file:film.mp4", {"loop": "yes"}),
        ("file:film.mp4", {"luma": "none"}),
        ("rtsp://camera/1", {"transport": "sctp"}),
        ("rtsp://camera/1", {"client": "other"}),
        ("v4l2:/dev/video0", {"input": "bayer"}),
    ],
)
def test_an_option_that_does_not_fit_is_a_fault_of_the_configuration(source: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        open_source(CameraSettings(id="c", source=source, options=options))


@pytest.mark.parametrize("size", [(63, 48), (65, 48), (64, 47), (64, 46)])
def test_a_synthetic_camera_of_an_impossible_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="even sizes"):
        open_source(CameraSettings(id="c", source="synthetic:", width=size[0], height=size[1]))


def test_options_have_defaults_kinds_and_ranges() -> None:
    options = {"n": 3, "flag": True, "word": "b"}
    assert number(options, "n", 0, 0, 5) == 3.0
    assert number({}, "n", 1.5, 0, 5) == 1.5
    assert boolean(options, "flag", False)
    assert text(options, "word", "a", ("a", "b")) == "b"
    only(options, ("n", "flag", "word"), "test")
    for wrong in ({"n": True}, {"n": 6}, {"n": "3"}):
        with pytest.raises(ConfigError):
            number(wrong, "n", 0, 0, 5)


def test_an_address_shows_neither_login_nor_path() -> None:
    address = address_of("rtsp://user:secret@camera/live?password=secret")
    assert (address.user, address.password, address.host, address.port) == ("user", "secret", "camera", 554)
    assert address.shown == "rtsp camera:554"
    assert "secret" not in repr(address)
    assert address.url == "rtsp://camera/live?password=secret"


def test_a_login_given_apart_wins_and_survives_a_url() -> None:
    address = address_of("rtsp://old:older@[2001:db8::9]:8554/1", "a b", "c@d:e/f%")
    assert address.with_login() == "rtsp://a%20b:c%40d%3Ae%2Ff%25@[2001:db8::9]:8554/1"
    assert (address.host, address.port) == ("2001:db8::9", 8554)
