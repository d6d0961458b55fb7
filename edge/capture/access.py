"""From a source's packets to access units of the port's contract: merged, timed, parameter sets in front of each key frame."""

from __future__ import annotations

from collections.abc import Callable

from edge.bmff import nal
from edge.bmff.params import ParameterSets, parameter_sets
from edge.capture.timestamps import Merger, Timeline, Unit
from edge.messages.stream import Codec, Packet

BootOf = Callable[[int, int], int]
"""(dts_ns of the epoch, arrival_ns) -> boot_ns."""


def has_picture(codec: Codec, data: bytes) -> bool:
    """Whether there is a coded slice. Looks at the first NAL unit and at the others only when that is none: nearly always enough."""
    start = data.find(b"\0\0\1", 0, 8) + 3
    if start >= 3 and nal.is_slice(codec, data[start : start + 1]):
        return True
    return any(nal.is_slice(codec, each) for each in nal.split(data))


def is_key(codec: Codec, data: bytes) -> bool:
    """Whether decoding can start here (IDR; H.265 IRAP). A recovery point is not enough: pictures behind it may refer to before it."""
    return any(nal.is_idr(codec, each) for each in nal.split(data))


class KeyFrames:
    """Remembers the newest parameter sets and puts them in front of key frames that come without."""

    def __init__(self, codec: Codec, known: bytes = b"") -> None:
        self.codec: Codec = codec
        self.sets: ParameterSets | None = parameter_sets(codec, nal.split(known))

    def whole(self, data: bytes) -> bytes | None:
        """A key frame with its parameter sets first; None while none are known."""
        nals = nal.split(data)
        own = parameter_sets(self.codec, nals)
        if own is not None:
            self.sets = own
            return data if _leads(self.codec, nals) else own.annexb() + data
        return self.sets.annexb() + data if self.sets is not None else None


def _leads(codec: Codec, nals: list[memoryview]) -> bool:
    """Whether a parameter set comes first, but for an access unit delimiter."""
    delimiter = 9 if codec == "h264" else 35
    first = next((each for each in nals if nal.nal_type(codec, each) != delimiter), None)
    return first is not None and nal.is_parameter_set(codec, first)


class Assembler:
    """Units of one stream -> Packets of epoch 0. Everything before the first usable key frame is dropped. One thread."""

    def __init__(self, codec: Codec, nominal_ns: int, known_sets: bytes, boot_of: BootOf, *, merge: bool = True) -> None:
        self.codec: Codec = codec
        self._nominal_ns = nominal_ns
        self._boot_of = boot_of
        self._keys = KeyFrames(codec, known_sets)
        self._merger = Merger() if merge else None
        self.timeline = Timeline(nominal_ns)
        self._seq = 0
        self._last_boot_ns = 0

    def add(self, unit: Unit) -> Packet | None:
        whole = self._merger.add(unit) if self._merger else unit
        return self._packet(whole) if whole is not None else None

    def flush(self) -> Packet | None:
        """What was held back, at the end of the stream."""
        whole = self._merger.flush() if self._merger else None
        return self._packet(whole) if whole is not None else None

    def _packet(self, unit: Unit) -> Packet | None:
        data = unit.data
        key = unit.key and is_key(self.codec, data)
        if key:
            complete = self._keys.whole(data)
            if complete is None:
                return None
            data = complete
        elif self._seq == 0:
            return None
        placed = self.timeline.place(unit.pts_ns, unit.dts_ns, unit.arrival_ns)
        self._last_boot_ns = max(self._last_boot_ns, self._boot_of(placed.dts_ns, unit.arrival_ns))
        packet = Packet(
            epoch=0,
            seq=self._seq,
            key=key,
            pts_ns=placed.pts_ns,
            dts_ns=placed.dts_ns,
            duration_ns=self._nominal_ns,
            boot_ns=self._last_boot_ns,
            data=data,
        )
        self._seq += 1
        return packet
