"""What arrives at a node: the centre's watermarks, commands, and the node's own status (which another may have published). Everything else
is named and dropped."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from edge.link.port import Incoming
from edge.link.topics import ACK, COMMAND, STATUS, parse, pattern
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


@dataclass(frozen=True, slots=True)
class Ignored:
    why: str


def subscriptions(org: str, node: str) -> tuple[str, ...]:
    return (pattern(org, node, ACK), pattern(org, node, COMMAND), pattern(org, node, STATUS))


def read(org: str, node: str, message: Incoming) -> Ack | Status | CommandNews | Ignored:
    """Sorts one message. Never raises: whoever can publish on the broker can send any bytes."""
    place = parse(org, message.topic)
    if place is None or place.node != node:
        return Ignored("not a topic of this node")
    if place.topic is COMMAND:
        return CommandNews(place.part, message.payload, message.retain, message.expiry_s, message.correlation)
    shape = _SHAPES.get(place.topic.name)
    if shape is None:
        return Ignored("not for a node")
    if len(message.payload) > PAYLOAD_MAX_BYTES:
        return Ignored(f"{len(message.payload)} bytes")
    try:
        return msgspec.json.decode(message.payload, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Ignored(f"cannot be read: {error}")
