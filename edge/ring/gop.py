"""One group of pictures and where its pictures lie on the segment's media timeline. Pure.

Media time in a file counts ticks from the segment's first picture. Time stamps come from cameras, so they repeat, jump and run backwards:
a jump never reaches the file. Inside a GOP the pictures behind it are kept and moved to where the boot clock saw them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bmff.boxes import Buffer
from edge.bmff.fragment import Sample, ticks
from edge.bmff.nal import split
from edge.clock import NS_PER_S
from edge.messages.stream import Packet

JUMP_NS = NS_PER_S
"""A step of the time stamps beyond one picture's duration plus this, or any step back, is a jump."""
_LONGEST_PICTURE_NS = 30 * NS_PER_S
"""No stall lasts longer within one worker's life; keeps every duration far inside 32 bits."""
_FALLBACK_PICTURE_NS = 40_000_000


@dataclass(frozen=True, slots=True)
class Gop:
    """Access units from one key frame up to the next. next_dts_ns: time stamp of the key frame that follows without a hole in the same
    epoch, None where unknown (end of the stream): the last picture then lasts its nominal duration. units: NAL units of each access unit
    as they are to be stored; empty: as they came. counter: of its signature within the span, None where it gets none."""

    packets: list[Packet]
    next_dts_ns: int | None = None
    units: Sequence[Sequence[Buffer]] = ()
    counter: int | None = None

    @property
    def epoch(self) -> int:
        return self.packets[0].epoch

    @property
    def boot_ns(self) -> int:
        """Of the key frame."""
        return self.packets[0].boot_ns

    @property
    def size(self) -> int:
        """Bytes of video."""
        return sum(len(packet.data) for packet in self.packets)


@dataclass(frozen=True, slots=True)
class Jump:
    """by_ns: how far the time stamps moved beyond (or, negative, behind) the expected. from_boot_ns, to_boot_ns: the pictures around it."""

    by_ns: int
    from_boot_ns: int
    to_boot_ns: int


@dataclass(frozen=True, slots=True)
class Laid:
    """samples: in decoding order. ticks: their total length. jumps: inside the GOP or right behind it. joins: the next GOP may follow
    in the same segment."""

    samples: list[Sample]
    ticks: int
    jumps: list[Jump]
    joins: bool


def picture_ns(gop: Gop, fps: float | None) -> int:
    """Nominal duration of one picture: what the packets say, else the stream, else the distance of the first two."""
    first = gop.packets[0]
    if first.duration_ns > 0:
        return min(first.duration_ns, _LONGEST_PICTURE_NS)
    if fps:
        return min(round(NS_PER_S / fps), _LONGEST_PICTURE_NS)
    if len(gop.packets) > 1 and 0 < (step := gop.packets[1].dts_ns - first.dts_ns) <= JUMP_NS:
        return step
    return _FALLBACK_PICTURE_NS


def units_of(gop: Gop) -> Sequence[Sequence[Buffer]]:
    """NAL units, access unit by access unit."""
    return gop.units or [split(packet.data) for packet in gop.packets]


def length_ns(gop: Gop, fps: float | None) -> int:
    """From its key frame to the next one, or to where its last picture ends."""
    first, last = gop.packets[0], gop.packets[-1]
    nominal_ns = picture_ns(gop, fps)
    limit_ns = nominal_ns * len(gop.packets) + JUMP_NS
    if gop.next_dts_ns is not None and 0 < gop.next_dts_ns - first.dts_ns <= limit_ns:
        return gop.next_dts_ns - first.dts_ns
    seen_ns = last.boot_ns - first.boot_ns + nominal_ns
    return seen_ns if 0 < seen_ns <= limit_ns else nominal_ns * len(gop.packets)


def lay_out(gop: Gop, origin_dts_ns: int, start_ticks: int, fps: float | None) -> Laid:
    """Place the pictures of `gop` in a segment whose first picture has the time stamp `origin_dts_ns` and which is `start_ticks` long
    so far."""
    nominal_ns = picture_ns(gop, fps)
    followers = [*(packet.dts_ns for packet in gop.packets[1:]), gop.next_dts_ns]
    jumps: list[Jump] = []
    samples: list[Sample] = []
    place_ns = gop.packets[0].dts_ns - origin_dts_ns
    begin = start_ticks
    for packet, units, following_ns in zip(gop.packets, units_of(gop), followers, strict=True):
        step_ns = nominal_ns if following_ns is None else following_ns - packet.dts_ns
        if not 0 < step_ns <= nominal_ns + JUMP_NS:
            seen_ns = _seen_ns(gop.packets, len(samples), nominal_ns)
            jumps.append(Jump(step_ns - seen_ns, packet.boot_ns, packet.boot_ns + seen_ns))
            step_ns = seen_ns
        place_ns += step_ns
        end = max(begin + 1, ticks(place_ns))
        cto = ticks(min(max(packet.pts_ns - packet.dts_ns, 0), _LONGEST_PICTURE_NS))
        samples.append(Sample(units, end - begin, cto, packet.key))
        begin = end
    return Laid(samples, begin - start_ticks, jumps, joins=gop.next_dts_ns is not None and not jumps)


def _seen_ns(packets: list[Packet], position: int, nominal_ns: int) -> int:
    """How long the picture lasted by the boot clock, when its time stamp cannot be asked."""
    if position + 1 == len(packets):
        return nominal_ns
    return min(max(packets[position + 1].boot_ns - packets[position].boot_ns, nominal_ns), _LONGEST_PICTURE_NS)
