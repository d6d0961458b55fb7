"""What arrives at a node: the centre's watermarks, commands, and the node's own status (which another may have published). Everything else
is named and dropped."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from edge.link.port import Incoming
from edge.link.topics import ACK, ALL, COMMAND, CONFIG_DESIRED, STATUS, parse, pattern
from edge.messages.wire import Ack, Status

PAYLOAD_MAX_BYTES = 64 * 1024
_SHAPES: dict[str, type[Ack] | type[Status]] = {ACK.name: Ack, STATUS.name: Status}


@dataclass(frozen=True, slots=True)
class CommandNews:
    """A command as it came: `token` is a JWS that nobody has checked yet."""

    verb: str
    token: bytes
    retained: bool
    expiry_s: int | None
    correlation: bytes | None
    to_all: bool = False
    """It came on the topic of all nodes."""


@dataclass(frozen=True, slots=True)
class DesiredNews:
    """A configuration as it came: `token` is a JWS that nobody has checked yet."""

    token: bytes


@dataclass(frozen=True, slots=True)
class Ignored:
    why: str


def subscriptions(org: str, node: str) -> tuple[str, ...]:
    return (*(pattern(org, node, topic) for topic in (ACK, COMMAND, STATUS, CONFIG_DESIRED)), pattern(org, ALL, COMMAND))


def read(org: str, node: str, message: Incoming) -> Ack | Status | CommandNews | DesiredNews | Ignored:
    """Sorts one message. Never raises: whoever can publish on the broker can send any bytes."""
    place = parse(org, message.topic)
    to_all = place is not None and place.node == ALL and place.topic is COMMAND
    if place is None or not (place.node == node or to_all):
        return Ignored("not a topic of this node")
    if place.topic is COMMAND:
        return CommandNews(place.part, message.payload, message.retain, message.expiry_s, message.correlation, to_all)
    if len(message.payload) > PAYLOAD_MAX_BYTES:
        return Ignored(f"{len(message.payload)} bytes")
    if place.topic is CONFIG_DESIRED:
        return DesiredNews(message.payload) if message.payload else Ignored("no configuration is desired any more")
    shape = _SHAPES.get(place.topic.name)
    if shape is None:
        return Ignored("not for a node")
    try:
        return msgspec.json.decode(message.payload, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Ignored(f"cannot be read: {error}")
