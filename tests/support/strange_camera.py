"""An RTSP server that does what good ones do not: jumps in time, loses packets, speaks out of turn, forgets. One client, one thread."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=strange\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 {encoding}/90000\r\na=control:track1\r\n"
)
ANSWER_S = 30.0


def interleaved(packet: bytes, channel: int = 0) -> bytes:
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


class StrangeCamera:
    """Plays `pieces`, bytes that go out as they are, `period_s` apart; use it as a context manager.

    refusals: complete answers given to the first DESCRIBE requests. extra: header lines of each answer. forgets: answers 454 to
    everything once it plays. requests: what the client asked, complete.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        *,
        period_s: float = 0.003,
        encoding: str = "H264",
        refusals: Sequence[str] = (),
        timeout_s: int = 60,
        forgets: bool = False,
    ) -> None:
        self._pieces, self._period_s, self._timeout_s, self._forgets = pieces, period_s, timeout_s, forgets
        self._sdp = SDP.format(encoding=encoding).encode()
        self._refusals = list(refusals)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(ANSWER_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="strange-camera", daemon=True)
        self._playing = False
        self._heard = b""
        self.requests: list[str] = []
        self.reports = 0
        """RTCP packets the client sent."""

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/street?channel=1"

    def __enter__(self) -> StrangeCamera:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(ANSWER_S)
        self._server.close()

    def asked(self, method: str) -> list[str]:
        return [request for request in self.requests if request.startswith(method + " ")]

    def _serve(self) -> None:
        try:
            connection, _ = self._server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(ANSWER_S)
            try:
                while not self._playing and not self._stop.is_set():
                    self._hear(connection)
                self._play(connection)
            except OSError:
                self._stop.set()

    def _play(self, connection: socket.socket) -> None:
        for piece in self._pieces:
            connection.sendall(piece)
            connection.settimeout(self._period_s)
            try:
                self._hear(connection)
            except TimeoutError:
                continue
            finally:
                connection.settimeout(ANSWER_S)
            if self._stop.is_set():
                return

    def _hear(self, connection: socket.socket) -> None:
        data = connection.recv(65536)
        if not data:
            self._stop.set()
        self._heard += data
        while self._heard:
            if self._heard[0] == 0x24:
                if len(self._heard) < 4 or len(self._heard) < (end := 4 + int.from_bytes(self._heard[2:4], "big")):
                    return
                self._heard = self._heard[end:]
                self.reports += 1
                continue
            head, found, self._heard = self._heard.partition(b"\r\n\r\n")
            if not found:
                self._heard = head
                return
            self.requests.append(head.decode())
            connection.sendall(self._answer(head.decode()))

    def _answer(self, request: str) -> bytes:
        method = request.split(" ")[0]
        number = next(line for line in request.splitlines() if line.startswith("CSeq:"))
        if method == "DESCRIBE" and self._refusals:
            return (self._refusals.pop(0) + f"\r\n{number}\r\n\r\n").encode()
        if self._playing and self._forgets:
            return f"RTSP/1.0 454 Session Not Found\r\n{number}\r\n\r\n".encode()
        extra, body = "", b""
        if method == "DESCRIBE":
            body = self._sdp
        elif method == "SETUP":
            extra = f"Session: 4711;timeout={self._timeout_s}\r\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n"
        elif method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n"
        self._playing = self._playing or method == "PLAY"
        return f"RTSP/1.0 200 OK\r\n{number}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body
