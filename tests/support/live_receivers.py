"""Real receivers of live pictures: FFmpeg listening with RTSP, RTMP or SRT. What arrives is written into a file as it came."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal

import av

from tests.support.mosquitto import free_port
from tests.support.video import frame_number, luma_of

Scheme = Literal["rtsp", "rtmp", "srt"]
_LISTEN = "0A"


class Receiver:
    """One life of a listening FFmpeg. `url`: where to send to. muxer: of its output; Matroska takes no B-frames from RTSP, whose
    packets have no decoding time."""

    def __init__(self, scheme: Scheme, output: Path, port: int | None = None, passphrase: str = "", muxer: str = "matroska") -> None:
        self.port = port or free_port()
        self.output = output
        self._scheme = scheme
        self.url = f"{scheme}://127.0.0.1:{self.port}" + ("" if scheme == "srt" else "/live/cam0")
        before = {
            "rtsp": ["-rtsp_flags", "listen"],
            "rtmp": ["-listen", "1", "-f", "flv"],
            "srt": [*(["-passphrase", passphrase] if passphrase else []), "-f", "mpegts"],
        }[scheme]
        source = f"{self.url}?mode=listener" if scheme == "srt" else self.url
        argv = ["ffmpeg", "-loglevel", "error", "-probesize", "20000", "-analyzeduration", "200000", *before, "-i", source]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*argv, "-c", "copy", "-f", muxer, "-flush_packets", "1", "-y", str(output)], stdin=subprocess.DEVNULL, stderr=log
            )
        self._until_listening()

    @property
    def log(self) -> Path:
        return self.output.with_suffix(".log")

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def wait(self, deadline_s: float = 20.0) -> None:
        """Until it has ended by itself: the sender said goodbye. SRT ends with an error of its own making."""
        self._process.wait(deadline_s)

    def until_bytes(self, count: int, deadline_s: float = 20.0) -> None:
        until(lambda: self.output.exists() and self.output.stat().st_size >= count, deadline_s, self.log)

    def _until_listening(self) -> None:
        table = Path("/proc/net/udp" if self._scheme == "srt" else "/proc/net/tcp")
        state = "07" if self._scheme == "srt" else _LISTEN
        wanted = f":{self.port:04X}"

        def listening() -> bool:
            rows = (line.split() for line in table.read_text().splitlines()[1:])
            return any(row[1].endswith(wanted) and row[3] == state for row in rows)

        until(listening, 20.0, self.log)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self.kill()


def until(holds: object, deadline_s: float, log: Path | None = None) -> None:
    ends_s = time.monotonic() + deadline_s
    idle = threading.Event()
    while not holds():  # type: ignore[operator]
        said = log.read_text(errors="replace") if log is not None and log.exists() else ""
        assert time.monotonic() < ends_s, f"not within {deadline_s} s: {said}"
        idle.wait(0.05)


def numbers_of(path: Path) -> list[int]:
    """The numbers burnt into the pictures of a file, decoded."""
    with av.open(str(path), "r") as film:
        return [frame_number(luma_of(frame)) for frame in film.decode(film.streams.video[0])]


class TlsDoor:
    """TLS in front of a plain receiver on loopback; it is called only once something was said."""

    def __init__(self, target: int, certificate: Path, key: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[plain], daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain, self._context.wrap_socket(plain, server_side=True) as near:
            said = near.recv(65_536)
            if not said:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                far.sendall(said)
                near.settimeout(0.02)
                far.settimeout(0.02)
                while _moved(near, far) and _moved(far, near):
                    pass


def _moved(source: socket.socket, sink: socket.socket) -> bool:
    """False at the end of either."""
    try:
        data = source.recv(65_536)
    except TimeoutError:
        return True
    if data:
        sink.settimeout(5)
        sink.sendall(data)
        sink.settimeout(0.02)
    return bool(data)
