"""RTP packets as cameras make them (RFC 6184, RFC 7798): single NAL units, aggregates, fragments."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edge.messages.stream import Codec

MTU = 100
PERIOD = 3600
H264 = {"sps": 0x67, "pps": 0x68, "sei": 0x06, "idr": 0x65, "p": 0x41}
SETS_264 = [bytes((H264["sps"],)) + b"sps", bytes((H264["pps"],)) + b"pps"]
SETS_265 = [bytes((kind << 1, 1)) + b"set" for kind in (32, 33, 34)]


def header(sequence: int, stamp: int, *, marker: bool = False, payload: int = 96, first: int = 0x80) -> bytes:
    return struct.pack(">BBHII", first, payload | marker << 7, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 0x1234)


def payloads(codec: Codec, nals: list[bytes]) -> Iterator[bytes]:
    """As a camera packs them: what fits goes as it is, small ones in a row together, large ones in fragments."""
    size = 1 if codec == "h264" else 2
    small = [each for each in nals if len(each) < 20]
    if len(small) > 1 and nals[: len(small)] == small:
        head = b"\x78" if codec == "h264" else bytes((48 << 1, 1))
        yield head + b"".join(struct.pack(">H", len(each)) + each for each in small)
        nals = nals[len(small) :]
    for each in nals:
        if len(each) <= MTU:
            yield each
            continue
        parts = [each[size:][place : place + MTU] for place in range(0, len(each) - size, MTU)]
        for number, part in enumerate(parts):
            flags = (number == 0) << 7 | (number == len(parts) - 1) << 6
            if codec == "h264":
                yield bytes((each[0] & 0xE0 | 28, flags | each[0] & 0x1F)) + part
            else:
                yield bytes((each[0] & 0x81 | 49 << 1, each[1], flags | each[0] >> 1 & 0x3F)) + part


def packets(codec: Codec, units: list[list[bytes]], sequence: int = 0, stamp: int = 0) -> list[bytes]:
    made = []
    for number, nals in enumerate(units):
        parts = list(payloads(codec, nals))
        for place, part in enumerate(parts):
            made.append(header(sequence, stamp + number * PERIOD, marker=place == len(parts) - 1) + part)
            sequence += 1
    return made


def picture(codec: Codec, size: int, key: bool, seed: int = 0) -> bytes:
    body = bytes((seed + place) % 255 + 1 for place in range(size))
    if codec == "h264":
        return bytes((H264["idr" if key else "p"],)) + body
    return bytes((19 << 1 if key else 1 << 1, 1)) + body


def street(codec: Codec, sizes: list[int]) -> list[list[bytes]]:
    sets = SETS_264 if codec == "h264" else SETS_265
    return [(sets if number % 3 == 0 else []) + [picture(codec, size, number % 3 == 0, number)] for number, size in enumerate(sizes)]
