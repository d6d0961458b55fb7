"""Other people's players, as judges of our files: each tells the numbers burnt into the pictures it shows.

A missing program is a skip that says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.messages.stream import Codec
from tests.support.video import BLOCK_PIXELS, CODE_BITS, HEIGHT, WIDTH, frame_number

DEADLINE_S = 60.0
_GSTREAMER = {"h264": ("h264parse", "avdec_h264"), "h265": ("h265parse", "avdec_h265")}
_CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)


def needs(program: str) -> str:
    """The program's path; skips the test where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def ffmpeg_numbers(path: Path, *, all_samples: bool = False) -> list[int]:
    """Decoded by the ffmpeg program, which must not find a single error. all_samples: without the edit list."""
    program = needs("ffmpeg")
    inputs = ["-ignore_editlist", "1"] if all_samples else []
    sink = ["-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"]
    command = [program, "-v", "error", "-xerror", "-err_detect", "explode", *inputs, "-i", str(path), *sink]
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return _numbers(done.stdout)


def gstreamer_numbers(path: Path, codec: Codec, folder: Path) -> list[int]:
    """Decoded by GStreamer's qtdemux, parser and libav decoder. folder: for its output."""
    program = needs("gst-launch-1.0")
    for element in ("qtdemux", *_GSTREAMER[codec]):
        if subprocess.run([needs("gst-inspect-1.0"), "--exists", element], timeout=DEADLINE_S, check=False).returncode != 0:
            pytest.skip(f"GStreamer's {element} is not installed")
    parser, decoder = _GSTREAMER[codec]
    sink = folder / f"{path.stem}.gray"
    decoding = f"filesrc location={path} ! qtdemux ! queue ! {parser} ! {decoder}"
    chain = f"{decoding} ! videoconvert ! video/x-raw,format=GRAY8 ! filesink location={sink}"
    done = subprocess.run([program, "-q", *chain.split()], capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return _numbers(sink.read_bytes())


def _numbers(gray: bytes) -> list[int]:
    assert len(gray) % (WIDTH * HEIGHT) == 0
    pictures = np.frombuffer(gray, dtype=np.uint8).reshape(-1, HEIGHT, WIDTH)
    return [frame_number(luma) for luma in pictures]


_PAGE = """<!doctype html><meta charset="utf-8"><video id="video" muted preload="auto"></video><script>
const BITS = %(bits)d, BLOCK = %(block)d, times = %(times)s;
const video = document.getElementById("video"), canvas = document.createElement("canvas");
function number() {
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(video, 0, 0);
  let value = 0;
  for (let bit = 0; bit < BITS; bit++)
    if (context.getImageData(bit * BLOCK + BLOCK / 2, BLOCK / 2, 1, 1).data[1] > 125) value |= 1 << bit;
  return value;
}
const event = (name) => new Promise((resolve, reject) => {
  video.addEventListener(name, resolve, {once: true});
  video.addEventListener("error", () => reject(new Error("media error " + video.error.code + ": " + video.error.message)), {once: true});
});
async function shown() { await new Promise((resolve) => video.requestVideoFrameCallback(resolve)); return number(); }
(async () => {
  const told = {numbers: []};
  try {
    const loaded = event("loadeddata");
    video.src = "/video.mp4";
    await loaded;
    told.duration = video.duration; told.width = video.videoWidth; told.height = video.videoHeight;
    for (const time of times) {
      const seeked = event("seeked"), frame = shown();
      video.currentTime = time < 0 ? video.duration + time : time;
      await seeked;
      told.numbers.push(await Promise.race([frame, new Promise((resolve) => setTimeout(() => resolve(number()), 1500))]));
    }
  } catch (error) { told.error = String(error); }
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script>"""


class _Served(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, video: bytes, page: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.video = video
        self.page = page
        self.told: dict[str, Any] = {}
        self.done = threading.Event()
        self.ranges: list[tuple[int, int]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Served
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/video.mp4":
            self._send_video()
        elif self.path == "/":
            self._send(200, "text/html", self.server.page)
        else:
            self._send(404, "text/plain", b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(204, "text/plain", b"")
        self.server.told = json.loads(body)
        self.server.done.set()

    def log_message(self, format: str, *args: object) -> None:
        return

    def _send_video(self) -> None:
        size = len(self.server.video)
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1 if last else size, size)
        self.server.ranges.append((begin, end))
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {begin}-{end - 1}/{size}"}
        self._send(206, "video/mp4", self.server.video[begin:end], headers)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True


def chromium_tells(video: bytes, times_s: list[float], profile: Path) -> dict[str, Any]:
    """A page with a <video> of these bytes, seeking to each time (negative: from the end). Tells: numbers - of the picture at each time -
    duration, width, height, requests (how many it made for the video), error where there is one. profile: an empty folder."""
    program = needs("chromium")
    page = _PAGE % {"bits": CODE_BITS, "block": BLOCK_PIXELS, "times": json.dumps(times_s)}
    with _serving(_Served(video, page.encode())) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        with (profile / "chromium.log").open("wb") as log:
            command = [program, *_CHROMIUM_FLAGS, f"--user-data-dir={profile / 'data'}", address]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            try:
                finished = server.done.wait(DEADLINE_S)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(DEADLINE_S)
        assert finished, (profile / "chromium.log").read_text(errors="replace")[-2000:]
        return {**server.told, "requests": len(server.ranges)}


@contextmanager
def _serving(server: _Served) -> Iterator[_Served]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
