"""The protocols: how pictures leave. In the sending process only; `av` is imported here when a receiver is opened."""

from __future__ import annotations

import io
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from edge.live.lowly import LOW_TOS, lower_sockets
from edge.live.refusal import TIMEOUT_S, Refusal
from edge.live.srt import SrtSocket, SrtTrouble
from edge.live.tls import Passage, TlsTrouble, connect
from edge.live.wire import Opening, Picture
from edge.messages.stream import Codec

if TYPE_CHECKING:
    from av.container import OutputContainer

DEFAULT_PORTS = {"rtsps": 322, "rtmps": 443}
_NS = Fraction(1, 1_000_000_000)


class Outlet:
    """Open when made. One thread. Raises Refusal."""

    def __init__(self, opening: Opening) -> None:
        self._srt: SrtSocket | None = None
        self._first_ns: int | None = None
        try:
            import av
        except ImportError:
            raise Refusal("no_muxer", "this node cannot send: install PyAV (the package av)") from None
        av.logging.set_level(None)  # its lines may carry the address with the password
        self._av = av
        self._parts = urlsplit(opening.url)
        with av.open(io.BytesIO(opening.init), "r", format="mp4") as described:
            try:
                self._container = self._open(opening, described.streams.video[0].codec_context.name)
                self._stream = self._container.add_stream_from_template(described.streams.video[0], opaque=True)
                self._container.start_encoding()
            except (av.error.FFmpegError, OSError) as error:
                raise self._refusal(opening, error) from error
            except (SrtTrouble, TlsTrouble) as trouble:
                raise Refusal(trouble.code, str(trouble)) from trouble
        lower_sockets()

    def send(self, picture: Picture) -> None:
        """Blocks while the network takes nothing."""
        if self._first_ns is None:
            self._first_ns = picture.dts_ns
        packet: Any = self._av.Packet(picture.data)
        packet.stream, packet.time_base = self._stream, _NS
        packet.dts, packet.pts = picture.dts_ns - self._first_ns, picture.pts_ns - self._first_ns
        packet.is_keyframe = picture.key
        try:
            self._container.mux(packet)
            if self._srt is not None:
                self._srt.flush()
        except (self._av.error.FFmpegError, OSError, SrtTrouble) as error:
            raise Refusal("lost", f"the receiver is gone: {_words(error)}") from error

    def close(self) -> None:
        """Says goodbye; what comes back does not matter any more."""
        with suppress(self._av.error.FFmpegError, OSError, SrtTrouble):
            self._container.close()
        if self._srt is not None:
            with suppress(SrtTrouble):
                self._srt.flush()
            self._srt.close()

    def _open(self, opening: Opening, codec: str) -> OutputContainer:
        scheme, parts, secret = self._parts.scheme, self._parts, opening.secret
        if scheme == "srt":
            self._srt = SrtSocket(opening.url, secret, LOW_TOS)
            return self._av.open(self._srt, "w", format="mpegts", options={"flush_packets": "1"})
        if scheme in ("rtmp", "rtmps"):
            if _CODECS.get(codec) == "h265":
                raise Refusal("codec", "RTMP carries H.265 only in a form that many receivers do not read: use rtsps or srt")
            return self._rtmp(opening)
        options = {"rtsp_transport": "tcp"}
        if scheme == "rtsps":
            options |= {"tls_verify": "1"} | ({"ca_file": opening.ca} if opening.ca else {})
        url = _with_user(parts._replace(netloc=_netloc(parts, DEFAULT_PORTS.get(scheme))), secret)
        return self._av.open(url, "w", format="rtsp", options=options, timeout=TIMEOUT_S)

    def _rtmp(self, opening: Opening) -> OutputContainer:
        parts = self._parts
        options: dict[str, str] = {"flvflags": "no_duration_filesize"}
        if parts.scheme == "rtmps":
            assert parts.hostname is not None
            passage = Passage(connect(parts.hostname, parts.port or DEFAULT_PORTS["rtmps"], opening.ca))
            app = parts.path.strip("/").partition("/")[0]
            options["rtmp_tcurl"] = f"{parts.scheme}://{parts.netloc}/{app}"
            parts = parts._replace(scheme="rtmp", netloc=f"127.0.0.1:{passage.port}")
        url = _with_user(parts, opening.secret)
        return self._av.open(url, "w", format="flv", options=options, timeout=TIMEOUT_S)

    def _refusal(self, opening: Opening, error: Exception) -> Refusal:
        """Which of the words of an answer it is. FFmpeg does not tell what TLS did not like: asked anew, Python does."""
        if self._parts.scheme == "rtsps":
            try:
                connect(self._parts.hostname or "", self._parts.port or DEFAULT_PORTS["rtsps"], opening.ca).close()
            except TlsTrouble as trouble:
                return Refusal(trouble.code, str(trouble))
        return Refusal(_code(error, self._av), f"{self._parts.scheme}: {_words(error)}")


_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}


def _code(error: Exception, av: Any) -> str:
    if isinstance(error, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return "auth"
    if isinstance(error, (ConnectionRefusedError, TimeoutError)) or getattr(error, "errno", 0) in _UNREACHABLE:
        return "unreachable"
    return "refused"


_UNREACHABLE = (5, 101, 110, 111, 113)
"""EIO (also: the name has no address), ENETUNREACH, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH."""


def _words(error: Exception) -> str:
    """Without the address, which may carry a password."""
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _netloc(parts: Any, port: int | None) -> str:
    return str(parts.netloc) if parts.port or port is None else f"{parts.netloc}:{port}"


def _with_user(parts: Any, secret: str) -> str:
    if secret:
        user, _, password = secret.partition(":")
        parts = parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}")
    return str(urlunsplit(parts))
