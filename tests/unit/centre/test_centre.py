"""A Centre against a real broker: who may answer, what is known before a command is signed, and how a wait ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import jwt
import msgspec
import pytest

from edge.centre.client import Centre
from edge.centre.keys import make_keys
from edge.clock import monotonic_s
from edge.link.port import Acknowledged, Connected, Incoming, Outgoing
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from edge.messages.wire import CommandClaims, Response, Status
from tests.support.agents import mqtt_of
from tests.support.mosquitto import Mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


class Client:
    """Publishes as a node of that name would, and hears the commands for it."""

    def __init__(self, port: int, node: str) -> None:
        self.node = node
        self.link = MqttLink(settings_of(mqtt_of(port), node), (f"town/v1/{node}/cmd/+",), lambda: None)
        self._connection = 0

    def __enter__(self) -> Client:
        self.link.start()
        event = self.link.events.get(timeout=10)
        assert isinstance(event, Connected)
        self._connection = event.connection
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def publish(self, topic: str, message: msgspec.Struct, *, retain: bool = False) -> None:
        self.link.send(Outgoing(self._connection, 1, f"town/v1/{self.node}/{topic}", msgspec.json.encode(message), retain=retain))

    def command(self) -> CommandClaims:
        while True:
            event = self.link.events.get(timeout=10)
            if isinstance(event, Incoming):
                return msgspec.convert(jwt.decode(event.payload, options={"verify_signature": False}, audience=self.node), CommandClaims)

    def until_acknowledged(self) -> None:
        while not isinstance(self.link.events.get(timeout=10), Acknowledged):
            pass


def test_only_the_node_that_was_asked_may_answer(broker: Mosquitto, tmp_path: Path) -> None:
    key, _ = make_keys(tmp_path / "keys")
    with (
        Client(broker.port, "pole-1") as asked,
        Client(broker.port, "pole-2") as other,
        Centre(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre,
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
    with Client(broker.port, "pole-1") as node:
        node.publish("status", Status(state="online", why="boot", boot="this-boot", session=1, t="2026-01-01T00:00:00.000Z"), retain=True)
        node.until_acknowledged()
        with Centre(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre:
            assert centre.wait_connected(10)
            view = centre.wait_node("pole-1", 10)
            assert view is not None
            assert view.online
            centre.request_clip("pole-1", "cam0", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", operator="o", case="c")
            assert node.command().boot == "this-boot"
            assert centre.wait_node("pole-9", 0.05) is None


def test_a_wait_ends_when_nobody_took_the_request(broker: Mosquitto, tmp_path: Path) -> None:
    key, _ = make_keys(tmp_path / "keys")
    with Centre(mqtt_of(broker.port), tmp_path / "centre", store=False, command_key=key) as centre:
        assert centre.wait_connected(10)
        clip = centre.request_clip("pole-9", "cam0", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", operator="o", case="c")
        waiting = threading.Thread(target=clip.wait, args=[60])
        waiting.start()
        waiting.join(15)
        assert not waiting.is_alive()
        assert clip.undelivered
        assert clip.delivery == 0x10


def test_why_the_broker_cannot_be_reached_is_known(tmp_path: Path) -> None:
    with Centre(mqtt_of(1), tmp_path / "centre", store=False) as centre:
        assert not centre.wait_connected(1)
        assert "no connection" in centre.trouble


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_centre_whose_thread_broke_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    heard = threading.Event()

    def fault(_: bool) -> None:
        heard.set()
        raise LookupError("a callback with a bug")

    with Centre(mqtt_of(broker.port), tmp_path / "centre", store=False, on_link=fault) as centre:
        assert heard.wait(10)
        ends_s = monotonic_s() + 10
        while not centre.broken:
            assert monotonic_s() < ends_s
    assert not centre.broken, "an orderly end is none"
