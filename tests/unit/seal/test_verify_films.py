"""edge/seal/verify.py on every form in which a film may come."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from edge.errors import IntegrityError, UsageError
from edge.messages.stream import Codec
from edge.seal.signer import Identity
from edge.seal.trust import Roots, read_roots
from edge.seal.verify import verify
from tests.support.footage import Written, write_segment
from tests.support.identities import Town, identity_of
from tests.support.signed import SignedSpan, annexb, sign_span, write_clip
from tests.support.video import encode

SHARED = Path(os.environ.get("EDGE_SHARED", Path(__file__).resolve().parents[4] / "shared"))
ONVIF = SHARED / "vectors" / "onvif"
CODECS: tuple[Codec, ...] = ("h264", "h265")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
needs_onvif = pytest.mark.skipif(not ONVIF.is_dir(), reason=f"no ONVIF samples in {ONVIF}")


@lru_cache
def town() -> Town:
    return Town()


@lru_cache
def node() -> Identity:
    return identity_of(town(), "pole-17")


@lru_cache
def roots() -> Roots:
    return read_roots(town().root)


@lru_cache
def span(codec: Codec, b_frames: int = 2) -> SignedSpan:
    return sign_span(encode(codec, frames=100, b_frames=b_frames), node(), codec)


@lru_cache
def segment(codec: Codec) -> Written:
    return write_segment(span(codec).packets, codec)


def ffmpeg(*words: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True, timeout=60)


def told(path: Path) -> tuple[str, int, int]:
    """(verdict, pictures verified, all pictures)."""
    found = verify(path, roots())
    assert found.checks.parameter_sets == "match"
    return found.verdict, found.frames.verified, found.frames.total


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_is_authentic(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    """But for its last picture, which no player shows and which is there to carry a signature."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(span(codec, b_frames).whole_gops(0, 3), codec))
    found = verify(path, roots())
    assert (found.verdict, found.frames.verified, found.frames.total, found.frames.closing) == ("AUTHENTIC", 75, 76, 1)
    assert (found.checks.timing, found.counters.first, found.counters.last, found.counters.contiguous) == ("match", 1, 3, True)
    assert (found.times.first, found.times.last) == ("2026-11-22T13:25:00.120Z", "2026-11-22T13:25:03.120Z")
    assert "closing_picture" in found.not_proven


