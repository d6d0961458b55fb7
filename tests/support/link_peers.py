"""Processes on the other side of a broker: a centre, a plain subscriber, a bare publisher. Each prints "ready" and ends with its input.

python -m tests.support.link_peers centre PORT FOLDER | sink PORT | bare PORT FILE
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge.centre import client as centres
from tests.support.agents import mqtt_of

WINDOW = 20
"""As [mqtt] window."""


def plain_client(port: int, name: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
    client.max_inflight_messages_set(WINDOW)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    return client


def centre_main(port: int, folder: Path) -> None:
    with centres.Client(mqtt_of(port), folder) as centre:
        centre.wait_connected(20)
        print("ready", flush=True)
        sys.stdin.read()


def sink_main(port: int) -> None:
    """A plain subscriber that takes what the bare publisher sends."""
    client = plain_client(port, "sink")
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = lambda *_: None
    client.subscribe("bare/event", 1)
    client.loop_start()
    sys.stdin.read()


def bare_main(port: int, file: Path) -> None:
    """A loop around paho's publish; prints messages a second and CPU seconds per 1000. FILE: a payload a line."""
    payloads = file.read_bytes().splitlines()
    client = plain_client(port, "bare")
    done = threading.Semaphore(0)
    room = threading.Semaphore(WINDOW)

    def published(*_: object) -> None:
        room.release()
        done.release()

    client.on_publish = published
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.01)
    print("ready", flush=True)
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    for payload in payloads:
        room.acquire()
        client.publish("bare/event", payload, 1)
    for _ in payloads:
        done.acquire()
    print(len(payloads) / (time.monotonic() - began_s), (time.process_time() - began_cpu_s) / len(payloads) * 1000)


if __name__ == "__main__":
    kind, port, *rest = sys.argv[1:]
    if kind == "centre":
        centre_main(int(port), Path(rest[0]))
    elif kind == "sink":
        sink_main(int(port))
    else:
        bare_main(int(port), Path(rest[0]))
