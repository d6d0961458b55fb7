"""A source's time stamps made fit for a recording. Pure: arrival times come in as numbers.

Cameras repeat time stamps, reset them, jump by hours and deliver in bursts. Media time of an epoch must do none of this; where it would,
it is corrected and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import msgspec

from edge.messages.stream import Packet

JUMP_NS = 2_000_000_000
"""A step of media time that differs from the time that really passed by more than this is a jump, not jitter."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A packet of a source before it is one access unit. Time stamps in ns of the source's own clock, None where it has none.
    picture: has a coded slice (not only parameter sets, SEI, delimiters)."""

    pts_ns: int | None
    dts_ns: int | None
    arrival_ns: int
    key: bool
    picture: bool
    data: bytes


class Merger:
    """Joins what belongs to one access unit: packets with the same time stamp, and parameter sets with the picture behind them.

    Holds one unit back, since only the next one shows that it is whole."""

    def __init__(self) -> None:
        self._held: Unit | None = None

    def add(self, unit: Unit) -> Unit | None:
        """The unit that is now whole, if any."""
        held = self._held
        if held is None or not held.picture or (unit.dts_ns is not None and unit.dts_ns == held.dts_ns):
            self._held = unit if held is None else _joined(held, unit)
            return None
        self._held = unit
        return held

    def flush(self) -> Unit | None:
        """The last unit, when the stream ended; None when only parameter sets are left."""
        held, self._held = self._held, None
        return held if held is not None and held.picture else None


def _joined(first: Unit, second: Unit) -> Unit:
    times = first if first.picture or second.dts_ns is None else second
    return Unit(
        pts_ns=times.pts_ns,
        dts_ns=times.dts_ns,
        arrival_ns=first.arrival_ns,
        key=first.key or second.key,
        picture=first.picture or second.picture,
        data=first.data + second.data,
    )


class DecodingOrder:
    """RTP tells when a picture is shown, not when it is decoded. With B-frames pictures come out of order; the decoding time of the n-th
    one is then the n-th smallest time of showing, shifted by as many pictures as they are out of order."""

    def __init__(self, first_ns: Sequence[int], period_ns: int) -> None:
        """first_ns: times of showing of the first pictures as they came; they tell how far out of order they are."""
        late = [sum(earlier > stamp for earlier in first_ns[:place]) for place, stamp in enumerate(first_ns)]
        self._depth = max(late, default=0)
        self._period_ns = period_ns
        self._waiting: list[int] = []
        self._missing = self._depth
        self._newest_ns: int | None = None

    def ordered(self, unit: Unit) -> Unit:
        """The unit with its decoding time. Deeper disorder than seen at first is learnt on the way (`Timeline` straightens that place)."""
        shown_ns = unit.pts_ns
        if shown_ns is None:
            return unit
        if self._depth == 0:
            if self._newest_ns is None or shown_ns > self._newest_ns or self._newest_ns - shown_ns > JUMP_NS:
                self._newest_ns = shown_ns
                return unit
            self._depth = 1
        heappush(self._waiting, shown_ns)
        if len(self._waiting) > self._depth:
            return replace(unit, dts_ns=heappop(self._waiting))
        decoded_ns = self._waiting[0] - self._missing * self._period_ns
        self._missing = max(0, self._missing - 1)
        return replace(unit, dts_ns=decoded_ns)


@dataclass(frozen=True, slots=True)
class Placed:
    pts_ns: int
    dts_ns: int


class Timeline:
    """Media time of one epoch: begins at 0, strictly increases, takes no jumps.

    nominal_ns: a frame's duration, for units without time stamps and behind a jump. clamped, jumps: corrections so far.
    """

    def __init__(self, nominal_ns: int, jump_ns: int = JUMP_NS) -> None:
        self._nominal_ns = nominal_ns
        self._jump_ns = jump_ns
        self._shift_ns: int | None = None
        self._last_ns: int | None = None
        self._arrival_ns = 0
        self.clamped = 0
        self.jumps = 0

    @property
    def note(self) -> str:
        """Corrections so far in words, "" where there were none."""
        words = ((self.clamped, "time stamps corrected"), (self.jumps, "jumps of time"))
        return ", ".join(f"{count} {what}" for count, what in words if count)

    def place(self, pts_ns: int | None, dts_ns: int | None, arrival_ns: int) -> Placed:
        """`arrival_ns`: when it came, on any steady clock; what a jump of the source's time stamps is measured against."""
        raw_ns = dts_ns if dts_ns is not None else pts_ns
        following_ns = 0 if self._last_ns is None else self._last_ns + self._nominal_ns
        if raw_ns is None:
            return self._placed(following_ns, arrival_ns, 0)
        delay_ns = pts_ns - raw_ns if pts_ns is not None else 0
        if self._shift_ns is None or self._last_ns is None:
            self._shift_ns = following_ns - raw_ns
            return self._placed(following_ns, arrival_ns, delay_ns)
        step_ns = raw_ns + self._shift_ns - self._last_ns
        elapsed_ns = arrival_ns - self._arrival_ns
        if step_ns < -self._jump_ns or step_ns > elapsed_ns + self._jump_ns:
            self.jumps += 1
            step_ns = max(self._nominal_ns, elapsed_ns)
            self._shift_ns = self._last_ns + step_ns - raw_ns
        elif step_ns < 1:
            self.clamped += 1
            step_ns = 1
        return self._placed(self._last_ns + step_ns, arrival_ns, delay_ns)

    def _placed(self, dts_ns: int, arrival_ns: int, delay_ns: int) -> Placed:
        self._last_ns, self._arrival_ns = dts_ns, arrival_ns
        return Placed(dts_ns + min(max(delay_ns, 0), self._jump_ns), dts_ns)


