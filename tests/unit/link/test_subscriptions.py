"""Subscriptions that a broker refuses: Mosquitto with its dynamic security plugin, since its access lists refuse none."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.link.password import PasswordFile
from edge.link.port import Connected, Incoming, Outgoing
from edge.link.settings import LinkSettings
from edge.link.supervisor import MqttLink
from tests.support.links import wait_for
from tests.support.mosquitto import Mosquitto

ACK, COMMANDS = "town/v1/n/ack", "town/v1/n/cmd/+"
REFUSED = 0x87


class Guarded:
    """A broker on which client "n" may read `ack`."""

    def __init__(self, folder: Path) -> None:
        plugin = next(Path("/usr/lib").glob("**/mosquitto_dynamic_security.so"), None)
        if plugin is None:
            pytest.skip("this Mosquitto comes without its dynamic security plugin")
        rules = folder / "rules.json"
        subprocess.run(["mosquitto_ctrl", "dynsec", "init", str(rules), "admin", "admin"], check=True, capture_output=True)
        self.broker = Mosquitto(folder / "broker", f"plugin {plugin}\nplugin_opt_config_file {rules}\n")
        self.password = folder / "password"
        self.password.touch(0o600)
        self.password.write_text("the node's\n")

    def set_up(self) -> None:
        self.tell("createClient", "n", "-p", "the node's")
        self.tell("createRole", "node")
        self.tell("addClientRole", "n", "node")
        self.tell("addRoleACL", "node", "publishClientSend", "town/v1/n/#", "allow")
        self.tell("addRoleACL", "node", "publishClientReceive", "town/v1/n/#", "allow")
        self.let(ACK)

    def let(self, topic: str) -> None:
        self.tell("addRoleACL", "node", "subscribePattern", topic, "allow")

    def tell(self, *words: str) -> None:
        at = ["-h", "127.0.0.1", "-p", str(self.broker.port), "-u", "admin", "-P", "admin"]
        subprocess.run(["mosquitto_ctrl", *at, "dynsec", *words], check=True, capture_output=True)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path)
    with made.broker:
        made.set_up()
        yield made


def test_a_refused_subscription_is_named_and_in_force_once_it_is_granted(guarded: Guarded) -> None:
    """This plugin ends the connections of those whose rights have changed."""
    settings = LinkSettings("127.0.0.1", guarded.broker.port, "n", user="n", password=PasswordFile(guarded.password, "password_file"))
    link = MqttLink(dataclasses.replace(settings, backoff_max_s=0.2), (ACK, COMMANDS), lambda: None)
    link.start()
    try:
        assert wait_for(link, Connected).refused == ((COMMANDS, REFUSED),)
        guarded.let(COMMANDS)
        connected = wait_for(link, Connected)
        assert connected.refused == ()
        link.send(Outgoing(connected.connection, 1, "town/v1/n/cmd/clip", b"x"))
        assert wait_for(link, Incoming).topic == "town/v1/n/cmd/clip"
    finally:
        link.stop()
