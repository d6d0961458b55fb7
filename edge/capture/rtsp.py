"""Network cameras: RTSP over TCP, H.264 or H.265, handed on bit by bit.

Options ([camera.options]): user, password (from the camera's secrets file; they appear in no log line, error text or process list), luma
("key": decode key frames for the watcher; "off"). With luma_source, a second low-resolution stream is decoded for the watcher instead.

Time is arrival, not sensor time: RTP's own clock starts anywhere and drifts. `timestamps.ArrivalClock` takes the network's jitter out.
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
from edge.capture.dial import Address, Line, address_of, dial, reason
from edge.capture.luma import LumaTap
from edge.capture.options import only, text
from edge.capture.pump import Pump
from edge.capture.restart import Backoff
from edge.capture.source import CameraUnreachable, Picture
from edge.capture.timestamps import Smoother, Unit
from edge.clock import NS_PER_S, monotonic_s
from edge.errors import EdgeError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

log = logging.getLogger(__name__)

FIRST_KEY_S = 6.0
ASSUMED_PERIOD_NS = NS_PER_S // 25
CLOSE_S = 1.0
_OPTIONS = ("user", "password", "luma")


class RtspSource:
    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, _OPTIONS, "network")
        login = text(options, "user", ""), text(options, "password", "")
        self._settings = settings
        self._address = address_of(settings.source, *login)
        self._luma_address = address_of(settings.luma_source, *login) if settings.luma_source else None
        self._keys_for_luma = text(options, "luma", "key", ("key", "off")) == "key"
        self._assembler: Assembler | None = None
        self._tap: LumaTap | None = None
        self._pumps: list[Pump] = []
        self._first: Packet | None = None

    @property
    def dropped(self) -> int:
        return self._pumps[0].dropped if self._pumps else 0

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
        self._pumps.append(main)
        main.start()
        if settings.luma_path and self._luma_address:
            self._watch_second(self._luma_address, main)
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
        if not self._pumps:
            raise TryAgain(f"{self._address.shown} is not open")
        return self._pumps[0].get(timeout_s)

    def close(self) -> None:
        for pump in self._pumps:
            pump.stopping.set()
        for pump in self._pumps:
            if not pump.close(CLOSE_S):
                log.warning("%s: a connection takes its time to close", self._address.shown)
        self._pumps, self._first = [], None

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

    def _watch_second(self, address: Address, main: Pump) -> None:
        second = Pump("rtsp-luma", lambda pump: _watch(address, self._settings, pump, main))
        self._pumps.append(second)
        second.start()


def _watch(address: Address, settings: CameraSettings, pump: Pump, into: Pump) -> None:
    """The second stream's work: pictures for as long as the camera gives them; its troubles never touch the recording."""
    backoff = Backoff(first_s=2.0, max_s=60.0)
    while not pump.stopping.is_set():
        try:
            line = dial(address)
            with line.container:
                tap = LumaTap(line.codec, settings.luma_width, settings.luma_height, settings.luma_fps, keys_only=False)
                assembler = Assembler(line.codec, ASSUMED_PERIOD_NS, line.known_sets, _arrival)
                for unit in _units(line, pump):
                    packet = assembler.add(unit)
                    picture = tap.feed(packet) if packet is not None else None
                    if picture is not None:
                        backoff.reset()
                        into.put(picture)
            words = "closed"
        except EdgeError as error:
            words = str(error)
        except av.error.FFmpegError as broken:
            words = reason(broken)
        if not pump.stopping.is_set():
            wait_s = backoff.next_s()
            log.warning("camera %s: no pictures for the watcher (%s); again in %.1f s", settings.id, words, wait_s)
            pump.stopping.wait(wait_s)


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
