"""What happens to the way between a node and its broker, and to the broker's disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.faults import oracle
from tests.support.faults.secured import NAME, SecuredBroker
from tests.support.faults.stage import Stage
from tests.support.faults.street import TOWN, Street, street
from tests.support.proxy import Proxy

Play = Callable[[Stage], None]


@contextmanager
def on_a_small_disk(folder: Path, every_s: float) -> Iterator[Stage]:
    """The broker persists on a file system of 512 kB."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a small file system")
    store = folder / "small"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "small", str(store)], check=True)
    try:
        with Stage(folder, SecuredBroker(folder, store=store), every_s=every_s) as stage:
            yield stage
    finally:
        subprocess.run(["umount", str(store)], check=True)


def fill_brokers_disk(stage: Stage, lasts_s: float) -> None:
    """Full, killed while it is full, room again, started on what it could save last or, where it refuses that, on nothing."""
    broker = stage.broker.mosquitto
    stage.begins()
    rest = broker.store / "others"
    with rest.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    stage.wait(lasts_s)
    broker.kill()
    rest.unlink()
    try:
        broker.start()
    except AssertionError:
        broker.forget()
        broker.start()
        stage.remarks.append("the broker started only once its damaged file was taken away")
    stage.ends()


@dataclass
class Behind:
    """Builds a stage whose node reaches the broker through a proxy, and plays on it."""

    play_on: Callable[[Stage, Proxy], None]
    proxy: Proxy | None = None

    @contextmanager
    def build(self, folder: Path, every_s: float) -> Iterator[Stage]:
        broker = SecuredBroker(folder)
        with Proxy(broker.mosquitto.port) as self.proxy, Stage(folder, broker, every_s=every_s, node_port=self.proxy.port) as stage:
            yield stage

    def play(self, stage: Stage) -> None:
        assert self.proxy is not None
        self.play_on(stage, self.proxy)


def reset_often(stage: Stage, proxy: Proxy, times: int, every_s: float) -> None:
    """All connections, whoever has one just then."""
    stage.begins()
    for _ in range(times):
        stage.wait(every_s)
        proxy.drop_all()
    stage.ends()


@dataclass
class InTheStreet:
    """Builds a stage in network namespaces, and plays on it. by_name: the pole knows its broker by name only."""

    play_on: Callable[[Stage, Street], None]
    by_name: bool = False
    made: Street | None = None

    @contextmanager
    def build(self, folder: Path, every_s: float) -> Iterator[Stage]:
        with street(folder) as self.made:
            broker = SecuredBroker(folder, TOWN, prefix=self.made.town)
            with self.made.hosts.open("a") as hosts:
                hosts.write(f"{TOWN} {NAME}\n")
            host = NAME if self.by_name else ""
            with Stage(folder, broker, every_s=every_s, node_host=host, town=self.made.town, pole=self.made.pole) as stage:
                yield stage

    def play(self, stage: Stage) -> None:
        assert self.made is not None
        self.play_on(stage, self.made)


def cut(stage: Stage, place: Street, lasts_s: float) -> None:
    stage.begins()
    place.cut()
    stage.wait(lasts_s)
    place.mend()
    stage.ends()


def swallow(stage: Stage, place: Street, lasts_s: float, *, up: bool = False, down: bool = False) -> None:
    """Nothing is refused, nothing is answered: packets of one or both ways are gone."""
    stage.begins()
    place.wire(up=up, down=down)
    stage.wait(lasts_s)
    place.wire()
    stage.ends()


def degrade(stage: Stage, place: Street, lasts_s: float, delay_s: float, loss: float) -> None:
    """delay_s, loss: each way."""
    stage.begins()
    place.wire(delay_s=delay_s, loss=loss)
    stage.wait(lasts_s)
    place.wire()
    stage.ends()
    ages_s = sorted((each.at_ms - each.said_ms) / 1000 for each in oracle.heard(stage.ear_file) if each.said_ms >= stage.began_ms)
    stage.remarks.append(f"meanwhile heard after {ages_s[len(ages_s) // 2]:.1f} s (median), {ages_s[len(ages_s) * 95 // 100]:.1f} s (95 %)")


def forget_name(stage: Stage, place: Street, lasts_s: float) -> None:
    """The node is started anew, so that it has no address to fall back on, while the broker's name does not resolve."""
    known = place.hosts.read_text()
    stage.begins()
    place.hosts.write_text("127.0.0.1 localhost\n")
    stage.node.kill()
    stage.node.start()
    stage.until(lambda: any(f"the name {NAME} does not resolve" in line for _, line in stage.watch.lines), "the node says so")
    stage.wait(lasts_s)
    place.hosts.write_text(known)
    stage.ends()
