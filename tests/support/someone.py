"""A client of the broker that behaves as a node of its name: for tests of the other end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import jwt
import msgspec

from edge.link.port import Acknowledged, Connected, Incoming, Outgoing
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from edge.messages.wire import CommandClaims, Motion, Response, Status
from tests.support.agents import mqtt_of


class Someone:
    """Publishes as a node of that name would, and hears the commands for it."""

    def __init__(self, port: int, node: str) -> None:
        self.node = node
        self.link = MqttLink(settings_of(mqtt_of(port), node), (f"town/v1/{node}/cmd/+",), lambda: None)
        self._connection = 0

    def __enter__(self) -> Someone:
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
                return _claims(event.payload, self.node)

    def until_acknowledged(self) -> None:
        while not isinstance(self.link.events.get(timeout=10), Acknowledged):
            pass

    def online(self) -> None:
        birth = Status(state="online", why="boot", boot="this-boot", session=1, t="2026-01-01T00:00:00.000Z")
        self.publish("status", birth, retain=True)
        self.until_acknowledged()

    def raw(self, topic: str, payload: bytes, qos: int) -> None:
        self.link.send(Outgoing(self._connection, 2, f"town/v1/{self.node}/{topic}", payload, qos))


class Obedient:
    """A node that answers one command after another, until it is closed. taken: what it was asked."""

    def __init__(self, port: int, node: str, answer: Callable[[Someone, CommandClaims], Sequence[Response]]) -> None:
        self.taken: list[CommandClaims] = []
        self._someone = Someone(port, node)
        self._answer = answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Obedient:
        self._someone.__enter__()
        self._someone.online()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._someone.link.events.put(Acknowledged(0, 0, 0))
        self._thread.join(10)
        self._someone.__exit__()

    def motion(self, camera: str, since: str, *, active: bool) -> None:
        self._someone.publish(f"motion/{camera}", Motion(active=active, id="m1", since=since, score=0.5), retain=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            event = self._someone.link.events.get()
            if isinstance(event, Incoming):
                claims = _claims(event.payload, self._someone.node)
                self.taken.append(claims)
                for response in self._answer(self._someone, claims):
                    self._someone.publish(f"resp/{claims.verb}", response)


def _claims(token: bytes, node: str) -> CommandClaims:
    return msgspec.convert(jwt.decode(token, options={"verify_signature": False}, audience=node), CommandClaims)
