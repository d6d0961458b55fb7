"""A town of nodes whose broker comes back: they do not arrive at once, and all of them arrive."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.config.model import Mqtt
from edge.link.port import Connected
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from tests.support.agents import NODE
from tests.support.faults.secured import SecuredBroker
from tests.support.links import wait_for

NODES = 80
AWAY_S = 30.0
ALL_BACK_S = 300.0


@pytest.mark.timeout(900)
def test_eighty_nodes_come_back_after_a_broker_was_away(tmp_path: Path) -> None:
    broker = SecuredBroker(tmp_path)
    folder = broker.authority.folder
    mqtt = Mqtt(
        host="127.0.0.1",
        port=broker.mosquitto.port,
        ca=str(broker.authority.ca),
        certificate=str(folder / f"{NODE}.pem"),
        key=str(folder / f"{NODE}.key"),
    )
    links = [MqttLink(settings_of(mqtt, f"pole-{number}"), (f"town/v1/{NODE}/ack",), lambda: None) for number in range(NODES)]
    with broker.mosquitto:
        began_s = time.monotonic()
        for link in links:
            link.start()
        for link in links:
            wait_for(link, Connected, deadline_s=60)
        first_s = time.monotonic() - began_s
        broker.mosquitto.kill()
        time.sleep(AWAY_S)
        broker.mosquitto.start()
        began_s, back_s, away = time.monotonic(), [], set(links)
        while away:
            assert time.monotonic() - began_s < ALL_BACK_S, f"{len(away)} of {NODES} are not back"
            for link in [each for each in away if any(isinstance(event, Connected) for event in _news(each))]:
                away.discard(link)
                back_s.append(time.monotonic() - began_s)
            time.sleep(0.01)
        for link in links:
            link.stop()
    half, late = back_s[NODES // 2], back_s[NODES * 95 // 100]
    print(f"{NODES} nodes at first: {first_s:.1f} s")
    print(f"after {AWAY_S:.0f} s without a broker: half {half:.1f} s, 95 % {late:.1f} s, all {back_s[-1]:.1f} s")
    busiest = max(sum(0 <= other - at < 1 for other in back_s) for at in back_s)
    print(f"most within one second: {busiest}")
    assert busiest < NODES / 2


def _news(link: MqttLink) -> list[object]:
    return [link.events.get_nowait() for _ in range(link.events.qsize())]
