"""A network camera for tests: GStreamer's RTSP server replaying access units. Run by the system's Python (it has `gi`), not imported.

    /usr/bin/python3 rtsp_server.py --codec h264 --units FILE [--port 0] [--fps 25] [--auth basic|digest --user U --password P]

Prints "port N". Reads words from its standard input, one a line: `stall` (keep the connection, send nothing), `resume`, `switch FILE` (go
on with other units, at its first key frame), `clients` (prints how many play), and ends with its input.

A units file holds, for each access unit, big-endian: u32 length, u8 key, i64 pts_ns, i64 dts_ns, and its bytes in Annex-B form.
"""

from __future__ import annotations

import argparse
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

HEAD = struct.Struct(">IBqq")
PIPELINES = {
    "h264": "( appsrc name=units ! h264parse ! rtph264pay name=pay0 pt=96 config-interval={config} )",
    "h265": "( appsrc name=units ! h265parse ! rtph265pay name=pay0 pt=96 config-interval={config} )",
}
CAPS = "video/x-{codec},stream-format=byte-stream,alignment=au,framerate={fps}/1"
TICK_MS = 10


def read_units(path: str) -> list[tuple[bool, int, int, bytes]]:
    data = Path(path).read_bytes()
    units, position = [], 0
    while position < len(data):
        length, key, pts_ns, dts_ns = HEAD.unpack_from(data, position)
        position += HEAD.size
        units.append((bool(key), pts_ns, dts_ns, data[position : position + length]))
        position += length
    return units


class Camera(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """One shared live stream: who comes late joins in the middle of a group of pictures, as with a real camera."""

    def __init__(self, codec: str, units: list[tuple[bool, int, int, bytes]], fps: int, config_interval: int) -> None:
        super().__init__()
        self._codec, self._fps, self._config_interval = codec, fps, config_interval
        self._units = units
        self._position = 0
        self._source: Any = None
        self._begin_ns = 0
        self._shift_ns = 0
        self._stalled_ns = 0
        self.stalled = False
        self.set_shared(True)
        self.connect("media-configure", self._configure)

    def do_create_element(self, _url: Any) -> Any:
        return Gst.parse_launch(PIPELINES[self._codec].format(config=self._config_interval))

    def _configure(self, _factory: Any, media: Any) -> None:
        source = media.get_element().get_child_by_name("units")
        source.set_property("is-live", True)
        source.set_property("format", Gst.Format.TIME)
        source.set_property("caps", Gst.Caps.from_string(CAPS.format(codec=self._codec, fps=self._fps)))
        self._source, self._position, self._begin_ns, self._shift_ns = source, 0, time.monotonic_ns(), 0
        media.connect("unprepared", self._forget, source)

    def _forget(self, _media: Any, source: Any) -> None:
        if self._source is source:
            self._source = None

    def tick(self) -> bool:
        """Send what is due."""
        if self._source is None:
            return True
        now_ns = time.monotonic_ns()
        if self.stalled:
            self._stalled_ns = self._stalled_ns or now_ns
            return True
        if self._stalled_ns:
            self._begin_ns += now_ns - self._stalled_ns
            self._shift_ns += now_ns - self._stalled_ns
            self._stalled_ns = 0
        period_ns = 1_000_000_000 // self._fps
        while self._source is not None and now_ns - self._begin_ns >= self._position * period_ns:
            self._send(period_ns)
        return True

    def _send(self, period_ns: int) -> None:
        loops, index = divmod(self._position, len(self._units))
        _key, pts_ns, dts_ns, data = self._units[index]
        buffer = Gst.Buffer.new_wrapped(data)
        offset_ns = loops * len(self._units) * period_ns + self._shift_ns
        buffer.pts, buffer.dts, buffer.duration = pts_ns + offset_ns, dts_ns + offset_ns, period_ns
        self._position += 1
        if self._source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            self._source = None

    def switch(self, path: str) -> None:
        """Positions count on, so that time stamps do; the new units begin at their first key frame."""
        units = read_units(path)
        start = self._position % len(units)
        self._units = units[-start:] + units[:-start] if start else units
        period_ns = 1_000_000_000 // self._fps
        self._units = [(key, index * period_ns, index * period_ns, data) for index, (key, _p, _d, data) in enumerate(self._units)]


def obey(camera: Camera, server: Any, line: str) -> bool:
    word, _, rest = line.strip().partition(" ")
    if word in ("stall", "resume"):
        camera.stalled = word == "stall"
    elif word == "switch":
        camera.switch(rest)
    elif word == "clients":
        print("clients", len(server.client_filter(None)), flush=True)
        return False
    print("done", flush=True)
    return False


def listen(camera: Camera, server: Any, loop: Any) -> None:
    for line in sys.stdin:
        GLib.idle_add(obey, camera, server, line)
    GLib.idle_add(loop.quit)


def protect(server: Any, factory: Camera, method: str, user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--codec", choices=sorted(PIPELINES), required=True)
    parser.add_argument("--units", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--config-interval", type=int, default=0)
    parser.add_argument("--auth", choices=("none", "basic", "digest"), default="none")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    asked = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(asked.port))
    camera = Camera(asked.codec, read_units(asked.units), asked.fps, asked.config_interval)
    if asked.auth != "none":
        protect(server, camera, asked.auth, asked.user, asked.password)
    server.get_mount_points().add_factory("/street", camera)
    if server.attach(None) == 0:
        sys.exit(f"port {asked.port} cannot be used")
    loop = GLib.MainLoop()
    GLib.timeout_add(TICK_MS, camera.tick)
    threading.Thread(target=listen, args=(camera, server, loop), daemon=True).start()
    print("port", server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
