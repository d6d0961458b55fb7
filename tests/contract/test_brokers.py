"""The rules of edge/link/port.py, for the broker in memory and for Mosquitto through paho."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from edge.link.memory import MemoryBroker, MemoryLink
from edge.link.port import Acknowledged, Connected, Disconnected, Incoming, Link, Outgoing, Unreachable, Will
from edge.link.settings import LinkSettings
from edge.link.supervisor import MqttLink
from tests.support.links import wait_for
from tests.support.mosquitto import Mosquitto
from tests.support.relay import Relay


class Bench(Protocol):
    """One kind of broker with links to it."""

    def link(self, client: str, *subscriptions: str, will: Will | None = None) -> Link: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def reconnect(self, link: Link) -> None: ...
    def drop(self, link: Link) -> None: ...


class MemoryBench:
    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def link(self, client: str, *subscriptions: str, will: Will | None = None) -> Link:
        link = MemoryLink(self.broker, client, subscriptions, lambda: will)
        link.start()
        return link

    def kill(self) -> None:
        self.broker.kill()

    def restart(self) -> None:
        self.broker.restart()

    def reconnect(self, link: Link) -> None:
        link.start()

    def drop(self, link: Link) -> None:
        assert isinstance(link, MemoryLink)
        link.lost(by_peer=True)

    def close(self) -> None:
        self.broker.kill()


class MosquittoBench:
    """Each link reaches Mosquitto through a relay of its own, so that it can be cut off."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder).start()
        self.links: dict[Link, Relay] = {}

    def link(self, client: str, *subscriptions: str, will: Will | None = None) -> Link:
        relay = Relay(self.broker.port)
        link = MqttLink(LinkSettings("127.0.0.1", relay.port, client, backoff_max_s=0.1), subscriptions, lambda: will)
        self.links[link] = relay
        link.start()
        return link

    def kill(self) -> None:
        self.broker.kill()

    def restart(self) -> None:
        self.broker.start()

    def reconnect(self, link: Link) -> None:
        """It does so by itself."""

    def drop(self, link: Link) -> None:
        self.links[link].cut()

    def close(self) -> None:
        for link, relay in self.links.items():
            link.stop()
            relay.close()
        self.broker.kill()


@pytest.fixture(params=["memory", "mosquitto"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made: MemoryBench | MosquittoBench = MemoryBench() if request.param == "memory" else MosquittoBench(tmp_path)
    yield made
    made.close()


def hello(link: Link) -> int:
    return wait_for(link, Connected).connection


def test_a_message_arrives_as_it_was_sent(bench: Bench) -> None:
    reader = bench.link("reader", "town/v1/+/event")
    hello(reader)
    writer = bench.link("writer")
    sent = Outgoing(hello(writer), 7, "town/v1/n/event", b"\x00\xffdata", expiry_s=60, correlation=b"c")
    writer.send(sent)
    assert wait_for(writer, Acknowledged).code == 0
    got = wait_for(reader, Incoming)
    assert (got.topic, got.payload, got.qos, got.retain, got.correlation) == (sent.topic, sent.payload, 1, False, b"c")
    assert got.expiry_s is not None
    assert 0 < got.expiry_s <= 60


def test_a_message_nobody_subscribes_to_is_acknowledged_as_such(bench: Bench) -> None:
    writer = bench.link("writer")
    writer.send(Outgoing(hello(writer), 1, "town/v1/n/event", b"x"))
    assert wait_for(writer, Acknowledged).code == 0x10


def test_acknowledgements_carry_the_senders_tokens_in_order(bench: Bench) -> None:
    writer = bench.link("writer")
    connection = hello(writer)
    for token in range(100, 120):
        writer.send(Outgoing(connection, token, "town/v1/n/event", b"x"))
    assert [wait_for(writer, Acknowledged).token for _ in range(20)] == list(range(100, 120))


def test_a_retained_message_waits_for_later_subscribers(bench: Bench) -> None:
    writer = bench.link("writer")
    writer.send(Outgoing(hello(writer), 1, "town/v1/n/status", b"on", retain=True))
    wait_for(writer, Acknowledged)
    reader = bench.link("reader", "town/v1/+/status")
    hello(reader)
    got = wait_for(reader, Incoming)
    assert (got.payload, got.retain) == (b"on", True)


def test_a_message_that_was_not_done_comes_again_after_a_reconnect(bench: Bench) -> None:
    reader = bench.link("reader", "town/v1/n/cmd/+")
    hello(reader)
    writer = bench.link("writer")
    connection = hello(writer)
    for name in ("first", "second"):
        writer.send(Outgoing(connection, 1, f"town/v1/n/cmd/{name}", name.encode()))
    first = wait_for(reader, Incoming)
    reader.done(first)
    assert wait_for(reader, Incoming).payload == b"second"
    reader.send(Outgoing(first.connection, 9, "town/v1/n/event", b"behind it"))
    assert wait_for(reader, Acknowledged).token == 9
    bench.drop(reader)
    wait_for(reader, Disconnected)
    bench.reconnect(reader)
    assert wait_for(reader, Connected).session_present
    assert wait_for(reader, Incoming).payload == b"second"


def test_messages_for_an_earlier_connection_are_dropped(bench: Bench) -> None:
    reader = bench.link("reader", "town/#")
    hello(reader)
    writer = bench.link("writer")
    old = hello(writer)
    bench.drop(writer)
    wait_for(writer, Disconnected)
    bench.reconnect(writer)
    new = hello(writer)
    assert new != old
    stale = Outgoing(old, 1, "town/v1/n/event", b"stale")
    writer.send(stale)
    writer.send(replace(stale, connection=new, token=2, payload=b"fresh"))
    assert wait_for(writer, Acknowledged).token == 2
    assert wait_for(reader, Incoming).payload == b"fresh"


def test_a_lost_connection_publishes_the_will_and_an_orderly_end_does_not(bench: Bench) -> None:
    reader = bench.link("reader", "town/v1/+/status")
    hello(reader)
    orderly = bench.link("orderly", will=Will("town/v1/orderly/status", b"will of the orderly", delay_s=0))
    hello(orderly)
    orderly.stop()
    lost = bench.link("lost", will=Will("town/v1/lost/status", b"will of the lost", delay_s=0))
    hello(lost)
    bench.drop(lost)
    assert wait_for(reader, Incoming).payload == b"will of the lost"


def test_the_link_comes_back_after_the_broker_was_killed(bench: Bench) -> None:
    link = bench.link("node", "town/v1/n/ack")
    first = hello(link)
    bench.kill()
    assert wait_for(link, Disconnected).connection == first
    bench.reconnect(link)
    wait_for(link, Unreachable)
    bench.restart()
    bench.reconnect(link)
    again = hello(link)
    link.send(Outgoing(again, 1, "town/v1/n/ack", b"x"))
    assert wait_for(link, Incoming).payload == b"x"