@pytest.mark.parametrize("codec", CODECS)
def test_the_closing_picture_counts_where_players_show_it(tmp_path: Path, codec: Codec) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(span(codec).whole_gops(0, 3), codec, edit_ticks=0xFFFF_FFFF))
    assert told(path) == ("PARTLY VERIFIED", 75, 76)
    assert [reason.code for reason in verify(path, roots()).reasons] == ["last_picture_uncovered"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", ["sealed", "open", "torn", "no clean cut"])
def test_a_segment_alone_lacks_the_signature_of_its_last_gop(tmp_path: Path, codec: Codec, form: str) -> None:
    written = segment(codec)
    cut = {"sealed": len(written.data), "open": len(written.body), "torn": written.ends[2] + 300, "no clean cut": len(written.body) - 7}[
        form
    ]
    path = tmp_path / "segment.mp4"
    path.write_bytes(written.data[:cut])
    found = verify(path, roots())
    assert (found.verdict, found.frames.verified) == ("PARTLY VERIFIED", 50 if form == "torn" else 75)
    torn = {reason.code for reason in found.reasons} & {"torn_end"}
    assert torn == ({"torn_end"} if form in ("torn", "no clean cut") else set())


@pytest.mark.parametrize("codec", CODECS)
def test_damage_in_the_middle_of_a_segment_costs_what_it_hits(tmp_path: Path, codec: Codec) -> None:
    written = segment(codec)
    data = bytearray(written.data)
    begin = written.ends[0]
    data[begin : begin + 400] = b"\xff" * 400
    path = tmp_path / "segment.mp4"
    path.write_bytes(data)
    found = verify(path, roots())
    assert found.verdict == "PARTLY VERIFIED"
    assert "damaged_bytes" in {reason.code for reason in found.reasons}
    assert (found.frames.verified, found.frames.total) == (25, 75)
    assert [(gap.why, gap.gops) for gap in found.gaps] == [("gops_missing", 1)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_raw_stream_is_read_and_has_no_timing(tmp_path: Path, codec: Codec) -> None:
    path = tmp_path / "film.raw"
    path.write_bytes(annexb(span(codec).packets))
    found = verify(path, roots())
    assert (found.verdict, found.frames.verified, found.frames.total) == ("PARTLY VERIFIED", 75, 100)
    assert (found.checks.timing, "timing" in found.not_proven) == ("not_checked", True)


def test_a_raw_stream_larger_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    """Padded with filler NAL units (type 12), which no signature covers and no picture needs."""
    filler = b"\0\0\0\1\x0c" + b"\xff" * 60_000 + b"\x80"
    path = tmp_path / "film.h264"
    path.write_bytes(b"".join(packet.data + filler for packet in span("h264").packets))
    assert path.stat().st_size > 5 << 20
    assert told(path) == ("PARTLY VERIFIED", 75, 100)


@needs_ffmpeg
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("source", ["clip", "segment"])
def test_cuts_of_cuts_and_other_containers_still_verify(tmp_path: Path, codec: Codec, source: str) -> None:
    film, cut, again = tmp_path / "film.mp4", tmp_path / "cut.mp4", tmp_path / "again.mp4"
    mkv, back, fragments, live = tmp_path / "film.mkv", tmp_path / "back.mp4", tmp_path / "fragments.mp4", tmp_path / "live.mkv"
    film.write_bytes(write_clip(span(codec).whole_gops(0, 3), codec) if source == "clip" else segment(codec).data)
    ffmpeg("-i", film, "-c", "copy", mkv)
    ffmpeg("-i", mkv, "-c", "copy", back)
    ffmpeg("-i", film, "-c", "copy", "-movflags", "frag_keyframe+empty_moov", fragments)
    ffmpeg("-i", film, "-c", "copy", "-live", "1", live)
    total = 76 if source == "clip" else 100
    for path in (mkv, back, fragments, live):
        assert told(path) == ("PARTLY VERIFIED", 75, total), path
        assert verify(path, roots()).checks.timing == "match"
    ffmpeg("-ss", 1, "-i", film, "-c", "copy", cut)
    ffmpeg("-ss", 1, "-i", cut, "-c", "copy", again)
    assert told(cut) == ("PARTLY VERIFIED", 50, total - 25)
    assert told(again) == ("PARTLY VERIFIED", 25, total - 50)
    assert [verify(path, roots()).counters.first for path in (film, cut, again)] == [1, 2, 3]


@needs_onvif
@pytest.mark.parametrize("codec", CODECS)
def test_onvifs_own_samples_are_authentic(codec: Codec) -> None:
    found = verify(ONVIF / f"test_signed_{codec}.mp4", read_roots(ONVIF / "ca.pem"))
    assert (found.verdict, found.exit_code, found.frames.verified) == ("AUTHENTIC", 0, {"h264": 256, "h265": 302}[codec])
    assert (found.counters.first, found.counters.last) == (1, 5)
    assert {"parameter_sets", "timing", "other_maker"} <= set(found.not_proven)
    assert verify(ONVIF / f"test_{codec}.mp4", None).verdict == "UNSIGNED"


@needs_onvif
def test_onvifs_sample_under_another_authority_is_not_authentic() -> None:
    found = verify(ONVIF / "test_signed_h264.mp4", roots())
    assert (found.verdict, found.reasons[0].code) == ("NOT AUTHENTIC", "certificate_untrusted")


@needs_onvif
@needs_ffmpeg
@pytest.mark.parametrize("codec", CODECS)
def test_a_cut_of_onvifs_sample_ignores_the_signature_of_what_was_before(tmp_path: Path, codec: Codec) -> None:
    """It stands one access unit behind the first key picture and speaks of the GOP that was cut off."""
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", 5, "-i", ONVIF / f"test_signed_{codec}.mp4", "-c", "copy", cut)
    found = verify(cut, read_roots(ONVIF / "ca.pem"))
    assert found.verdict == "AUTHENTIC"
    assert (found.frames.verified, found.frames.unverifiable) == (found.frames.total, 0)


def test_a_package_beside_a_film_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "clip.json").write_text("{}")
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(span("h264").whole_gops(0, 3)))
    assert "package_beside" in {reason.code for reason in verify(path, roots()).reasons}


def test_what_is_no_film_is_an_error_in_one_line(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"text", bytes(100), b"\0\0\0\1", b"\x1aE\xdf\xa3", b"\0\0\0\x08ftyp", b"\xff" * 5000)):
        path = tmp_path / str(number)
        path.write_bytes(data)
        with pytest.raises(IntegrityError) as caught:
            verify(path, roots())
        assert "\n" not in str(caught.value)


def test_what_is_not_there_is_a_wrong_word(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "nothing.mp4", tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UsageError):
            verify(path, roots())
