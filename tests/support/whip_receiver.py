"""Starts the WHIP endpoint of `whip_server`: GStreamer's WebRTC on 127.0.0.1."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from types import TracebackType

from tests.support.mosquitto import free_port

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("whip_server.py")
_NEEDED = (
    "import gi; gi.require_version('GstWebRTC', '1.0'); gi.require_version('Gst', '1.0'); from gi.repository import Gst, GstWebRTC;"
    "Gst.init(None); assert Gst.ElementFactory.find('webrtcbin') and Gst.ElementFactory.find('nicesink'), 'no webrtcbin or nicesink'"
)


@cache
def missing() -> str:
    """Why there can be no WHIP endpoint here; "" when there can."""
    tried = subprocess.run([PYTHON, "-c", _NEEDED], capture_output=True, text=True, check=False, timeout=60)
    last = (tried.stderr.strip().splitlines() or [""])[-1]
    return "" if tried.returncode == 0 else f"gir1.2-gst-plugins-bad-1.0 or gstreamer1.0-nice is missing: {last}"


class WhipReceiver:
    """One life of the endpoint; use it as a context manager. words: of `whip_server`. pair: certificate and key, for https."""

    def __init__(self, output: Path, *words: str, pair: tuple[Path, Path] | None = None, port: int | None = None) -> None:
        self.output = output
        tls = ["--certificate", str(pair[0]), "--key", str(pair[1])] if pair else []
        argv = [PYTHON, str(SCRIPT), "--output", str(output), "--port", str(port or free_port()), *tls, *words]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.wait_for("port").split()[1])
        self.url = f"{'https' if pair else 'http'}://127.0.0.1:{self.port}/whip"

    def wait_for(self, word: str) -> str:
        """The next line that begins with it; earlier ones are passed over."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(word):
                return line
        raise AssertionError(f"the endpoint ended and did not say {word}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def __enter__(self) -> WhipReceiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate(timeout=20)
