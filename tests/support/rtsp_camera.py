"""Starts and commands the RTSP server of `rtsp_server`: a network camera on 127.0.0.1 that can stall, die, come back and change."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal

from edge.messages.stream import Codec, Packet

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("rtsp_server.py")
ANSWER_S = 20.0
_HEAD = struct.Struct(">IBqq")
_NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@cache
def missing() -> str:
    """Why there can be no RTSP server here; "" when there can."""
    if not Path(PYTHON).exists():
        return f"{PYTHON} is missing"
    tried = subprocess.run([PYTHON, "-c", _NEEDED], capture_output=True, text=True, check=False, timeout=60)
    return "" if tried.returncode == 0 else "gir1.2-gst-rtsp-server-1.0 is missing: " + (tried.stderr.strip().splitlines() or [""])[-1]


def write_units(path: Path, packets: Sequence[Packet]) -> None:
    with path.open("wb") as file:
        for packet in packets:
            file.write(_HEAD.pack(len(packet.data), packet.key, packet.pts_ns, packet.dts_ns) + packet.data)


class RtspCamera:
    """A server process; use it as a context manager. One thread."""

    def __init__(
        self,
        packets: Sequence[Packet],
        codec: Codec = "h264",
        *,
        fps: int = 25,
        auth: Literal["none", "basic", "digest"] = "none",
        user: str = "",
        password: str = "",
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rtsp-camera-")
        self._units = Path(self._folder.name) / "units"
        self._arguments = ["--codec", codec, "--fps", str(fps), "--auth", auth, "--user", user, "--password", password]
        write_units(self._units, packets)
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self.port = 0

    def __enter__(self) -> RtspCamera:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/street"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Also after `kill`: the camera comes back on the same port."""
        command = [PYTHON, str(SCRIPT), "--units", str(self._units), "--port", str(self.port), *self._arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._heard = b""
        self.port = int(self._answer("port"))

    def kill(self) -> None:
        """SIGKILL: the connection breaks without a word."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def stall(self) -> None:
        """Connections stay, nothing is sent."""
        self._tell("stall")

    def resume(self) -> None:
        self._tell("resume")

    def switch(self, packets: Sequence[Packet]) -> None:
        """Go on with other access units, from their first key frame; the time stamps run on."""
        other = self._units.with_name("other")
        write_units(other, packets)
        self._tell(f"switch {other}")

    def clients(self) -> int:
        self._say("clients")
        return int(self._answer("clients"))

    def _tell(self, words: str) -> None:
        self._say(words)
        self._answer("done")

    def _say(self, words: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(words.encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self, word: str) -> str:
        """The rest of the next line, which must begin with the word."""
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._heard:
            ready, _, _ = select.select([descriptor], [], [], ANSWER_S)
            data = os.read(descriptor, 4096) if ready else b""
            if not data:
                raise AssertionError(f"the RTSP server does not say {word!r} (exit {self._process.poll()})")
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        said, _, rest = line.decode().partition(" ")
        assert said == word, line
        return rest
