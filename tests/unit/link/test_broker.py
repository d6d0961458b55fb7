"""The connection itself: hostile and half-dead brokers, TLS, and what a link gives up on."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.config.model import Mqtt
from edge.link.port import Acknowledged, Connected, Disconnected, Incoming, Outgoing, Subscribed, Unreachable
from edge.link.settings import LinkSettings, settings_of
from edge.link.supervisor import MqttLink
from tests.support.certificates import Authority
from tests.support.links import wait_for
from tests.support.mosquitto import Mosquitto
from tests.support.relay import Relay

CONNACK = bytes.fromhex("2003000000")
SUBACK = bytes.fromhex("9004000100") + b"\x01"


class OddBroker:
    """Takes connections on loopback; `speak` says what each hears, then the connection is closed or left open."""

    def __init__(self, *speeches: Callable[[socket.socket], None]) -> None:
        self._speeches = list(speeches)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for speech in self._speeches:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            self._kept.append(connection)
            with contextlib.suppress(OSError):
                connection.recv(4096)
                speech(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for connection in self._kept:
            connection.close()


def says(*chunks: bytes, close: bool = True) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        for chunk in chunks:
            connection.sendall(chunk)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return speak


def good(connection: socket.socket) -> None:
    connection.sendall(CONNACK)
    connection.recv(4096)
    connection.sendall(SUBACK)


def settings(port: int, **changes: object) -> LinkSettings:
    return dataclasses.replace(LinkSettings("127.0.0.1", port, "node", backoff_max_s=0.05), **changes)  # type: ignore[arg-type]


@contextlib.contextmanager
def linked(made: LinkSettings, *subscriptions: str) -> Iterator[MqttLink]:
    link = MqttLink(made, subscriptions or ("town/v1/n/ack",), lambda: None)
    link.start()
    try:
        yield link
    finally:
        link.stop()


@pytest.mark.parametrize(
    "bytes_",
    [
        b"",
        b"\x00" * 50,
        b"\xff" * 50,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        bytes.fromhex("2002"),
        bytes.fromhex("20ffffffff01"),
        bytes.fromhex("20030000ff"),
        bytes.fromhex("2006000003220009"),
        CONNACK + bytes.fromhex("3005ffff610000"),
        CONNACK + bytes.fromhex("40020001") * 3,
        CONNACK + bytes.fromhex("3207000180000100ff"),
        CONNACK + SUBACK[:3],
        CONNACK + bytes.fromhex("e0"),
        bytes.fromhex("d000") * 100,
    ],
)
def test_whatever_a_broker_says_the_link_outlives_it_and_connects_to_a_sane_one(bytes_: bytes) -> None:
    broker = OddBroker(says(bytes_), says(bytes_), good)
    try:
        with linked(settings(broker.port, connect_timeout_s=3.0)) as link:
            wait_for(link, Connected, deadline_s=15)
    finally:
        broker.close()


def test_a_broker_that_never_completes_the_connection_is_left() -> None:
    broker = OddBroker(says(close=False), says(CONNACK, close=False), good)
    try:
        with linked(settings(broker.port, connect_timeout_s=0.3)) as link:
            assert "in time" in wait_for(link, Unreachable).text
            assert "in time" in wait_for(link, Unreachable).text
            wait_for(link, Connected)
    finally:
        broker.close()


def test_a_broker_that_acknowledges_nothing_is_left_even_though_it_keeps_the_connection() -> None:
    broker = OddBroker(good, good)
    try:
        with linked(settings(broker.port, ack_timeout_s=0.5, keepalive_s=1)) as link:
            connection = wait_for(link, Connected).connection
            link.send(Outgoing(connection, 1, "town/v1/n/event", b"x"))
            lost = wait_for(link, Disconnected)
            assert (lost.connection, lost.by_peer) == (connection, False)
            wait_for(link, Connected)
    finally:
        broker.close()


def test_a_refused_connection_says_with_which_code() -> None:
    broker = OddBroker(says(bytes.fromhex("2003008700")), good)
    try:
        with linked(settings(broker.port)) as link:
            failed = wait_for(link, Unreachable)
            assert (failed.code, failed.cause) == (0x87, "refused")
            wait_for(link, Connected)
    finally:
        broker.close()


def test_a_broker_that_is_busy_or_away_refuses_nobody() -> None:
    broker = OddBroker(says(bytes.fromhex("2003008800")), says(b""), good)
    try:
        with linked(settings(broker.port)) as link:
            assert [wait_for(link, Unreachable).cause for _ in range(2)] == ["", ""]
            wait_for(link, Connected)
    finally:
        broker.close()


def test_a_refused_subscription_is_asked_for_again_while_the_connection_stands() -> None:
    def refuses_twice(connection: socket.socket) -> None:
        connection.sendall(CONNACK)
        for code in (0x87, 0x87, 0x01):
            packet = connection.recv(4096)
            assert packet[0] == 0x82, "SUBSCRIBE"
            connection.sendall(b"\x90\x04" + packet[2:4] + bytes((0, code)))

    broker = OddBroker(refuses_twice)
    try:
        with linked(settings(broker.port, ask_again_s=0.1, keepalive_s=1)) as link:
            assert wait_for(link, Connected).refused == (("town/v1/n/ack", 0x87),)
            assert wait_for(link, Subscribed).refused == ()
    finally:
        broker.close()


def test_nobody_listening_is_unreachable_and_stop_does_not_wait_for_the_next_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    with linked(settings(port, backoff_max_s=300.0)) as link:
        wait_for(link, Unreachable)


def test_a_black_hole_is_noticed_by_silence_and_the_link_comes_back_after_it(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        relay = Relay(broker.port)
        try:
            with linked(settings(relay.port, ack_timeout_s=1.0, connect_timeout_s=1.0)) as link:
                connection = wait_for(link, Connected).connection
                relay.swallow()
                link.send(Outgoing(connection, 1, "town/v1/n/event", b"x"))
                wait_for(link, Disconnected)
                wait_for(link, Unreachable)
                relay.pass_on()
                wait_for(link, Connected)
        finally:
            relay.close()


def test_a_subscription_the_broker_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read town/v1/n/ack\ntopic write town/v1/n/event\n")
    with Mosquitto(tmp_path / "broker", f"acl_file {tmp_path / 'acl'}") as broker, linked(settings(broker.port)) as link:
        connection = wait_for(link, Connected).connection
        for token, topic in enumerate(("town/v1/n/event", "town/v1/n/cmd/clip")):
            link.send(Outgoing(connection, token, topic, b"x"))
        codes = {each.token: each.code for each in (wait_for(link, Acknowledged), wait_for(link, Acknowledged))}
        assert codes == {0: 0x10, 1: 0x87}


class TlsStage:
    """A Mosquitto that asks for client certificates, for the address 127.0.0.1 only."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "town")
        certificate, key = self.authority.issue("broker", "127.0.0.1")
        listener = (
            "listener {port} 127.0.0.1\n"
            f"cafile {self.authority.ca}\ncertfile {certificate}\nkeyfile {key}\n"
            "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
        )
        self.broker = Mosquitto(folder / "broker", listener=listener)

    def settings(self, *, host: str = "127.0.0.1", ca: Path | None = None, client: tuple[Path, Path] | None = None) -> LinkSettings:
        certificate, key = client or self.authority.issue("pole-1")
        mqtt = Mqtt(
            host=host, port=self.broker.port, ca=str(ca or self.authority.ca), certificate=str(certificate), key=str(key), backoff_max_s=0.2
        )
        return settings_of(mqtt, "pole-1")


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[TlsStage]:
    stage = TlsStage(tmp_path)
    with stage.broker:
        yield stage


