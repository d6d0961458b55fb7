"""Live pictures by WHIP: to GStreamer's WebRTC, which is a stranger, says no, dies, or is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.live.target import Target
from tests.fault.test_live import QUICK, assert_in_order, shown
from tests.support import whip_receiver
from tests.support.certificates import Authority
from tests.support.live_receivers import numbers_of, until
from tests.support.live_ring import FPS, GOP, LiveRing
from tests.support.mosquitto import free_port
from tests.support.whip_receiver import WhipReceiver

TOKEN = "a-token-of-the-town"

pytestmark = pytest.mark.skipif(bool(whip_receiver.missing()), reason=whip_receiver.missing() or "-")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRing]:
    with LiveRing(tmp_path_factory.mktemp("node") / "data") as ring:
        yield ring


def test_every_picture_arrives_in_order_over_verified_tls_with_a_token_after_a_redirect_and_the_session_ends(
    ring: LiveRing, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "ours")
    pair = authority.issue("receiver", "127.0.0.1")
    with WhipReceiver(tmp_path / "got.h264", "--token", TOKEN, "--via", "/elsewhere", pair=pair) as receiver:
        with shown(ring, Target(receiver.url, TOKEN, str(authority.ca)), seconds=4.0) as show:
            running = show.until_running()
            last = show.word()
        receiver.wait_for("ended")
    assert (last.state, last.data["ended"], last.data["skipped"], last.data["reconnects"]) == ("done", "time", 0, 0), last
    print(f"whip: first packet after {running.data['first_packet_ms']} ms, latency {last.data['latency_ms']}")
    assert_in_order(numbers_of(receiver.output), at_least=2 * FPS)
    assert TOKEN not in str(last) + str(running)


def test_a_receiver_that_dies_and_comes_back_is_found_again(ring: LiveRing, tmp_path: Path) -> None:
    port = free_port()
    with WhipReceiver(tmp_path / "one.h264", port=port) as first, shown(ring, Target(first.url)) as show:
        first.wait_for("begun")
        show.until_running()
        first.kill()
        with WhipReceiver(tmp_path / "two.h264", port=port) as second:
            second.wait_for("begun")
            until(lambda: second.output.exists() and second.output.stat().st_size > 12_000, 20)
            last = show.end()
            second.wait_for("ended")
    assert (last.state, last.data["ended"], last.data["reconnects"]) == ("done", "asked", 1)
    assert_in_order(numbers_of(tmp_path / "two.h264"), at_least=GOP)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--token", "another"], "auth"),
        (["--foreign-key"], "tls"),
        (["--via", "https://192.0.2.7/whip"], "refused"),
        (["--via", "/whip"], "refused"),
    ],
)
def test_an_endpoint_that_says_no_or_is_not_what_it_says_gets_no_picture(
    ring: LiveRing, tmp_path: Path, words: list[str], code: str
) -> None:
    with WhipReceiver(tmp_path / "got.h264", *words) as receiver, shown(ring, Target(receiver.url, TOKEN)) as show:
        word = show.word()
    assert (word.state, word.code) == ("failed", code), word
    assert show.told == []
    assert not receiver.output.exists() or receiver.output.stat().st_size == 0
    assert TOKEN not in str(word)


def test_a_server_is_believed_only_by_the_configured_authority_and_its_name(ring: LiveRing, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    for pair in (theirs.issue("b", "127.0.0.1"), ours.issue("c", "192.0.2.7")):
        with WhipReceiver(tmp_path / "got.h264", pair=pair) as receiver, shown(ring, Target(receiver.url, "", str(ours.ca))) as show:
            word = show.word()
        assert (word.state, word.code) == ("failed", "tls"), word


def test_nobody_there_is_told_as_what_it_is(ring: LiveRing) -> None:
    with shown(ring, Target(f"http://127.0.0.1:{free_port()}/whip")) as show:
        word = show.word()
    assert (word.state, word.code) == ("failed", "unreachable"), word


@pytest.mark.parametrize("form", ["h265", "b-frames"])
def test_what_webrtc_does_not_carry_is_refused_by_name(tmp_path: Path, form: str) -> None:
    made = {"h265": {"codec": "h265"}, "b-frames": {"b_frames": 2}}[form]
    with (
        LiveRing(tmp_path / "data", **made) as ring,  # type: ignore[arg-type]
        WhipReceiver(tmp_path / "got.h264") as receiver,
        shown(ring, Target(receiver.url), patience=QUICK) as show,
    ):
        word = show.word()
    assert (word.state, word.code) == ("failed", "codec"), word
