"""The dialogue with an RTSP camera (RFC 2326): describe, set up, play, keep alive; then access units."""

from __future__ import annotations

import re
import struct
from urllib.parse import urlsplit

from edge.capture.address import Address
from edge.capture.rtp import Depacketizer
from edge.capture.rtsp_channel import RtspChannel
from edge.capture.rtsp_words import Answer, Login, request
from edge.capture.sdp import Description, Video, describe
from edge.capture.source import CameraUnreachable
from edge.capture.timestamps import Unit
from edge.clock import monotonic_s
from edge.errors import ConfigError

OPEN_S = 5.0
GATHER_S = 0.2
REPORT_S = 5.0
_REDIRECTS = 3
_SSRC = 0x45444745
_NAME = b"\1\4edge\0\0"
_REPORT = struct.pack(">BBHI", 0x80, 201, 1, _SSRC) + struct.pack(">BBHI", 0x81, 202, 1 + len(_NAME) // 4, _SSRC) + _NAME
"""An empty receiver report with a source description (RFC 3550, 6.1 and 6.4.2): "I am here"."""


class RtspSession:
    """One connection's life, one thread. Made by `RtspSession.open`; `depacketizer` counts what was lost on the way."""

    def __init__(self, address: Address, channel: RtspChannel, deadline_s: float, udp: bool = False) -> None:
        """Connects nothing and asks nothing: see `open`."""
        self._address = address
        self._channel = channel
        self._deadline_s = deadline_s
        self._url = address.url
        self._login = Login(address.user, address.password)
        self._sequence = 0
        self._session = ""
        self._keep_method = "OPTIONS"
        self._keep_s = 30.0
        self._keep_at_s = self._report_at_s = 0.0
        self._number = 0
        self._ports = channel.ports() if udp else None
        self._report_to: tuple[str, int] | None = None
        self._broken: CameraUnreachable | None = None
        self.depacketizer = Depacketizer("h264", -1)

    @classmethod
    def open(cls, address: Address, trust: str = "", udp: bool = False) -> tuple[RtspSession, Video]:
        """Connect and play within 5 s. Raises CameraUnreachable, and ConfigError where trying again is of no use: refused credentials, no
        video of a codec that this product records. trust: PEM file for rtsps, empty: the system's. udp: pictures come by UDP."""
        deadline_s = monotonic_s() + OPEN_S
        session = cls(address, RtspChannel(address, trust, OPEN_S / 2), deadline_s, udp)
        try:
            return session, session._play()
        except (CameraUnreachable, ConfigError):
            session.close()
            raise

    def units(self, timeout_s: float) -> list[Unit]:
        """The access units that became complete, at once or within the time-out. Raises CameraUnreachable when the connection broke; what
        came before is given out first."""
        until_s = monotonic_s() + timeout_s
        while not (ready := self.depacketizer.take()):
            left_s = until_s - monotonic_s()
            if left_s < 0:
                break
            if self._broken is not None:
                raise self._broken
            try:
                self._channel.receive(min(left_s, GATHER_S))
                self._keep_up()
            except CameraUnreachable as broken:
                self._broken = broken
                ready = self.depacketizer.flush()
                if ready:
                    break
        return ready

    def close(self) -> None:
        """Tell the camera, if it can be told at once, and hang up. Twice is fine."""
        last_words = self._worded("TEARDOWN", self._url, {}) if self._session else b""
        self._session = ""
        self._channel.close(last_words)

    def _play(self) -> Video:
        options = self._ask("OPTIONS", self._url, {}, must=False)
        if "GET_PARAMETER" in options.header("public"):
            self._keep_method = "GET_PARAMETER"
        answer, described = self._describe()
        video = described.video
        if video is None:
            offered = ", ".join(described.offered) or "no video"
            raise ConfigError(f"{self._address.shown} sends {offered}", remedy="set the camera to H.264 or H.265")
        base = answer.header("content-base") or answer.header("content-location") or self._url
        self._set_up(_resolved(base, video.control))
        self.depacketizer = Depacketizer(video.codec, video.payload)
        self._channel.expect(self._number, self.depacketizer.feed)
        if self._ports is not None:
            self._ports.start(self.depacketizer.feed, self._report_to)
        self._url = _resolved(base, described.control)
        self._ask("PLAY", self._url, {"Range": "npt=0.000-"})
        if self._ports is None:
            self._channel.gather()
        now_s = monotonic_s()
        self._keep_at_s, self._report_at_s = now_s + self._keep_s, now_s + REPORT_S
        return video

    def _describe(self) -> tuple[Answer, Description]:
        for _ in range(_REDIRECTS):
            answer = self._ask("DESCRIBE", self._url, {"Accept": "application/sdp"}, must=False)
            if answer.status == 200:
                return answer, describe(answer.body.decode("utf-8", "replace"))
            place = answer.header("location")
            if answer.status not in (301, 302, 303, 307) or urlsplit(place).hostname != self._address.host:
                break
            self._url = place
        raise self._refusal("DESCRIBE", answer)

    def _set_up(self, url: str) -> None:
        ports = self._ports
        way = "RTP/AVP/TCP;unicast;interleaved=0-1" if ports is None else f"RTP/AVP;unicast;client_port={ports.numbers}"
        answer = self._ask("SETUP", url, {"Transport": way})
        self._session, _, rest = answer.header("session").partition(";")
        timeout = re.search(r"timeout\s*=\s*(\d+)", rest)
        self._keep_s = min(max(int(timeout[1]) / 2 if timeout else 30.0, 2.0), 30.0)
        number = re.search(r"interleaved\s*=\s*(\d+)", answer.header("transport"))
        self._number = int(number[1]) & 0xFF if number else 0
        theirs = re.search(r"server_port\s*=\s*\d+-(\d+)", answer.header("transport"))
        self._report_to = (self._address.host, int(theirs[1])) if theirs else None

    def _ask(self, method: str, url: str, headers: dict[str, str], *, must: bool = True) -> Answer:
        """One request and its answer; a second one when the camera wants to know who asks."""
        answer = self._exchange(method, url, headers)
        if answer.status == 401 and self._login.learn(answer.all("www-authenticate")):
            answer = self._exchange(method, url, headers)
        if answer.status in (401, 403):
            raise ConfigError(f"{self._address.shown} refuses user or password", remedy="see the camera's secrets file")
        if must and answer.status != 200:
            raise self._refusal(method, answer)
        return answer

    def _refusal(self, method: str, answer: Answer) -> CameraUnreachable:
        return CameraUnreachable(f"{self._address.shown} answers {answer.status} to {method}")

    def _exchange(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        self._channel.send(self._worded(method, url, headers))
        while (left_s := self._deadline_s - monotonic_s()) > 0:
            self._channel.receive(left_s)
            for answer in self._channel.answers():
                if answer.status and answer.header("cseq") in (str(self._sequence), ""):
                    return answer
        raise CameraUnreachable(f"{self._address.shown} does not answer {method} in time")

    def _worded(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        self._sequence += 1
        every = {"User-Agent": "edge-recorder", **headers}
        if self._session:
            every["Session"] = self._session
        login = self._login.header(method, url)
        if login is not None:
            every["Authorization"] = login
        return request(method, url, self._sequence, every)

    def _keep_up(self) -> None:
        """What a server needs to see from time to time: that somebody listens."""
        now_s = monotonic_s()
        for answer in self._channel.answers():
            if answer.status == 401 and self._login.learn(answer.all("www-authenticate")):
                self._keep_at_s = now_s
            elif answer.status == 454:
                raise CameraUnreachable(f"{self._address.shown} has forgotten the session")
        if now_s >= self._keep_at_s:
            self._keep_at_s = now_s + self._keep_s
            self._channel.send(self._worded(self._keep_method, self._url, {}))
        if now_s >= self._report_at_s:
            self._report_at_s = now_s + REPORT_S
            if self._ports is None:
                self._channel.send(struct.pack(">BBH", 0x24, self._number + 1, len(_REPORT)) + _REPORT)
            else:
                self._ports.report(_REPORT)


def _resolved(base: str, control: str) -> str:
    """RFC 2326, C.1.1, as cameras mean it: a relative control is added behind the base, even behind its query."""
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    return base + control if base.endswith("/") else f"{base}/{control}"
