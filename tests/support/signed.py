"""Signed streams for tests: encoded test pictures with signing SEIs where the recorder puts them, and clips made of them.

The SEI of GOP n rides in the IDR access unit of GOP n+1, in front of its first slice; the last GOP's is left over (`SignedSpan.last`) and
rides in the first access unit of the next span. `tests/support/footage.py` lays the packets into segments; `write_clip` into a clip.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from edge import __version__
from edge.bmff.flat import Closing, Piece, flat_header
from edge.bmff.nal import START_CODE, is_slice, split
from edge.bmff.params import parameter_sets
from edge.messages.stream import Codec, Packet
from edge.seal.onvif import FIRST_LINK, Document, Unsigned, hashes_of
from edge.seal.signer import Identity
from tests.support.footage import BOOT_NS, UTC_NS, write_segment
from tests.support.video import gops

SERIAL = "pole-17/gate"
MANUFACTURER = "edge-recorder"


@dataclass(frozen=True)
class SignedSpan:
    """packets: with the SEIs in them. last: the SEI NAL unit of the last GOP. documents: one a GOP, as signed."""

    packets: list[Packet]
    last: bytes
    documents: list[Document]

    def whole_gops(self, first: int, count: int) -> list[Packet]:
        """`count` GOPs from number `first` (from 0), and the access unit behind them that carries the last one's SEI, if there is one."""
        groups = gops(self.packets)
        closing = groups[first + count][:1] if first + count < len(groups) else []
        return [packet for group in groups[first : first + count] for packet in group] + closing


def sign_span(
    packets: list[Packet],
    identity: Identity,
    codec: Codec = "h264",
    *,
    serial: str = SERIAL,
    firmware: str | None = None,
    manufacturer: str = MANUFACTURER,
    utc_ns: int = UTC_NS,
    before: bytes = b"",
    unsigned: Collection[int] = (),
    change: Callable[[int, Document], Document] = lambda number, document: document,
) -> SignedSpan:
    """One span, signed as the recorder does it.

    firmware: by default our own words with the digest of the parameter sets. utc_ns: of the picture with boot_ns = BOOT_NS. before: SEI of
    the span before, for the first access unit. unsigned: numbers of GOPs (from 0) whose SEI is left out. change: makes another document of
    GOP number n before it is signed.
    """
    groups = gops(packets)
    starts = [utc_ns + group[0].boot_ns - BOOT_NS for group in groups]
    ends = [*starts[1:], utc_ns + groups[-1][-1].boot_ns + groups[-1][-1].duration_ns - BOOT_NS]
    words = firmware if firmware is not None else firmware_of(packets[0], codec)
    link, waiting = FIRST_LINK, before
    signed: list[Packet] = []
    documents: list[Document] = []
    for number, group in enumerate(groups):
        signed += [insert(group[0], codec, waiting) if waiting else group[0], *group[1:]]
        document = Document(
            counter=number + 1,
            link=link,
            hashes=tuple(hashes_of(codec, [split(packet.data) for packet in group])),
            start_utc_ns=starts[number],
            end_utc_ns=ends[number],
            firmware=words,
            serial=serial,
            manufacturer=manufacturer,
            certificates=identity.certificates,
        )
        link = document.anchor
        documents.append(change(number, document))
        waiting = b"" if number in unsigned else sei_of(documents[-1], identity, codec)
    return SignedSpan(signed, waiting, documents)


def sei_of(document: Document, identity: Identity, codec: Codec = "h264") -> bytes:
    """The signing SEI, a NAL unit without start code."""
    unsigned = Unsigned(codec, document)
    return unsigned.finish(identity.signer.sign(unsigned.digest))


def firmware_of(packet: Packet, codec: Codec = "h264", version: str = __version__) -> str:
    """The recorder's word in the vendor field: its version and 128 bits of the SHA-256 of the parameter sets in front of a key frame."""
    params = parameter_sets(codec, split(packet.data))
    assert params is not None
    digest = urlsafe_b64encode(bytes.fromhex(params.sha256())[:16]).rstrip(b"=").decode()
    return f"{MANUFACTURER} {version} ps:{digest}"


def insert(packet: Packet, codec: Codec, sei: bytes) -> Packet:
    """The packet with a NAL unit in front of its first slice."""
    nals = [bytes(nal) for nal in split(packet.data)]
    place = next(number for number, nal in enumerate(nals) if is_slice(codec, nal))
    return with_nals(packet, [*nals[:place], sei, *nals[place:]])


def with_nals(packet: Packet, nals: Sequence[bytes]) -> Packet:
    return msgspec.structs.replace(packet, data=b"".join(START_CODE + nal for nal in nals))


def later(packets: Sequence[Packet], by_ns: int) -> list[Packet]:
    """The same pictures taken `by_ns` later: a span of its own after a pause."""
    return [msgspec.structs.replace(packet, boot_ns=packet.boot_ns + by_ns) for packet in packets]


def write_clip(packets: list[Packet], codec: Codec = "h264", *, edit_start_ticks: int = 0, edit_ticks: int | None = None) -> bytes:
    """A flat MP4 as `edge clip` writes it, but for one thing. packets: whole GOPs; where the last "GOP" is one key frame alone it is the
    closing access unit. edit_ticks: by default to the end of the last whole GOP, so that the closing access unit is not shown; in clips of
    the recorder the edit list runs to the end of the file (docs/design/clips.md)."""
    written = write_segment(packets, codec)
    last = written.index.fragments[-1]
    closes = last.samples == 1 and len(written.index.fragments) > 1
    piece = Piece(1, written.index, 0, len(written.index.fragments) - (2 if closes else 1))
    shown = sum(sum(written.index.fragment_durations(place)) for place in range(piece.first, piece.last + 1)) - edit_start_ticks
    closing = Closing(1, written.index, len(written.index.fragments) - 1) if closes else None
    header = flat_header([piece], edit_start_ticks, shown if edit_ticks is None else edit_ticks, closing)
    return header + b"".join(written.data[each.data_offset :][: each.data_length] for each in written.index.fragments)


def annexb(packets: Sequence[Packet]) -> bytes:
    """The raw stream."""
    return b"".join(packet.data for packet in packets)


def changed(packets: Sequence[Packet], place: int, change: Callable[[list[bytes]], list[bytes]]) -> list[Packet]:
    """A copy in which the NAL units of packet number `place` are others."""
    nals = change([bytes(nal) for nal in split(packets[place].data)])
    return [*packets[:place], with_nals(packets[place], nals), *packets[place + 1 :]]
