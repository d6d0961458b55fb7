"""Network cameras: RTSP, H.264 or H.265, handed on bit by bit by a client of our own (`rtsp_session`).

Options ([camera.options]): user, password (from the camera's secrets file; they appear in no log line, error text or process list), luma
("key": decode key frames for the watcher; "off"), client ("own"; "libav" for cameras that only a general library understands), ca (PEM file
for rtsps), transport ("tcp"; "udp" where packets may get lost but must not get late). With luma_source, a second low-resolution stream is
decoded for the watcher instead. PyAV is loaded only to decode.

Time is arrival, not sensor time: RTP's own clock starts anywhere and drifts. `timestamps.Smoother` takes the network's jitter out.
"""

from __future__ import annotations

import logging
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from edge.bmff import nal
from edge.bmff.params import ParameterSets, parameter_sets
from edge.capture.access import Assembler
from edge.capture.address import Address, address_of
from edge.capture.options import only, text
from edge.capture.pump import Pump
from edge.capture.restart import Backoff
from edge.capture.rtsp_session import RtspSession
from edge.capture.source import CameraUnreachable, Picture
from edge.capture.timestamps import DecodingOrder, Smoother, Unit
from edge.clock import NS_PER_S, monotonic_s
from edge.errors import EdgeError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

if TYPE_CHECKING:
    from edge.capture.luma import LumaTap

log = logging.getLogger(__name__)

LEARN_UNITS = 12
LEARN_S = 1.0
FIRST_KEY_S = 4.0
ASSUMED_PERIOD_NS = NS_PER_S // 25
CLOSE_S = 1.0
OPTIONS = ("user", "password", "luma", "client", "ca", "transport")


class Feed:
    """Packets of one camera: session, decoding order, access units, time. Shared by the recorded and the watched stream. One thread."""

    def __init__(self, address: Address, trust: str, udp: bool) -> None:
        """Connects, and looks at the first half second. Raises CameraUnreachable or ConfigError."""
        self._session, video = RtspSession.open(address, trust, udp)
        try:
            first = self._learn()
            stamps = [unit.pts_ns for unit in first if unit.pts_ns is not None]
            self.codec = video.codec
            self.fps = video.fps or rate_of(stamps)
            period_ns = round(NS_PER_S / self.fps) if self.fps else ASSUMED_PERIOD_NS
            self._order = DecodingOrder(stamps, period_ns)
            self._assembler = Assembler(video.codec, period_ns, video.parameter_sets, _arrival)
            self._smoother = Smoother(period_ns)
            self._ready: deque[Packet] = deque()
            self._take(first)
            self.sets = parameter_sets(video.codec, nal.split(video.parameter_sets)) or self._sets_of_first_key(address)
        except EdgeError:
            self._session.close()
            raise

    def packets(self, timeout_s: float) -> deque[Packet]:
        """Those that came, for the caller to take out; empty when nothing came in time. Raises CameraUnreachable."""
        if not self._ready:
            try:
                self._take(self._session.units(timeout_s))
            except CameraUnreachable:
                last = self._assembler.flush()
                self._ready += self._smoother.add(last) if last is not None else ()
                self._ready += self._smoother.flush()
                if not self._ready:
                    raise
        return self._ready

    @property
    def note(self) -> str:
        arrived = self._session.depacketizer
        words = (
            self._assembler.timeline.note,
            f"{arrived.lost} RTP packets lost" if arrived.lost else "",
            f"{arrived.broken} pictures broken" if arrived.broken else "",
        )
        return ", ".join(filter(None, words))

    def close(self) -> None:
        self._session.close()

    def _take(self, units: list[Unit]) -> None:
        for unit in units:
            packet = self._assembler.add(self._order.ordered(unit))
            if packet is not None:
                self._ready += self._smoother.add(packet)

    def _learn(self) -> list[Unit]:
        """Enough to see the frame rate and whether pictures come out of order."""
        units: list[Unit] = []
        until_s = monotonic_s() + LEARN_S
        while len(units) < LEARN_UNITS and (left_s := until_s - monotonic_s()) > 0:
            units += self._session.units(left_s)
        return units

    def _sets_of_first_key(self, address: Address) -> ParameterSets:
        """A camera that does not describe its parameter sets shows them with its first key frame."""
        until_s = monotonic_s() + FIRST_KEY_S
        while not self._ready and (left_s := until_s - monotonic_s()) > 0:
            self._take(self._session.units(left_s))
        sets = parameter_sets(self.codec, nal.split(self._ready[0].data)) if self._ready else None
        if sets is None:
            raise CameraUnreachable(f"{address.shown} sent no key frame with parameter sets in {FIRST_KEY_S:g} s")
        return sets


