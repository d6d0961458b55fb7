"""RTP packets (RFC 3550) of H.264 (RFC 6184) and H.265 (RFC 7798) -> access units in Annex-B form. Pure: bytes and arrival times come in.

NAL units are handed on as they were sent. An access unit ends where the time stamp changes: marker bits are not trusted, since cameras set
them on parameter sets and slices. One with missing packets is left out and counted.
"""

from __future__ import annotations

from edge.bmff.nal import START_CODE
from edge.capture.timestamps import Unit
from edge.clock import NS_PER_S
from edge.messages.stream import Codec

CLOCK_HZ = 90_000
_WRAP = 1 << 32
_H264_STAP_A, _H264_FU_A = 24, 28
_H265_AP, _H265_FU = 48, 49
_PLAIN_VERSION = 0x80
_UNIT_MAX_BYTES = 8 << 20


class Depacketizer:
    """One stream. `payload`: the payload type; packets of others are ignored. One thread."""

    def __init__(self, codec: Codec, payload: int) -> None:
        self._codec: Codec = codec
        self._payload = payload
        self._add = self._h264 if codec == "h264" else self._h265
        self._parts: list[bytes] = []
        self._bytes = 0
        self._stamp: int | None = None
        self._time = 0
        self._arrival_ns = 0
        self._next_seq: int | None = None
        self._marker = True
        self._fragment = False
        self._whole = True
        self._picture = self._key = False
        self._ready: list[Unit] = []
        self.lost = 0
        """RTP packets that never came."""
        self.broken = 0
        """Access units left out because something of them was missing."""

    def feed(self, data: bytes, start: int, end: int, arrival_ns: int) -> None:
        """The RTP packet data[start:end]."""
        if end - start < 13:
            return
        flags = data[start + 1]
        if flags & 0x7F != self._payload:
            return
        body = start + 12
        if data[start] != _PLAIN_VERSION:
            body, end = _bounds(data, start, end)
        if body >= end:
            return
        sequence = data[start + 2] << 8 | data[start + 3]
        stamp = int.from_bytes(data[start + 4 : start + 8], "big")
        missing = (sequence - self._next_seq) & 0xFFFF if self._next_seq is not None else 0
        if missing >= 0x8000:
            return
        self._next_seq = sequence + 1 & 0xFFFF
        if missing:
            self.lost += missing
            self._whole = self._whole and self._marker and stamp != self._stamp
        if stamp != self._stamp:
            self._begin(stamp, arrival_ns)
        self._marker = bool(flags & 0x80)
        self._add(data, body, end)

    def take(self) -> list[Unit]:
        """The access units that are complete."""
        ready, self._ready = self._ready, []
        return ready

    def flush(self) -> list[Unit]:
        """Also the one that nothing has followed, at the end of the stream."""
        self._finish()
        return self.take()

    def _begin(self, stamp: int, arrival_ns: int) -> None:
        self._finish()
        if self._stamp is None:
            self._time = stamp
        else:
            step = (stamp - self._stamp) % _WRAP
            self._time += step if step < _WRAP // 2 else step - _WRAP
        self._stamp, self._arrival_ns = stamp, arrival_ns

    def _finish(self) -> None:
        """What has no picture (parameter sets of their own time stamp) goes with the next access unit."""
        if self._fragment:
            self._whole = False
        if not self._whole:
            self.broken += 1
        elif not self._picture:
            return
        else:
            pts_ns = self._time * NS_PER_S // CLOCK_HZ
            self._ready.append(Unit(pts_ns, None, self._arrival_ns, self._key, True, b"".join(self._parts)))
        self._parts = []
        self._bytes = 0
        self._whole = True
        self._fragment = self._picture = self._key = False

    def _note(self, kind: int) -> None:
        if self._codec == "h264":
            self._picture = self._picture or 1 <= kind <= 5
            self._key = self._key or kind == 5
        else:
            self._picture = self._picture or kind < 32
            self._key = self._key or 16 <= kind <= 21

    def _append(self, head: bytes, body: bytes) -> None:
        self._bytes += len(body)
        if self._bytes > _UNIT_MAX_BYTES:
            self._whole = False
            self._parts = []
            return
        self._parts.append(head)
        self._parts.append(body)

    def _h264(self, data: bytes, start: int, end: int) -> None:
        kind = data[start] & 0x1F
        if kind == _H264_FU_A:
            self._fragmented(data, start + 1, end, data[start + 1] & 0x1F, bytes((data[start] & 0xE0 | data[start + 1] & 0x1F,)))
        elif 1 <= kind < _H264_STAP_A:
            self._single(kind, data, start, end)
        elif kind == _H264_STAP_A:
            for first, last in _aggregated(data, start + 1, end):
                self._single(data[first] & 0x1F, data, first, last)

    def _h265(self, data: bytes, start: int, end: int) -> None:
        kind = data[start] >> 1 & 0x3F
        if kind == _H265_FU:
            inner = data[start + 2] & 0x3F
            self._fragmented(data, start + 2, end, inner, bytes((data[start] & 0x81 | inner << 1, data[start + 1])))
        elif kind == _H265_AP:
            for first, last in _aggregated(data, start + 2, end):
                self._single(data[first] >> 1 & 0x3F, data, first, last)
        elif kind < _H265_AP:
            self._single(kind, data, start, end)

    def _single(self, kind: int, data: bytes, start: int, end: int) -> None:
        if self._fragment:
            self._fragment = self._whole = False
        self._note(kind)
        self._append(START_CODE, data[start:end])

    def _fragmented(self, data: bytes, at: int, end: int, kind: int, head: bytes) -> None:
        """A fragmentation unit whose FU header is data[at]: S, E, then the NAL unit's own type."""
        flags = data[at]
        if flags & 0x80:
            self._whole = self._whole and not self._fragment
            self._fragment = True
            self._note(kind)
            self._append(START_CODE + head, data[at + 1 : end])
        elif self._fragment:
            self._append(b"", data[at + 1 : end])
        else:
            self._whole = False
        if flags & 0x40:
            self._fragment = False


def _aggregated(data: bytes, position: int, end: int) -> list[tuple[int, int]]:
    """The NAL units behind their 16-bit lengths."""
    found = []
    while position + 2 < end:
        first = position + 2
        last = first + (data[position] << 8 | data[position + 1])
        if last > end or last == first:
            break
        found.append((first, last))
        position = last
    return found


def _bounds(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the payload begins and ends with CSRCs, a header extension, padding; an empty range of what is no RTP."""
    first = data[start]
    if first >> 6 != 2:
        return end, end
    body = start + 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if body + 4 > end:
            return end, end
        body += 4 + 4 * (data[body + 2] << 8 | data[body + 3])
    if first & 0x20:
        end -= data[end - 1]
    return (body, end) if body < end else (end, end)
