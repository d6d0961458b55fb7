"""Every fault of the link, by name. A town's own figures are the default everywhere: back-off to 300 s, keep-alive 30 s."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.support.faults import broker_faults as brokers
from tests.support.faults import link_faults as links
from tests.support.faults.play import Fault
from tests.support.faults.stage import Stage
from tests.support.faults.street import Street
from tests.support.proxy import Proxy

NOTICED_S, BACK_S = 20.0, 5.0


def on_loopback(name: str, play: Callable[[Stage], None], **more: Any) -> Fault:
    return Fault(name, brokers.loopback, play, **more)


def behind_a_proxy(name: str, play: Callable[[Stage, Proxy], None], **more: Any) -> Fault:
    made = links.Behind(play)
    return Fault(name, made.build, made.play, **more)


def in_the_street(name: str, play: Callable[[Stage, Street], None], *, by_name: bool = False, **more: Any) -> Fault:
    made = links.InTheStreet(play, by_name)
    return Fault(name, made.build, made.play, root=True, **more)


def params(faults: list[Fault]) -> list[Any]:
    """For pytest, by name."""
    return [pytest.param(fault, id=fault.name, marks=[pytest.mark.root] if fault.root else []) for fault in faults]


def full() -> list[Fault]:
    quick = 0.02
    return [
        on_loopback("node killed 7 times, broker 3 times", partial(brokers.kill_everybody, nodes=7, brokers=3, pause_s=2.0), every_s=0.01),
        on_loopback("broker killed", partial(brokers.kill_broker, away_s=2.0), every_s=quick, noticed_s=NOTICED_S, back_s=BACK_S),
        on_loopback("broker frozen", partial(brokers.freeze, lasts_s=30), every_s=quick, noticed_s=NOTICED_S, back_s=BACK_S),
        on_loopback("broker started without what it kept", partial(brokers.kill_broker, forget=True, away_s=2.0), every_s=quick),
        on_loopback("the same, centre away", partial(brokers.kill_broker_without_centre, away_s=3.0), every_s=quick),
        on_loopback("centre killed", partial(brokers.kill_centre, away_s=3.0), every_s=quick),
        Fault("broker's disk full", links.on_a_small_disk, partial(links.fill_brokers_disk, lasts_s=5), every_s=quick, root=True),
        on_loopback("certificate revoked, then renewed", brokers.revoke),
        on_loopback("certificate expired, then renewed", partial(brokers.expire, lasts_s=10)),
        Fault("password changed", brokers.with_passwords, brokers.change_password),
        on_loopback("right to write events withdrawn", brokers.withdraw_write),
        on_loopback("right to read watermarks withdrawn", partial(brokers.withdraw_read, lasts_s=20)),
        in_the_street("uplink cut (veth down)", partial(links.cut, lasts_s=30), every_s=quick, noticed_s=NOTICED_S),
        in_the_street("black hole", partial(links.swallow, lasts_s=30), every_s=quick, noticed_s=NOTICED_S, back_s=BACK_S),
        in_the_street("half-open: answers lost", partial(links.swallow, lasts_s=30, up=True), noticed_s=NOTICED_S, back_s=BACK_S),
        in_the_street("half-open: own words lost", partial(links.swallow, lasts_s=30, down=True), noticed_s=NOTICED_S, back_s=BACK_S),
        in_the_street("300 ms and 5 % loss, each way", partial(links.degrade, lasts_s=60, delay_s=0.3, loss=0.05), every_s=0.2),
        in_the_street("broker's name unknown for a while", partial(links.forget_name, lasts_s=10), by_name=True),
        behind_a_proxy("reset every 5 s, 8 times", partial(links.reset_often, times=8, every_s=5.0), every_s=quick),
        on_loopback("backlog of 100,000 records", partial(brokers.drain, records=100_000), arrive_s=300.0),
    ]


def small() -> list[Fault]:
    """One of each kind, as short as it can be."""
    return [
        on_loopback("node killed twice, broker once", partial(brokers.kill_everybody, nodes=2, brokers=1, pause_s=0.5), every_s=0.01),
        on_loopback("broker without what it kept, centre away", partial(brokers.kill_broker_without_centre, away_s=0.5)),
        on_loopback("right to write events withdrawn", brokers.withdraw_write),
        Fault("password changed", brokers.with_passwords, brokers.change_password),
        in_the_street("black hole", partial(links.swallow, lasts_s=17), noticed_s=NOTICED_S, back_s=BACK_S),
    ]
