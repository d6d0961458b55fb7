"""The port to a message broker: what crosses it, and the rules both adapters keep (tests/contract/test_brokers.py).

`broker.MqttLink` (MQTT 5 over TCP or TLS) and `memory.MemoryLink` (in one process) implement `Link`.

1. `start()` begins connecting and keeps doing so for ever, with full-jitter back-off, until `stop()`.
2. All that happens arrives on `events`, in order: Connected - then Incoming and Acknowledged - then Disconnected; Unreachable for an
   attempt that failed. Connected comes after the subscriptions are in force; of those that the broker refused, Subscribed may come later.
   Nothing of a connection comes after its Disconnected.
3. `send` is for one connection, named in the message; a message for an earlier connection is dropped. The link never queues across
   connections and never sends again by itself: what was in flight at a Disconnected is the caller's to send again.
4. Each sent message of QoS 1 yields at most one Acknowledged, with the broker's reason code (MQTT 5.0, 3.4.2.1): 0x00 taken, 0x10 taken
   but nobody subscribes, from 0x80 on refused.
5. An Incoming of QoS 1 is acknowledged to the broker only by `done`; one that is not done comes again after a reconnect.
6. A connection that ends without `stop()` publishes the will (after its delay); `stop()` never does.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import Literal, Protocol

NO_MATCHING_SUBSCRIBERS = 0x10
PACKET_TOO_LARGE = 0x95
SESSION_TAKEN_OVER = 0x8E

Cause = Literal["", "refused", "untrusted"]
"""Why there is no connection. refused: the broker does not take this node's certificate, name or password. untrusted: this node does not
take the broker's certificate. "": all else, which may pass by itself."""


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes
    delay_s: int = 10


@dataclass(frozen=True, slots=True)
class Outgoing:
    """token: the caller's own number, comes back in Acknowledged. expiry_s: MQTT message expiry, None: never."""

    connection: int
    token: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """window: most messages the broker lets be in flight; max_packet_bytes: the largest packet it takes, None: no limit told.
    refused: subscriptions the broker did not grant, with the code."""

    connection: int
    session_present: bool
    window: int
    max_packet_bytes: int | None
    refused: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What the broker refused before was asked for again. refused: what it still refuses."""

    connection: int
    refused: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Disconnected:
    """by_peer: the broker (or something between) closed it, rather than a time-out of ours or `stop()`."""

    connection: int
    by_peer: bool
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An attempt failed. code: CONNACK's reason, 0 when it did not get that far."""

    code: int
    text: str
    next_attempt_s: float
    cause: Cause = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    connection: int
    token: int
    code: int

    @property
    def refused(self) -> bool:
        return self.code >= 0x80


@dataclass(frozen=True, slots=True)
class Incoming:
    connection: int
    id: int
    topic: str
    payload: bytes
    qos: int
    retain: bool
    expiry_s: int | None
    correlation: bytes | None


Event = Connected | Subscribed | Disconnected | Unreachable | Acknowledged | Incoming


class Link(Protocol):
    """`start` and `stop` belong to one thread; `send`, `done` and reading `events` may be done from any."""

    @property
    def events(self) -> queue.Queue[Event]: ...

    def start(self) -> None: ...

    def stop(self, deadline_s: float = 5.0) -> None: ...

    def send(self, message: Outgoing) -> None: ...

    def done(self, message: Incoming) -> None: ...
