"""What somebody may do to signed footage. Each attack is done as well as it can be done without the key: files are rebuilt around the
changed stream with sound tables, check sums and times, so that nothing but the evidence itself can give it away.

Streams are lists of access units in decoding order; the SEI of GOP n stands in the first access unit of GOP n+1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from edge.bmff.nal import is_parameter_set, is_slice, nal_type, split
from edge.messages.stream import Codec, Packet
from tests.support.oracle.nal_units import with_prevention, without_prevention
from tests.support.oracle.signing_sei import CERTIFICATES, UUID, has_uuid
from tests.support.signed import insert, with_nals
from tests.support.town import node
from tests.support.video import gops

Stream = list[Packet]


def joined(groups: Sequence[Stream]) -> Stream:
    return [packet for group in groups for packet in group]


def retimed(packets: Stream, durations: Sequence[int] | None = None) -> Stream:
    """On a timeline without a hole: one picture after the other, each as long as it was (or as given, ns)."""
    lengths = list(durations) if durations is not None else [packet.duration_ns for packet in packets]
    starts = list(accumulate(lengths, initial=0))
    first = packets[0].boot_ns
    return [
        msgspec.structs.replace(packet, seq=place, dts_ns=start, pts_ns=start, duration_ns=length, boot_ns=first + start)
        for place, (packet, start, length) in enumerate(zip(packets, starts, lengths, strict=False))
    ]


def nals_of(packet: Packet) -> list[bytes]:
    return [bytes(nal) for nal in split(packet.data)]


def sei_of(codec: Codec, packet: Packet) -> bytes:
    """The signing SEI in an access unit."""
    return next(nal for nal in nals_of(packet) if has_uuid(codec, nal))


def each_nal(packet: Packet, change: Callable[[bytes], bytes | None]) -> Packet:
    """None: the NAL unit is left out."""
    return with_nals(packet, [made for made in map(change, nals_of(packet)) if made is not None])


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


# GOPs. Numbers count from 0.


def without_gops(packets: Stream, first: int, count: int = 1) -> Stream:
    groups = gops(packets)
    return retimed(joined(groups[:first] + groups[first + count :]))


def without_gops_but_their_seis(codec: Codec, packets: Stream, first: int, count: int = 1) -> Stream:
    """The SEIs that rode in the removed GOPs ride on in the next access unit that is left."""
    groups = gops(packets)
    kept = groups[first + count]
    for group in reversed(groups[first : first + count]):
        kept = [insert_first(codec, kept[0], sei_of(codec, group[0])), *kept[1:]]
    return retimed(joined([*groups[:first], kept, *groups[first + count + 1 :]]))


def insert_first(codec: Codec, packet: Packet, nal: bytes) -> Packet:
    """In front of the SEIs that are there."""
    nals = nals_of(packet)
    at = next(place for place, each in enumerate(nals) if has_uuid(codec, each) or is_slice(codec, each))
    return with_nals(packet, [*nals[:at], nal, *nals[at:]])


def with_gops_swapped(packets: Stream, one: int, other: int) -> Stream:
    groups = gops(packets)
    groups[one], groups[other] = groups[other], groups[one]
    return retimed(joined(groups))


def with_pictures_swapped_but_not_seis(codec: Codec, packets: Stream, one: int, other: int) -> Stream:
    """Whole GOPs change places, the SEIs stay where they were."""
    groups = gops(packets)
    seis = [sei_of(codec, groups[place][0]) for place in (one, other)]
    for place, source, sei in ((one, other, seis[0]), (other, one, seis[1])):
        bare = without_seis(codec, gops(packets)[source])
        groups[place] = [insert(bare[0], codec, sei), *bare[1:]]
    return retimed(joined(groups))


def with_gop_twice(packets: Stream, place: int) -> Stream:
    groups = gops(packets)
    return retimed(joined([*groups[: place + 1], *groups[place:]]))


# SEIs.


def without_seis(codec: Codec, packets: Stream) -> Stream:
    return [each_nal(packet, lambda nal: None if has_uuid(codec, nal) else nal) for packet in packets]


def in_gop(packets: Stream, place: int, change: Callable[[Stream], Stream]) -> Stream:
    groups = gops(packets)
    groups[place] = change(groups[place])
    return joined(groups)


def with_sei_changed(codec: Codec, packets: Stream, place: int, change: Callable[[bytes], bytes | None]) -> Stream:
    """The SEI that stands in GOP `place`, which speaks of the one before."""

    def changed(nal: bytes) -> bytes | None:
        return change(nal) if has_uuid(codec, nal) else nal

    return in_gop(packets, place, lambda group: [each_nal(group[0], changed), *group[1:]])


def sei_bit(where: str) -> Callable[[bytes], bytes]:
    """A bit in a part of a SEI that our node made; the stated size stays right whatever emulation prevention makes of it."""

    def change(nal: bytes) -> bytes:
        raw = without_prevention(nal)
        text, end = raw.find(b"edge-recorder"), raw.find(b"-----END CERTIFICATE-----\n") + 26
        places = {
            "uuid": raw.find(bytes.fromhex("005bc93f")) + 2,
            "text": text + 3,
            "certificate": raw.find(b"BEGIN CERTIFICATE") + 200,
            "start": end + 3 + 5 + 4,
            "counter": end + 3 + 21 + 3,
            "gop hash": end + 3 + 27,
            "link": end + 3 + 59,
            "hash list": end + 94 + 4 + 40,
            "signature": len(raw) - 1 - 72 + 20,
        }
        return with_prevention(flipped(raw[:-1], places[where])) + raw[-1:]

    return change


def with_sei_elsewhere(codec: Codec, packets: Stream, source: int, target: int) -> Stream:
    """The SEI that stands in GOP `source` stands in GOP `target` instead, beside its own."""
    sei = sei_of(codec, gops(packets)[source][0])
    bare = with_sei_changed(codec, packets, source, lambda nal: None)
    return in_gop(bare, target, lambda group: [insert(group[0], codec, sei), *group[1:]])


def with_other_certificate(codec: Codec, nal: bytes) -> bytes:
    """The SEI with the certificate of another node in the place of its own; sizes are put right, the signature stays."""
    if not has_uuid(codec, nal):
        return nal
    raw = without_prevention(nal)
    start, end = raw.find(b"-----BEGIN"), raw.find(b"-----END CERTIFICATE-----\n") + 26
    fields = raw[raw.find(UUID) + 16 : start - 5]
    other = b"\1\0" + node("pole-18").certificates
    body = UUID + fields + bytes((CERTIFICATES,)) + len(other).to_bytes(2, "big") + other + raw[end:-1]
    head = raw[: 2 if codec == "h264" else 3] + b"\xff" * (len(body) // 255) + bytes((len(body) % 255,))
    return with_prevention(head + body) + raw[-1:]


# Pictures.


def with_slice_bit_flipped(codec: Codec, packets: Stream, gop: int, picture: int) -> Stream:
    """In the middle of the coded data, away from zeros that emulation prevention looks at."""

    def changed(nal: bytes) -> bytes:
        if not is_slice(codec, nal):
            return nal
        at = next(place for place in range(len(nal) // 2, len(nal)) if nal[place] > 16)
        return flipped(nal, at)

    return in_gop(packets, gop, lambda group: [each_nal(each, changed) if n == picture else each for n, each in enumerate(group)])


def without_picture(packets: Stream, gop: int, picture: int) -> Stream:
    return retimed(in_gop(packets, gop, lambda group: [each for n, each in enumerate(group) if n != picture]))


def without_idr(codec: Codec, packets: Stream, gop: int) -> Stream:
    """The key frame goes, its SEI rides on in front of the next key frame."""
    groups = gops(packets)
    following = groups[gop + 1]
    following = [insert_first(codec, following[0], sei_of(codec, groups[gop][0])), *following[1:]]
    return retimed(joined([*groups[:gop], groups[gop][1:], following, *groups[gop + 2 :]]))


def headless(codec: Codec, packets: Stream, pictures: int) -> Stream:
    """Without the first pictures; a file has to begin with something that is called a key frame, and needs parameter sets in front."""
    sets = [nal for nal in nals_of(packets[0]) if is_parameter_set(codec, nal)]
    first = packets[pictures]
    return retimed([msgspec.structs.replace(with_nals(first, [*sets, *nals_of(first)]), key=True), *packets[pictures + 1 :]])


def with_picture(packets: Stream, gop: int, picture: int, foreign: Packet) -> Stream:
    return retimed(in_gop(packets, gop, lambda group: [*group[:picture], foreign, *group[picture:]]))


def with_pictures_in_other_order(packets: Stream, gop: int, one: int, other: int) -> Stream:
    def change(group: Stream) -> Stream:
        changed = list(group)
        changed[one], changed[other] = changed[other], changed[one]
        return changed

    return retimed(in_gop(packets, gop, change))


def with_slice_added(codec: Codec, packets: Stream, gop: int, picture: int, foreign: Packet) -> Stream:
    """A second slice in a picture, which a decoder draws over the first."""
    extra = next(nal for nal in nals_of(foreign) if is_slice(codec, nal))
    return in_gop(
        packets,
        gop,
        lambda group: [with_nals(each, [*nals_of(each), extra]) if n == picture else each for n, each in enumerate(group)],
    )


def as_uncovered_kind(packet: Packet) -> Packet:
    """The same H.265 picture as a kind that no signature lists and each decoder shows: TSA_N."""
    return each_nal(packet, lambda nal: bytes((2 << 1, 2)) + nal[2:] if nal_type("h265", nal) <= 1 else nal)


# Parameter sets and time.


def other_sps(codec: Codec, nal: bytes) -> bytes:
    """Another level: as long as before, and decoders do not mind."""
    if nal_type(codec, nal) != (7 if codec == "h264" else 33):
        return nal
    raw = bytearray(without_prevention(nal))
    raw[3 if codec == "h264" else 14] += 3
    return with_prevention(bytes(raw))


def with_sps_changed(codec: Codec, packets: Stream) -> Stream:
    return [each_nal(packet, lambda nal: other_sps(codec, nal)) if packet.key else packet for packet in packets]


def slowed(packets: Stream, times: float) -> Stream:
    return retimed(packets, [round(packet.duration_ns * times) for packet in packets])


def with_gop_stretched(packets: Stream, place: int, times: float) -> Stream:
    lengths = [round(packet.duration_ns * (times if n == place else 1)) for n, group in enumerate(gops(packets)) for packet in group]
    return retimed(packets, lengths)
