"""Somebody who can publish on the broker: payloads of any size, the same command from several senders, old ones after a kill."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.centre.keys import read_private_key, sign_command
from edge.clock import NS_PER_S
from edge.messages.records import Command, HoldAdded, facts_of
from edge.messages.wire import CommandClaims
from tests.support.agents import CAMERA, NODE, Town
from tests.support.link_peers import plain_client
from tests.support.stage import CLOCK, Stage, raised

HUGE = 10 << 20
MEMORY_BYTES = 4 << 20
"""More than before: what the agent may keep of payloads that are none of its business."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


@contextmanager
def attacker(stage: Stage, name: str) -> Iterator[Client]:
    client = plain_client(stage.broker.port, name)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def send(client: Client, payload: bytes, verb: str = "hold") -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = 60
    client.publish(f"town/v1/{NODE}/cmd/{verb}", payload, qos=1, properties=properties).wait_for_publish(60)


def hold(stage: Stage, id: str) -> bytes:
    now_s = CLOCK.read().utc_ns // NS_PER_S
    args: dict[str, object] = {"camera": CAMERA, "start": stage.utc(3), "end": stage.utc(9)}
    claims = CommandClaims(id=id, verb="hold", aud=NODE, iat=now_s, exp=now_s + 300, operator="a.nowak", case="12/26", args=args)
    return sign_command(read_private_key(stage.private_key), claims)


def holds(town: Town) -> list[str]:
    return [facts_of(event.record, HoldAdded).id for event in town.events if event.record.type == "hold"]


def commands(town: Town) -> list[Command]:
    return [facts_of(event.record, Command) for event in town.events if event.record.type == "command"]


def test_ten_megabytes_cost_the_agent_nothing(stage: Stage) -> None:
    """It tells the broker the largest packet it takes; what is smaller than that and larger than any command is refused unread."""
    with stage.town() as town, stage.agent() as agent, attacker(stage, "attacker") as client:
        session = town.until_online().status
        before = agent.resident_bytes()
        for _ in range(3):
            send(client, b"A" * HUGE)
        send(client, b"A" * 100_000)
        send(client, hold(stage, "after"))
        town.until(lambda: holds(town) == ["after"], "the good command behind them is obeyed")
        town.until(lambda: len(commands(town)) == 2, "both are on record")
        assert [each.code for each in commands(town)] == ["too_large", ""]
        assert agent.resident_bytes() - before < MEMORY_BYTES
        assert town.until_online().status == session
        assert agent.stop() == 0


def test_one_command_from_five_senders_and_again_after_a_kill_is_obeyed_once(stage: Stage) -> None:
    token = hold(stage, "once")
    with stage.town() as town, stage.agent() as agent:
        view = town.until_online()
        senders = [threading.Thread(target=_send_as, args=(stage, f"sender-{number}", token)) for number in range(5)]
        for each in senders:
            each.start()
        for each in senders:
            each.join(60)
        town.until(lambda: holds(town) == ["once"], "it is obeyed")
        agent.kill()
        agent.start()
        assert view.status is not None
        town.until_online(view.status.session)
        with attacker(stage, "late") as client:
            send(client, token)
            send(client, hold(stage, "next"))
            town.until(lambda: "next" in holds(town), "the next one is obeyed")
        assert holds(town) == ["once", "next"]
        town.until(lambda: len(commands(town)) == 2, "both are on record")
        assert [(each.id, each.state) for each in commands(town)] == [("once", "done"), ("next", "done")]
        assert agent.stop() == 0


def _send_as(stage: Stage, name: str, token: bytes) -> None:
    with attacker(stage, name) as client:
        send(client, token)
        send(client, token)
