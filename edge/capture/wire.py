"""Messages between a capture worker and its recorder, over a SOCK_STREAM socketpair. Imports no video library.

A message is an 8-byte header - the mark ED 6E, one byte of kind, one byte of flags (bit 0: key frame), the body's length as a big-endian
u32 - and the body. A Packet's body is six big-endian numbers and the access unit; the rare messages are MessagePack. The mark and the
size limits make garbage an error at once instead of a gigabyte of waiting.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator, Sequence

import msgspec

from edge.errors import TryAgain
from edge.messages.stream import CameraSettings, Fault, Heartbeat, Packet, StreamInfo

Buffer = bytes | bytearray | memoryview
Message = StreamInfo | Packet | Heartbeat | Fault | CameraSettings

PACKET_MAX_BYTES = 16 << 20
NOTE_MAX_BYTES = 256 << 10
RECEIVE_BYTES = 1 << 20
_MARK = 0xED6E
_HEADER = struct.Struct(">HBBI")
_PACKET = struct.Struct(">IQqqqq")
_PACKET_KIND = 2
_KINDS: dict[int, type[Message]] = {1: StreamInfo, 2: Packet, 3: Heartbeat, 4: Fault, 5: CameraSettings}
_NUMBER_OF: dict[type[Message], int] = {shape: number for number, shape in _KINDS.items()}
_BUFFERS_PER_CALL = 1000
"""sendmsg takes at most IOV_MAX (1,024) buffers."""


class WireError(TryAgain):
    """The bytes are no messages: the sender is broken and must be replaced."""


def encode(message: Message) -> list[Buffer]:
    """One message as buffers for one gathered write; a Packet's data is not copied. Raises WireError when it is too large."""
    number = _NUMBER_OF[type(message)]
    if isinstance(message, Packet):
        if len(message.data) > PACKET_MAX_BYTES - _PACKET.size:
            raise WireError(f"an access unit of {len(message.data)} bytes is larger than {PACKET_MAX_BYTES}")
        numbers = _PACKET.pack(message.epoch, message.seq, message.pts_ns, message.dts_ns, message.duration_ns, message.boot_ns)
        return [_HEADER.pack(_MARK, number, int(message.key), len(numbers) + len(message.data)) + numbers, message.data]
    body = msgspec.msgpack.encode(message)
    if len(body) > NOTE_MAX_BYTES:
        raise WireError(f"a {type(message).__name__} of {len(body)} bytes is larger than {NOTE_MAX_BYTES}")
    return [_HEADER.pack(_MARK, number, 0, len(body)) + body]


class Decoder:
    """Bytes in any portions -> messages. One thread."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need = _HEADER.size
        """Bytes that must be there before looking again makes sense."""

    @property
    def pending(self) -> int:
        """Bytes of an unfinished message: not 0 at the end of the connection means that the sender died in mid-word."""
        return len(self._buffer)

    def feed(self, data: Buffer) -> Iterator[Message]:
        """The messages that are now whole, in order. Raises WireError behind the last good one. What the caller does not fetch comes with
        the next call."""
        self._buffer += data
        return self._messages()

    def _messages(self) -> Iterator[Message]:
        position = 0
        try:
            while len(self._buffer) - position >= self._need:
                mark, number, flags, length = _HEADER.unpack_from(self._buffer, position)
                _check(mark, number, flags, length)
                end = position + _HEADER.size + length
                if len(self._buffer) < end:
                    self._need = _HEADER.size + length
                    break
                self._need = _HEADER.size
                body = position + _HEADER.size
                position = end
                yield self._message(number, flags, body, end)
        finally:
            del self._buffer[:position]

    def _message(self, number: int, flags: int, start: int, end: int) -> Message:
        with memoryview(self._buffer) as view:
            if number != _PACKET_KIND:
                try:
                    return msgspec.msgpack.decode(bytes(view[start:end]), type=_KINDS[number])
                except msgspec.MsgspecError as broken:
                    raise WireError(f"a {_KINDS[number].__name__} on the wire cannot be read: {broken}") from broken
            epoch, seq, pts_ns, dts_ns, duration_ns, boot_ns = _PACKET.unpack_from(view, start)
            data = bytes(view[start + _PACKET.size : end])
        return Packet(
            epoch=epoch, seq=seq, key=bool(flags), pts_ns=pts_ns, dts_ns=dts_ns, duration_ns=duration_ns, boot_ns=boot_ns, data=data
        )


def _check(mark: int, number: int, flags: int, length: int) -> None:
    if mark != _MARK or number not in _KINDS or flags > 1:
        raise WireError(f"no message on the wire: mark {mark:#06x}, kind {number}, flags {flags}")
    if number == _PACKET_KIND:
        if not _PACKET.size <= length <= PACKET_MAX_BYTES:
            raise WireError(f"a packet of {length} bytes on the wire is not between {_PACKET.size} and {PACKET_MAX_BYTES}")
    elif length > NOTE_MAX_BYTES:
        raise WireError(f"a {_KINDS[number].__name__} of {length} bytes on the wire is larger than {NOTE_MAX_BYTES}")


def receive(connection: socket.socket, timeout_s: float) -> bytes | None:
    """What has arrived, b"" when the sender is gone, None when nothing came in time. One poll and one recv."""
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    if not poller.poll(max(0.0, timeout_s) * 1000):
        return None
    try:
        return connection.recv(RECEIVE_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except ConnectionResetError:
        return b""


class Sender:
    """The worker's end: gathers messages, sends them in few calls, never blocks. One thread.

    When the recorder does not read, at most `limit_bytes` wait; then whole GOPs are dropped (the packets' `seq` shows the hole) and
    counted, because a recorder in trouble must not make the camera's own buffers run over.
    """

    def __init__(self, connection: socket.socket, limit_bytes: int = 16 << 20) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._limit_bytes = limit_bytes
        self._waiting: list[Buffer] = []
        self._waiting_bytes = 0
        self._dropping = False
        self.dropped = 0

    @property
    def waiting_bytes(self) -> int:
        return self._waiting_bytes

    def put(self, message: Message) -> None:
        """Queue it; nothing is sent yet."""
        if isinstance(message, Packet) and not self._admits(message):
            self.dropped += 1
            return
        buffers = encode(message)
        self._waiting += buffers
        self._waiting_bytes += sum(map(len, buffers))

    def _admits(self, packet: Packet) -> bool:
        full = self._waiting_bytes + len(packet.data) > self._limit_bytes
        self._dropping = full or (self._dropping and not packet.key)
        return not self._dropping

    def flush(self) -> bool:
        """Send as much as the socket takes; True when nothing waits. Raises ConnectionError when the recorder is gone."""
        while self._waiting:
            try:
                sent = self._connection.sendmsg(self._waiting[:_BUFFERS_PER_CALL])
            except BlockingIOError:
                return False
            self._waiting_bytes -= sent
            self._waiting = _behind(self._waiting, sent)
        return True

    def drain(self, timeout_s: float) -> bool:
        """Send everything, waiting for room at most `timeout_s` for each portion; True when nothing is left."""
        poller = select.poll()
        poller.register(self._connection, select.POLLOUT)
        while not self.flush():
            if not poller.poll(timeout_s * 1000):
                return False
        return True


def _behind(buffers: Sequence[Buffer], sent: int) -> list[Buffer]:
    """What is left of the buffers after their first `sent` bytes."""
    for number, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [memoryview(buffer)[sent:], *buffers[number + 1 :]]
        sent -= len(buffer)
    return []
