"""The brokers' access lists as they are shipped: a real Mosquitto with the example's own files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config.model import Mqtt
from edge.link.access import node_reads, node_writes
from edge.link.port import Acknowledged, Connected, Incoming, Outgoing, Unreachable
from edge.link.settings import LinkSettings, settings_of
from edge.link.supervisor import MqttLink
from edge.link.topics import TOPICS
from tests.support.certificates import Authority
from tests.support.links import wait_for
from tests.support.mosquitto import Mosquitto

BROKERS = Path(__file__).parents[3] / "docs" / "brokers"
REFUSED = 0x87


class Example:
    """docs/brokers/mosquitto.conf and mosquitto.acl, with this test's port and paths."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "town")
        certificate, key = self.authority.issue("broker", "127.0.0.1")
        places = {
            "listener 8883": "listener {port} 127.0.0.1",
            "/etc/mosquitto/town-ca.pem": str(self.authority.ca),
            "/etc/mosquitto/broker.pem": str(certificate),
            "/etc/mosquitto/broker.key": str(key),
            "/etc/mosquitto/town-crl.pem": str(self.authority.revoke()),
            "/etc/mosquitto/town.acl": str(BROKERS / "mosquitto.acl"),
        }
        text = (BROKERS / "mosquitto.conf").read_text("utf-8").split("# What nodes have sent")[0]
        for there, here in places.items():
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        self.broker = Mosquitto(folder / "broker", listener=text)

    def settings(self, name: str) -> LinkSettings:
        certificate, key = self.authority.folder / f"{name}.pem", self.authority.folder / f"{name}.key"
        if not certificate.exists():
            self.authority.issue(name)
        mqtt = Mqtt(
            host="127.0.0.1",
            port=self.broker.port,
            ca=str(self.authority.ca),
            certificate=str(certificate),
            key=str(key),
            backoff_max_s=0.2,
        )
        return settings_of(mqtt, name)


class Person:
    """A connected client of that name."""

    def __init__(self, example: Example, name: str, *subscriptions: str) -> None:
        self.link = MqttLink(example.settings(name), subscriptions or (f"town/v1/{name}/ack",), lambda: None)
        self.link.start()
        self.connection = wait_for(self.link, Connected).connection
        self._token = 0

    def write(self, topic: str) -> int:
        """The broker's reason code."""
        self._token += 1
        token = self._token
        self.link.send(Outgoing(self.connection, token, topic, b"{}", expiry_s=60))
        return wait_for(self.link, Acknowledged, lambda each: each.token == token).code


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    made = Example(tmp_path_factory.mktemp("access"))
    with made.broker:
        yield made


@pytest.fixture
def people(example: Example) -> Iterator[tuple[Person, Person, Person]]:
    """Two nodes and the centre. Each node listens to everything it can name, the other's topics too."""
    all_of_both = [each for name in ("pole-1", "pole-2") for each in (*node_reads("town", name), *node_writes("town", name))]
    found = (Person(example, "pole-1", *all_of_both), Person(example, "pole-2"), Person(example, "centre", "town/v1/#"))
    yield found
    for person in found:
        person.link.stop()


def named(filter_: str) -> str:
    return filter_.replace("+", "x")


def test_a_node_writes_what_it_tells_and_nothing_of_another(people: tuple[Person, Person, Person]) -> None:
    node, _, _ = people
    for each in node_writes("town", "pole-1"):
        assert node.write(named(each)) in (0x00, 0x10), each
    for each in (*node_writes("town", "pole-2"), *node_reads("town", "pole-2"), "town/v1/pole-1", "else/v1/pole-1/event"):
        assert node.write(named(each)) == REFUSED, each
    for each in set(node_reads("town", "pole-1")) - set(node_writes("town", "pole-1")):
        assert node.write(named(each)) == REFUSED, f"a stolen node could write {each}"


def test_a_node_hears_its_own_commands_and_not_anothers(people: tuple[Person, Person, Person]) -> None:
    node, other, centre = people
    other.write("town/v1/pole-2/event")
    for name in ("pole-2", "pole-1"):
        for each in ("cmd/x", "ack"):
            assert centre.write(f"town/v1/{name}/{each}") != REFUSED
    assert centre.write("town/v1/all/cmd/x") != REFUSED
    heard = [wait_for(node.link, Incoming, lambda each: not each.topic.endswith("/status")).topic for _ in range(3)]
    assert heard == ["town/v1/pole-1/cmd/x", "town/v1/pole-1/ack", "town/v1/all/cmd/x"]
    assert node.write("town/v1/all/cmd/x") == REFUSED


def test_the_centre_hears_all_and_writes_only_what_is_for_nodes(people: tuple[Person, Person, Person]) -> None:
    node, _, centre = people
    node.write("town/v1/pole-1/event")
    assert wait_for(centre.link, Incoming, lambda each: each.topic == "town/v1/pole-1/event").payload == b"{}"
    assert centre.write("town/v1/pole-1/event") == REFUSED


def test_both_lists_name_each_topic_of_the_table_and_give_nobody_a_wildcard_over_a_node() -> None:
    for name in ("mosquitto.acl", "emqx-acl.conf"):
        text = (BROKERS / name).read_text("utf-8")
        for topic in TOPICS:
            assert re.search(rf"{re.escape(topic.name.split('{')[0].rstrip('/'))}\b", text), (name, topic.name)
        allowed = [line for line in text.splitlines() if "#" in line.removeprefix("#") and not line.startswith(("#", "%"))]
        assert [line for line in allowed if "town/v1/#" not in line] == []


def test_a_revoked_certificate_is_refused_and_a_renewed_one_taken_without_a_restart(tmp_path: Path) -> None:
    example = Example(tmp_path)
    with example.broker:
        settings = example.settings("pole-1")
        person = Person(example, "pole-1")
        person.link.stop()
        example.authority.revoke("pole-1")
        example.broker.stop()
        example.broker.start()
        link = MqttLink(settings, ("town/v1/pole-1/ack",), lambda: None)
        link.start()
        try:
            # Where the broker closes before our first packet is out, that is all we see; the next attempt tells.
            assert wait_for(link, Unreachable, lambda each: "certificate revoked" in each.text).cause == "refused"
            (example.authority.folder / "pole-1.key").write_text("half a file")
            wait_for(link, Unreachable)
            example.authority.issue("pole-1")
            wait_for(link, Connected)
        finally:
            link.stop()