def test_mutual_tls_connects_and_carries_messages(tls: TlsStage) -> None:
    with linked(tls.settings(), "town/#") as link:
        connection = wait_for(link, Connected).connection
        big = b"x" * 100_000
        for token in range(30):
            link.send(Outgoing(connection, token, "town/v1/n/event", big))
        assert {wait_for(link, Incoming).payload for _ in range(30)} == {big}


def test_a_broker_with_another_name_is_refused(tls: TlsStage) -> None:
    with linked(tls.settings(host="localhost")) as link:
        assert "certificate" in wait_for(link, Unreachable).text.lower()
        with pytest.raises(AssertionError):
            wait_for(link, Connected, deadline_s=0.5)


def test_a_broker_of_another_authority_is_refused(tls: TlsStage, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "another authority")
    with linked(tls.settings(ca=other.ca)) as link:
        failed = wait_for(link, Unreachable)
        assert (failed.cause, "the broker's certificate is not accepted" in failed.text) == ("untrusted", True)


def test_a_node_without_the_towns_certificate_is_refused_by_the_broker(tls: TlsStage, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "another authority")
    with linked(tls.settings(client=other.issue("pole-1"))) as link:
        wait_for(link, Unreachable)
        with pytest.raises(AssertionError):
            wait_for(link, Connected, deadline_s=0.5)