class RtspSource:
    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, OPTIONS, "network")
        login = text(options, "user", ""), text(options, "password", "")
        self._settings = settings
        self._trust = text(options, "ca", "")
        self._udp = text(options, "transport", "tcp", ("tcp", "udp")) == "udp"
        self._address = address_of(settings.source, *login)
        self._luma_address = address_of(settings.luma_source, *login) if settings.luma_source else None
        self._keys_for_luma = text(options, "luma", "key", ("key", "off")) == "key"
        self._feed: Feed | None = None
        self._tap: LumaTap | None = None
        self._second: Pump | None = None
        self._picture: Picture | None = None
        self.dropped = 0

    @property
    def note(self) -> str:
        return self._feed.note if self._feed is not None else ""

    def open(self) -> StreamInfo:
        settings = self._settings
        feed = self._feed = Feed(self._address, self._trust, self._udp)
        if settings.luma_path and self._luma_address:
            self._second = watch_second(self._luma_address, settings, self._trust, self._udp)
        elif settings.luma_path and self._keys_for_luma:
            from edge.capture.luma import LumaTap

            self._tap = LumaTap(feed.codec, settings.luma_width, settings.luma_height, settings.luma_fps, keys_only=True)
        width, height = feed.sets.size() or (settings.width, settings.height)
        return StreamInfo(
            epoch=0,
            codec=feed.codec,
            width=width,
            height=height,
            fps=feed.fps,
            parameter_sets=feed.sets.annexb(),
            sensor_time=False,
            source_name=f"{self._address.shown} {feed.codec} {width}x{height}",
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._feed is None:
            raise TryAgain(f"{self._address.shown} is not open")
        picture, self._picture = self._picture, None
        if picture is None and self._second is not None:
            picture = self._second.newest()
        if picture is not None:
            return picture
        packets = self._feed.packets(timeout_s)
        if not packets:
            return None
        packet = packets.popleft()
        if self._tap is not None:
            self._picture = self._tap.feed(packet)
        return packet

    def close(self) -> None:
        second, self._second = self._second, None
        feed, self._feed = self._feed, None
        if second is not None:
            second.close(CLOSE_S)
        if feed is not None:
            feed.close()


def watch_second(address: Address, settings: CameraSettings, trust: str, udp: bool = False) -> Pump:
    """A thread that decodes the camera's low-resolution stream; its troubles never touch the recording."""
    from edge.capture.luma import LumaTap

    def work(pump: Pump) -> None:
        backoff = Backoff(first_s=2.0, max_s=60.0)
        while not pump.stopping.is_set():
            try:
                feed = Feed(address, trust, udp)
                tap = LumaTap(feed.codec, settings.luma_width, settings.luma_height, settings.luma_fps, keys_only=False)
                _pictures(feed, tap, pump, backoff)
            except EdgeError as error:
                wait_s = backoff.next_s()
                log.warning("camera %s: no pictures for the watcher (%s); again in %.1f s", settings.id, error, wait_s)
                pump.stopping.wait(wait_s)

    second = Pump("rtsp-luma", work)
    second.start()
    return second


def _pictures(feed: Feed, tap: LumaTap, pump: Pump, backoff: Backoff) -> None:
    try:
        while not pump.stopping.is_set():
            packets = feed.packets(timeout_s=0.5)
            while packets:
                picture = tap.feed(packets.popleft())
                if picture is not None:
                    backoff.reset()
                    pump.put(picture)
    finally:
        feed.close()


def rate_of(stamps_ns: list[int]) -> float | None:
    """Pictures a second by the median distance of time stamps; None of fewer than four."""
    ordered = sorted(stamps_ns)
    steps = sorted(later - earlier for earlier, later in pairwise(ordered))
    median = steps[len(steps) // 2] if len(steps) >= 3 else 0
    return round(NS_PER_S / median, 2) if median > 0 else None


def _arrival(_dts_ns: int, arrival_ns: int) -> int:
    return arrival_ns
