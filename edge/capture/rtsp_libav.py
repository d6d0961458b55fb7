"""Network cameras through PyAV: option client = "libav" of `rtsp`, for cameras that only a general library understands.

Costs about twice the CPU time and memory of our own client: libav reads packet by packet. Options and rules are those of `rtsp`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from fractions import Fraction

import av

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.access import Assembler, has_picture
from edge.capture.address import address_of
from edge.capture.dial import Line, dial, reason
from edge.capture.luma import LumaTap
from edge.capture.options import only, text
from edge.capture.pump import Pump
from edge.capture.rtsp import OPTIONS, watch_second
from edge.capture.source import CameraUnreachable, Picture
from edge.capture.timestamps import Smoother, Unit
from edge.clock import NS_PER_S, monotonic_s
from edge.errors import TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

log = logging.getLogger(__name__)

FIRST_KEY_S = 6.0
ASSUMED_PERIOD_NS = NS_PER_S // 25
CLOSE_S = 1.0


class LibavRtspSource:
    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, OPTIONS, "network")
        login = text(options, "user", ""), text(options, "password", "")
        self._settings = settings
        self._address = address_of(settings.source, *login)
        self._luma_address = address_of(settings.luma_source, *login) if settings.luma_source else None
        self._keys_for_luma = text(options, "luma", "key", ("key", "off")) == "key"
        self._assembler: Assembler | None = None
        self._tap: LumaTap | None = None
        self._pump: Pump | None = None
        self._second: Pump | None = None
        self._first: Packet | None = None

    @property
    def dropped(self) -> int:
        return self._pump.dropped if self._pump is not None else 0

    @property
    def note(self) -> str:
        return self._assembler.timeline.note if self._assembler is not None else ""

    def open(self) -> StreamInfo:
        settings = self._settings
        line = dial(self._address)
        period_ns = round(NS_PER_S / line.fps) if line.fps else ASSUMED_PERIOD_NS
        assembler = self._assembler = Assembler(line.codec, period_ns, line.known_sets, _arrival)
        if settings.luma_path and not self._luma_address and self._keys_for_luma:
            self._tap = LumaTap(line.codec, settings.luma_width, settings.luma_height, settings.luma_fps, keys_only=True)
        main = Pump("rtsp", lambda pump: self._receive(line, assembler, Smoother(period_ns), pump))
        self._pump = main
        main.start()
        if settings.luma_path and self._luma_address:
            self._second = watch_second(self._luma_address, settings, text(settings.options, "ca", ""))
        sets = parameter_sets(line.codec, nal.split(line.known_sets))
        if sets is None:
            self._first = self._first_key(main)
            sets = parameter_sets(line.codec, nal.split(self._first.data))
        size = (sets.size() if sets else None) or (line.stream.codec_context.width, line.stream.codec_context.height)
        return StreamInfo(
            epoch=0,
            codec=line.codec,
            width=size[0],
            height=size[1],
            fps=line.fps,
            parameter_sets=sets.annexb() if sets else b"",
            sensor_time=False,
            source_name=f"{self._address.shown} {line.codec} {size[0]}x{size[1]}",
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._first is not None:
            packet, self._first = self._first, None
            return packet
        if self._pump is None:
            raise TryAgain(f"{self._address.shown} is not open")
        picture = self._second.newest() if self._second is not None else None
        return picture if picture is not None else self._pump.get(timeout_s)

    def close(self) -> None:
        pumps = [pump for pump in (self._pump, self._second) if pump is not None]
        self._pump = self._second = self._first = None
        for pump in pumps:
            pump.stopping.set()
        for pump in pumps:
            if not pump.close(CLOSE_S):
                log.warning("%s: a connection takes its time to close", self._address.shown)

    def _first_key(self, main: Pump) -> Packet:
        """A server that describes no parameter sets shows them with its first key frame."""
        until_s = monotonic_s() + FIRST_KEY_S
        while (left_s := until_s - monotonic_s()) > 0:
            item = main.get(left_s)
            if isinstance(item, Packet):
                return item
        raise CameraUnreachable(f"{self._address.shown} sent no key frame with parameter sets in {FIRST_KEY_S:g} s")

    def _receive(self, line: Line, assembler: Assembler, smoother: Smoother, pump: Pump) -> None:
        """The pump's work: until the connection breaks or nobody wants it."""
        words = "the camera closed the connection"
        with line.container:
            try:
                for unit in _units(line, pump):
                    packet = assembler.add(unit)
                    if packet is not None:
                        self._hand_over(smoother.add(packet), pump)
            except av.error.FFmpegError as broken:
                words = reason(broken)
            last = assembler.flush()
            self._hand_over(smoother.add(last) if last is not None else [], pump)
            self._hand_over(smoother.flush(), pump)
        raise CameraUnreachable(f"{self._address.shown}: {words}")

    def _hand_over(self, packets: list[Packet], pump: Pump) -> None:
        for packet in packets:
            pump.put(packet)
            picture = self._tap.feed(packet) if self._tap is not None else None
            if picture is not None:
                pump.put(picture)


def _units(line: Line, pump: Pump) -> Iterator[Unit]:
    """Packets as they arrive. The end of the stream is an empty packet; one without time stamps is not (the first after PLAY has none)."""
    for packet in line.container.demux(line.stream):
        if pump.stopping.is_set() or not packet.size:
            return
        data = bytes(packet)
        base = packet.time_base
        yield Unit(
            _ns(packet.pts, base),
            _ns(packet.dts, base),
            time.clock_gettime_ns(time.CLOCK_BOOTTIME),
            packet.is_keyframe,
            has_picture(line.codec, data),
            data,
        )


def _ns(stamp: int | None, base: Fraction) -> int | None:
    return stamp * base.numerator * NS_PER_S // base.denominator if stamp is not None else None


def _arrival(_dts_ns: int, arrival_ns: int) -> int:
    return arrival_ns
