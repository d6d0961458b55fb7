"""What happens to a broker, to its clients' credentials and to the processes around it, on loopback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.messages.records import AlarmRaised, Stop
from tests.support.agents import NODE, writer_of
from tests.support.faults import oracle
from tests.support.faults.ear_process import boot_ms
from tests.support.faults.secured import SecuredBroker
from tests.support.faults.stage import Stage


@contextmanager
def loopback(folder: Path, every_s: float) -> Iterator[Stage]:
    with Stage(folder, SecuredBroker(folder), every_s=every_s) as stage:
        yield stage


@contextmanager
def with_passwords(folder: Path, every_s: float) -> Iterator[Stage]:
    with Stage(folder, SecuredBroker(folder, passwords=True), every_s=every_s) as stage:
        yield stage


def freeze(stage: Stage, lasts_s: float) -> None:
    broker = stage.broker.mosquitto
    stage.begins()
    broker.freeze()
    stage.wait(lasts_s)
    broker.thaw()
    stage.ends()


def kill_broker(stage: Stage, *, forget: bool = False, away_s: float = 0.5) -> None:
    """forget: its persistence goes with it."""
    broker = stage.broker.mosquitto
    stage.begins()
    broker.kill()
    if forget:
        broker.forget()
    stage.wait(away_s)
    broker.start()
    stage.ends()


def kill_broker_without_centre(stage: Stage, away_s: float = 1.0) -> None:
    """What the broker holds for the centre is gone, and the centre was not there to take it."""
    stage.begins()
    stage.centre.kill()
    stage.wait(away_s)
    kill_broker(stage, forget=True)
    stage.wait(away_s)
    stage.centre.start()
    stage.ends()


def kill_centre(stage: Stage, away_s: float = 1.0) -> None:
    stage.begins()
    stage.centre.kill()
    stage.wait(away_s)
    stage.centre.start()
    stage.ends()


def kill_everybody(stage: Stage, nodes: int, brokers: int, pause_s: float) -> None:
    """In an order by chance, the same at each run."""
    victims = ["node"] * nodes + ["broker"] * brokers
    random.Random(4).shuffle(victims)
    stage.begins()
    for victim in victims:
        stage.wait(pause_s)
        if victim == "node":
            stage.node.kill()
            stage.node.start()
        else:
            stage.broker.mosquitto.kill()
            stage.broker.mosquitto.start()
    stage.ends()


def revoke(stage: Stage) -> None:
    """Mosquitto reads its list when it starts."""
    broker = stage.broker
    stage.begins()
    broker.authority.revoke(NODE)
    broker.mosquitto.kill()
    broker.mosquitto.start()
    stage.told("link_refused", "certificate revoked")
    broker.renew(NODE)
    stage.ends()
    stage.until_alarm("link_refused", active=False)


def expire(stage: Stage, lasts_s: float) -> None:
    """A certificate that ends while it is in use; the broker looks at it at the next connection."""
    broker = stage.broker
    broker.renew(NODE, lasts_s)
    broker.mosquitto.kill()
    broker.mosquitto.start()
    stage.begins()
    stage.told("link_certificate_expiring", "[mqtt]", within_s=90)
    stage.wait(lasts_s)
    stage.begins()
    broker.mosquitto.kill()
    broker.mosquitto.start()
    stage.told("link_refused", "certificate expired")
    broker.renew(NODE)
    stage.ends()
    stage.until_alarm("link_refused", active=False)
    stage.until_alarm("link_certificate_expiring", active=False, within_s=90)


def withdraw_write(stage: Stage) -> None:
    """The right to tell events, while the node is connected."""
    stage.begins()
    stage.broker.allow("write event")
    stage.broker.mosquitto.reload()
    stage.told("link_records_refused", "0x87")
    stage.broker.allow()
    stage.broker.mosquitto.reload()
    stage.ends()
    stage.until_alarm("link_records_refused", active=False)


def withdraw_read(stage: Stage, lasts_s: float) -> None:
    """The right to hear watermarks: Mosquitto grants the subscription and sends nothing: the node sees only that nothing is confirmed."""
    stage.begins()
    stage.broker.allow("read ack")
    stage.broker.mosquitto.reload()
    stage.wait(lasts_s)
    stage.broker.allow()
    stage.broker.mosquitto.reload()
    stage.ends()


def change_password(stage: Stage) -> None:
    broker = stage.broker
    stage.begins()
    broker.set_password(NODE, "another one")
    broker.mosquitto.reload()
    stage.told("link_refused", "broker refused the connection")
    broker.keep_password(NODE, "another one")
    stage.ends()
    stage.until_alarm("link_refused", active=False)


def drain(stage: Stage, records: int) -> None:
    """The node was away while a whole backlog was recorded; an alarm is raised in the middle of its way out."""
    stage.node.kill()
    stage.begins()
    backlog = writer_of(stage.node.data, "recorder.cam9")
    for first in range(0, records, 500):
        backlog.append_all([Stop(reason="a backlog")] * min(500, records - first))
    backlog.close()
    stage.node.start()
    ended_ms = boot_ms()
    stage.until(lambda: sum(each.journal == "recorder.cam9" for each in oracle.heard(stage.ear_file)) > records // 3, "a third", 300, 0.5)
    people = writer_of(stage.node.data, "local")
    people.append(AlarmRaised(code="hot", active=True, severity="critical", text="fresh"))
    people.close()
    said_ms = boot_ms()
    stage.until(lambda: any(each.journal == "local" for each in oracle.heard(stage.ear_file)), "the alarm", 60, 0.5)
    (alarm,) = [each for each in oracle.heard(stage.ear_file) if each.journal == "local"]
    stage.until(lambda: sum(each.journal == "recorder.cam9" for each in oracle.heard(stage.ear_file)) >= records, "all of it", 300, 0.5)
    last = [each for each in oracle.heard(stage.ear_file) if each.journal == "recorder.cam9"][-1]
    assert alarm.at_ms < last.at_ms
    stage.remarks.append(f"alarm heard after {(alarm.at_ms - said_ms) / 1000:.2f} s, all after {(last.at_ms - ended_ms) / 1000:.0f} s")
    stage.ends()
