"""Session descriptions as cameras write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.capture.sdp import describe

H264 = """v=0\r
o=- 1 1 IN IP4 192.0.2.9\r
a=control:rtsp://192.0.2.9/street/\r
m=audio 0 RTP/AVP 8\r
a=rtpmap:8 PCMA/8000\r
m=video 0 RTP/AVP 97 96\r
a=rtpmap:97 H264-SVC/90000\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; profile-level-id=42c01f;sprop-parameter-sets=Z0LAHw==,aM48gA==\r
a=framerate:12.5\r
a=control:trackID=2\r
"""
H265 = """v=0
m=video 0 RTP/AVP 98
a=rtpmap:98 H265/90000
a=fmtp:98 sprop-vps=QAE=;sprop-sps=QgE=;sprop-pps=RAE=
"""


def test_the_video_is_found_among_other_media_and_encodings() -> None:
    described = describe(H264)
    video = described.video
    assert video is not None
    assert (video.codec, video.payload, video.control, video.fps) == ("h264", 96, "trackID=2", 12.5)
    assert video.parameter_sets == b"\0\0\0\1\x67\x42\xc0\x1f\0\0\0\1\x68\xce\x3c\x80"
    assert described.control == "rtsp://192.0.2.9/street/"


def test_h265_has_its_three_kinds_of_parameter_sets() -> None:
    video = describe(H265).video
    assert video is not None
    assert (video.codec, video.control, video.fps) == ("h265", "", None)
    assert video.parameter_sets == b"\0\0\0\1\x40\1\0\0\0\1\x42\1\0\0\0\1\x44\1"


def test_an_unknown_codec_is_named() -> None:
    described = describe("v=0\nm=video 0 RTP/AVP 26\na=rtpmap:26 JPEG/90000\n")
    assert described.video is None
    assert described.offered == ("JPEG",)


def test_broken_parameter_sets_and_rates_are_left_out() -> None:
    text = H264.replace("Z0LAHw==", "%%%").replace("12.5", "many")
    video = describe(text).video
    assert video is not None
    assert video.parameter_sets == b"\0\0\0\1\x68\xce\x3c\x80"
    assert video.fps is None


@given(st.text(alphabet="m=video a:rtpmapfmtp96H264/;,\r\n0", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    describe(text)
