"""Messages between a live session and the process that sends for it: a socket pair, each message behind its length (u32, big-endian).

The first message carries what nobody else may see - the secret -, which is why it is a message and no argument.
"""

from __future__ import annotations

import socket
import struct

import msgspec

from edge.errors import TryAgain

LARGEST_BYTES = 32 << 20
_LENGTH = struct.Struct(">I")


class Opening(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where to and what. url: without secrets. secret: "", a passphrase (SRT) or user:password (RTSP, RTMP). ca: path of a PEM file, ""
    for the system's authorities. init: ftyp and moov of the segment, which describe the stream."""

    url: str
    secret: str
    ca: str
    init: bytes


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One access unit as it is stored (NAL units behind four-byte lengths). dts_ns, pts_ns: media time. boot_ns: when it was taken."""

    dts_ns: int
    pts_ns: int
    boot_ns: int
    key: bool
    data: bytes


class End(msgspec.Struct, frozen=True, tag=True):
    """No more pictures: say goodbye to the receiver."""


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The receiver takes pictures."""


class Sent(msgspec.Struct, frozen=True, tag=True):
    """A picture was handed to the network. boot_ns: when it was taken; at_ns: CLOCK_BOOTTIME when it was handed over."""

    boot_ns: int
    at_ns: int
    bytes: int


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """Its last words. code: see docs/design/live.md; text: without secrets."""

    code: str
    text: str


Message = Opening | Picture | End | Opened | Sent | Trouble
_decoder = msgspec.msgpack.Decoder(Message)


class BrokenWire(TryAgain):
    """The other end sends no messages."""


def encode(message: Message) -> bytes:
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


class Inflow:
    """Bytes in any portions -> messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Those that are now whole. Raises BrokenWire."""
        self._buffer += data
        found: list[Message] = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > LARGEST_BYTES:
                raise BrokenWire(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            try:
                found.append(_decoder.decode(bytes(self._buffer[_LENGTH.size : end])))
            except msgspec.MsgspecError as error:
                raise BrokenWire(f"no message: {error}") from error
            del self._buffer[:end]
        return found


def receive(connection: socket.socket, inflow: Inflow) -> list[Message] | None:
    """Blocks until something came; None at the end. Raises BrokenWire, OSError."""
    while True:
        data = connection.recv(1 << 18)
        if not data:
            return None
        found = inflow.feed(data)
        if found:
            return found
