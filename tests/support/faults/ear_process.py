"""A town's own subscriber: paho and nothing of this product. Writes a line for each journal record that it hears, as it comes.

python -m tests.support.faults.ear_process HOST PORT CA CERTIFICATE KEY USER PASSWORD FILE     ("" for what there is not)
Line: boot clock in ms, journal, epoch, number, boot clock of the record in ms, type, duplicate flag.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def main(host: str, port: str, ca: str, certificate: str, key: str, user: str, password: str, file: str) -> None:
    out = Path(file).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115

    def connected(client: paho.Client, *_: Any) -> None:
        client.subscribe("town/v1/+/event", 1)

    def heard(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        event = json.loads(message.payload)
        record = event["record"]
        words = (boot_ms(), event["journal"], event["epoch"], record["seq"], record["mono_ms"], record["type"], int(message.dup))
        print(*words, file=out)

    client = paho.Client(CallbackAPIVersion.VERSION2, "ear", protocol=paho.MQTTv5)
    if ca:
        client.tls_set(ca, certificate or None, key or None)
    if user:
        client.username_pw_set(user, password)
    client.on_connect, client.on_message = connected, heard
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.reconnect_delay_set(1, 1)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    client.connect(host, int(port), keepalive=10, clean_start=False, properties=properties)
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
