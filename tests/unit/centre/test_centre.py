"""A Client against a real broker: who may answer, what is known before a command is signed, and how a wait ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre.client import Client
from edge.centre.keys import make_keys
from edge.clock import monotonic_s
from edge.messages.wire import Response
from tests.support.agents import mqtt_of
from tests.support.mosquitto import Mosquitto
from tests.support.someone import Someone


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def test_only_the_node_that_was_asked_may_answer(broker: Mosquitto, tmp_path: Path) -> None:
    key, _ = make_keys(tmp_path / "keys")
    with (
        Someone(broker.port, "pole-1") as asked,
        Someone(broker.port, "pole-2") as other,
        Client(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre,
    ):
        assert centre.wait_connected(10)
        clip = centre.request_clip("pole-1", "cam0", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", operator="o", case="c", id="c1")
        assert asked.command().id == "c1"
        other.publish("resp/clip", Response(id="c1", state="done", text="forged"))
        other.until_acknowledged()
        asked.publish("resp/clip", Response(id="c1", state="failed", text="true"))
        final = clip.wait(10)
        assert final is not None
        assert final.text == "true"


def test_a_command_names_the_boot_of_a_node_that_is_known_to_the_broker(broker: Mosquitto, tmp_path: Path) -> None:
    key, _ = make_keys(tmp_path / "keys")
    with Someone(broker.port, "pole-1") as node:
        node.online()
        with Client(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre:
            assert centre.wait_connected(10)
            view = centre.wait_node("pole-1", 10)
            assert view is not None
            assert view.online
            centre.request_clip("pole-1", "cam0", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", operator="o", case="c")
            assert node.command().boot == "this-boot"
            assert centre.wait_node("pole-9", 0.05) is None


def test_a_wait_ends_when_nobody_took_the_request(broker: Mosquitto, tmp_path: Path) -> None:
    key, _ = make_keys(tmp_path / "keys")
    with Client(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre:
        assert centre.wait_connected(10)
        clip = centre.request_clip("pole-9", "cam0", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", operator="o", case="c")
        waiting = threading.Thread(target=clip.wait, args=[60])
        waiting.start()
        waiting.join(15)
        assert not waiting.is_alive()
        assert clip.undelivered
        assert clip.delivery == 0x10


def test_why_the_broker_cannot_be_reached_is_known(tmp_path: Path) -> None:
    with Client(mqtt_of(1), tmp_path / "centre", store=False) as centre:
        assert not centre.wait_connected(1)
        assert "no connection" in centre.trouble


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_centre_whose_thread_broke_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    heard = threading.Event()

    def fault(_: bool) -> None:
        heard.set()
        raise LookupError("a callback with a bug")

    with Client(mqtt_of(broker.port), tmp_path / "centre", store=False, on_link=fault) as centre:
        assert heard.wait(10)
        ends_s = monotonic_s() + 10
        while not centre.broken:
            assert monotonic_s() < ends_s
    assert not centre.broken, "an orderly end is none"
