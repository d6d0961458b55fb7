"""Live pictures: from a ring that is being written to real receivers, which are killed, frozen, strangers, or not there."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.live.follow import Head
from edge.live.session import LiveSession, Patience
from edge.live.target import Target
from edge.messages.wire import Response
from tests.support.certificates import Authority
from tests.support.live_receivers import Receiver, Scheme, TlsDoor, numbers_of, until
from tests.support.live_ring import CAMERA, FPS, GOP, LiveRing
from tests.support.mosquitto import free_port

PASSPHRASE = "a passphrase of the town"
QUICK = Patience(no_picture_s=10.0, retry_s=10.0, pause_s=0.3)


class Show:
    """A session in a thread of the test. told: its answers before the last word."""

    def __init__(self, ring: LiveRing, target: Target, seconds: float = 60.0, patience: Patience = QUICK) -> None:
        self.told: list[Response] = []
        self.last: Response | None = None
        head = Head(LinuxDisk(), ring.folders.ring(CAMERA), boot_id(), KernelClock("assume").boot_ns)
        self.session = LiveSession("s-1", seconds, target, head, KernelClock("assume"), self.told.append, patience)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.last = self.session.run()

    def until_running(self) -> Response:
        until(lambda: bool(self.told) or self.last is not None, 20)
        assert self.told, self.last
        return self.told[0]

    def end(self) -> Response:
        self.session.stop()
        return self.word()

    def word(self, deadline_s: float = 30.0) -> Response:
        self._thread.join(deadline_s)
        assert self.last is not None
        return self.last


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRing]:
    with LiveRing(tmp_path_factory.mktemp("node") / "data") as ring:
        yield ring


@contextmanager
def shown(ring: LiveRing, target: Target, seconds: float = 60.0, patience: Patience = QUICK) -> Iterator[Show]:
    show = Show(ring, target, seconds, patience)
    try:
        yield show
    finally:
        show.session.stop()
        show.word()


def assert_in_order(numbers: list[int], at_least: int) -> None:
    """Of a film of 200 pictures that begins anew."""
    steps = {(later - earlier) % 200 for earlier, later in itertools.pairwise(numbers)}
    assert steps == {1}, numbers
    assert len(numbers) >= at_least


@pytest.mark.parametrize(("scheme", "secret"), [("rtsp", ""), ("rtmp", ""), ("srt", ""), ("srt", PASSPHRASE)])
def test_a_real_receiver_gets_every_picture_in_order_and_the_session_ends_by_itself(
    ring: LiveRing, tmp_path: Path, scheme: Scheme, secret: str
) -> None:
    with Receiver(scheme, tmp_path / "got.mkv", passphrase=secret) as receiver:
        with shown(ring, Target(receiver.url, secret), seconds=4.0) as show:
            running = show.until_running()
            last = show.word()
        receiver.wait()
    assert (running.state, running.data["target"]) == ("running", receiver.url)
    assert (last.state, last.data["ended"], last.data["skipped"], last.data["reconnects"]) == ("done", "time", 0, 0), last
    print(f"{scheme}: first packet after {running.data['first_packet_ms']} ms, latency {last.data['latency_ms']}")
    assert_in_order(numbers_of(receiver.output), at_least=2 * FPS)
    assert last.data["latency_ms"]["p95"] is not None
    assert PASSPHRASE not in str(last) + str(running)


def test_a_receiver_that_dies_and_comes_back_is_found_again(ring: LiveRing, tmp_path: Path) -> None:
    port = free_port()
    with Receiver("rtsp", tmp_path / "one.mkv", port) as first, shown(ring, Target(first.url)) as show:
        show.until_running()
        first.until_bytes(1000)
        first.kill()
        with Receiver("rtsp", tmp_path / "two.mkv", port) as second:
            second.until_bytes(1000)
            last = show.end()
            second.wait()
        assert (last.state, last.data["ended"], last.data["reconnects"]) == ("done", "asked", 1)
        assert_in_order(numbers_of(second.output), at_least=GOP)


def test_what_sends_is_killed_and_is_started_anew(ring: LiveRing, tmp_path: Path) -> None:
    port = free_port()
    with Receiver("srt", tmp_path / "one.ts.mkv", port) as first, shown(ring, Target(first.url)) as show:
        show.until_running()
        sender = show.session.sender_pid
        assert sender is not None
        os.kill(sender, signal.SIGKILL)
        until(lambda: show.session.sender_pid not in (None, sender), 20)
        first.kill()
        with Receiver("srt", tmp_path / "two.mkv", port) as second:
            second.until_bytes(1000)
            assert show.end().state == "done"


def test_a_receiver_that_takes_nothing_costs_pictures_and_never_memory(tmp_path: Path) -> None:
    """Frozen with full buffers; what is late is skipped, or the connection is given up."""
    with (
        LiveRing(tmp_path / "data", width=1280) as ring,
        Receiver("rtsp", tmp_path / "got.mkv") as receiver,
        shown(ring, Target(receiver.url), patience=Patience(retry_s=3.0, pause_s=0.3)) as show,
    ):
        show.until_running()
        receiver.freeze()
        word = show.word(60)
        receiver.thaw()
    assert (word.state, word.code) == ("failed", "lost") or word.data["skipped"] > 0, word


def test_nobody_there_is_told_as_what_it_is(ring: LiveRing) -> None:
    with shown(ring, Target(f"rtsp://127.0.0.1:{free_port()}/live/cam0")) as show:
        word = show.word()
    assert (word.state, word.code) == ("failed", "unreachable"), word
    assert show.told == []


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps"])
def test_a_server_is_believed_only_by_the_configured_authority_and_its_name(ring: LiveRing, tmp_path: Path, scheme: str) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    good, stranger, elsewhere = ours.issue("a", "127.0.0.1"), theirs.issue("b", "127.0.0.1"), ours.issue("c", "192.0.2.7")
    plain: Scheme = "rtsp" if scheme == "rtsps" else "rtmp"
    for pair in (stranger, elsewhere):
        door = TlsDoor(free_port(), *pair)
        try:
            with shown(ring, Target(f"{scheme}://127.0.0.1:{door.port}/live/cam0", "", str(ours.ca))) as show:
                word = show.word()
        finally:
            door.close()
        assert (word.state, word.code) == ("failed", "tls"), word
    with Receiver(plain, tmp_path / "got.mkv") as receiver:
        door = TlsDoor(receiver.port, *good)
        try:
            with shown(ring, Target(f"{scheme}://127.0.0.1:{door.port}/live/cam0", "", str(ours.ca)), seconds=3.0) as show:
                show.until_running()
                assert show.word().state == "done"
        finally:
            door.close()
        receiver.wait()
    assert_in_order(numbers_of(receiver.output), at_least=FPS)