class ArrivalClock:
    """When a picture was taken, as far as arrival can tell: the earliest arrivals are the truest.

    Follows the smallest difference between arrival and media time, lets it grow by at most `drift_ppm` (two quartzes), and starts anew
    when the difference has grown by more than `rebase_ns` (the source paused). Never goes back, never lies in the future of arrival.
    """

    def __init__(self, drift_ppm: int = 200, rebase_ns: int = JUMP_NS) -> None:
        self._drift_ppm = drift_ppm
        self._rebase_ns = rebase_ns
        self._offset_ns: int | None = None
        self._arrival_ns = 0
        self._last_ns = 0

    def boot_ns(self, dts_ns: int, arrival_ns: int) -> int:
        """`dts_ns`: media time of the epoch; `arrival_ns`: CLOCK_BOOTTIME."""
        offset_ns = arrival_ns - dts_ns
        known_ns = self._offset_ns
        if known_ns is None or offset_ns < known_ns or offset_ns - known_ns > self._rebase_ns:
            self._offset_ns = offset_ns
        else:
            drift_ns = (arrival_ns - self._arrival_ns) * self._drift_ppm // 1_000_000
            self._offset_ns = min(offset_ns, known_ns + max(0, drift_ns))
        self._arrival_ns = arrival_ns
        self._last_ns = max(self._last_ns, dts_ns + self._offset_ns)
        return self._last_ns


class Smoother:
    """Packets whose boot_ns is their arrival -> packets whose boot_ns is when they were taken, as far as `ArrivalClock` can tell.

    A connection begins with a burst: what piled up while it was opened, or a camera's stored GOP. Its packets arrive together but were
    taken one after the other, so they are held until arrivals come apart, and all timed by the last, truest ones.
    """

    MOST = 300

    def __init__(self, nominal_ns: int) -> None:
        self._apart_ns = nominal_ns * 2 // 5
        self._clock = ArrivalClock()
        self._held: list[Packet] | None = []

    def add(self, packet: Packet) -> list[Packet]:
        """What can be timed now, in order."""
        held = self._held
        if held is None:
            return [_retimed(packet, self._clock.boot_ns(packet.dts_ns, packet.boot_ns))]
        apart = bool(held) and packet.boot_ns - held[-1].boot_ns >= self._apart_ns
        held.append(packet)
        return self.flush() if apart or len(held) >= self.MOST else []

    def flush(self) -> list[Packet]:
        """What is still held, when the stream ended or the burst is over."""
        held, self._held = self._held, None
        if not held:
            return []
        offset_ns = min(packet.boot_ns - packet.dts_ns for packet in held)
        last = held[-1]
        self._clock.boot_ns(last.dts_ns, last.dts_ns + offset_ns)
        return [_retimed(packet, packet.dts_ns + offset_ns) for packet in held]


def _retimed(packet: Packet, boot_ns: int) -> Packet:
    return msgspec.structs.replace(packet, boot_ns=boot_ns)
