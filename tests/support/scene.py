"""The footage that the attack table is played on, honest and well signed, of each codec; made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from edge.messages.stream import Codec, Packet
from tests.support.attacks import Stream, joined
from tests.support.footage import write_segment
from tests.support.memory_file import remuxed
from tests.support.signed import SignedSpan, later, sign_span, write_clip
from tests.support.town import node
from tests.support.video import NS_PER_S, encode, gops

GOPS, PICTURES = 7, 25
"""Of one second each; the last GOP carries the SEI of the one before and is itself signed by nothing in the file."""


@dataclass(frozen=True)
class Scene:
    """raw: before it was signed. span: one span of a camera. after: the next span of the same camera, ten seconds later, with what the
    first one owed. yard: another camera of the same node, at the same time. elsewhere: another node of the same town."""

    codec: Codec
    raw: Stream
    span: SignedSpan
    after: SignedSpan
    yard: SignedSpan
    elsewhere: SignedSpan

    @property
    def packets(self) -> Stream:
        return self.span.packets

    @property
    def foreign(self) -> Packet:
        """A P picture of another camera."""
        return gops(self.yard.packets)[3][7]


@lru_cache
def scene(codec: Codec) -> Scene:
    raw, other = encode(codec, GOPS * PICTURES), encode(codec, GOPS * PICTURES, first_number=1000)
    span = sign_span(raw, node(), codec)
    return Scene(
        codec=codec,
        raw=raw,
        span=span,
        after=sign_span(later(other, (GOPS + 10) * NS_PER_S), node(), codec, before=span.last),
        yard=sign_span(other, node(), codec, serial="pole-17/yard"),
        elsewhere=sign_span(other, node("pole-18"), codec, serial="pole-18/gate"),
    )


def as_segment(packets: Stream, codec: Codec) -> bytes:
    return write_segment(packets, codec).data


def as_clip(packets: Stream, codec: Codec) -> bytes:
    """It ends with the first access unit of the stream's last GOP, as clips do."""
    *whole, last = gops(packets)
    return write_clip([*joined(whole), last[0]], codec)


def as_matroska(packets: Stream, codec: Codec) -> bytes:
    """That clip, remuxed by FFmpeg."""
    return remuxed(as_clip(packets, codec), "matroska")


FORMS: dict[str, Callable[[Stream, Codec], bytes]] = {
    "clip": as_clip,
    "open clip": write_clip,
    "segment": as_segment,
    "matroska": as_matroska,
}
