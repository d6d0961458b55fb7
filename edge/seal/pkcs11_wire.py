"""What passes between the signer and the process that runs the token's library: one message a datagram (SOCK_SEQPACKET)."""

from __future__ import annotations

import socket
from typing import Literal

import msgspec

LARGEST_BYTES = 16 * 1024


class Open(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first message. create: make the key pair in the token where there is none with this label; else it must be there."""

    module: str
    token: str
    label: str
    pin: str
    create: bool = False


class Opened(msgspec.Struct, frozen=True, tag=True):
    """public_key: DER SubjectPublicKeyInfo."""

    public_key: bytes


class Sign(msgspec.Struct, frozen=True, tag=True):
    digest: bytes


class Signed(msgspec.Struct, frozen=True, tag=True):
    """raw: r || s, as the token made it."""

    raw: bytes


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """kind: config - an operator must correct it; pin - the token refused the PIN; passing - it may work later."""

    kind: Literal["config", "pin", "passing"]
    text: str


Message = Open | Opened | Sign | Signed | Trouble

_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def send(connection: socket.socket, message: Message) -> None:
    """Raises OSError, also TimeoutError."""
    connection.sendall(msgspec.msgpack.encode(message))


def receive(connection: socket.socket) -> Message | None:
    """None: the other end is gone, or talks nonsense. Raises OSError, also TimeoutError."""
    data = connection.recv(LARGEST_BYTES)
    try:
        return _decoder.decode(data) if data else None
    except msgspec.MsgspecError:
        return None
