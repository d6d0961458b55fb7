"""A WHIP endpoint for tests: GStreamer's webrtcbin writes the H.264 that arrives into a file. Run by the system's Python (it has `gi`), not
imported.

    /usr/bin/python3 whip_server.py --output FILE [--port 0] [--token T] [--certificate PEM --key PEM] [--foreign-key] [--via PATH]

Prints "port N", then "begun" and "ended" for its one session; ends with its input. --foreign-key: the answer names another
DTLS certificate than the one that is used. --via: the endpoint is there, and /whip redirects to it.
"""

from __future__ import annotations

import argparse
import re
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

WAIT_S = 10
FINGERPRINT = re.compile(r"(a=fingerprint:sha-256 )[0-9A-F:]+")


class Session:
    """From an offer to an answer; pictures go into the file as they come."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._gathered = threading.Event()
        self.pipeline = Gst.Pipeline.new()
        self._webrtc = Gst.ElementFactory.make("webrtcbin")
        self._webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self._webrtc)
        self._webrtc.connect("pad-added", self._on_pad)
        self._webrtc.connect("notify::ice-gathering-state", self._on_gathering)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)
        self.pipeline.set_state(Gst.State.PLAYING)

    def answer(self, offer: str) -> str:
        _, message = GstSdp.SDPMessage.new()
        GstSdp.sdp_message_parse_buffer(offer.encode(), message)
        self._call("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message))
        reply = self._call("create-answer", None)
        self._call("set-local-description", reply.get_value("answer"))
        assert self._gathered.wait(WAIT_S), "no candidates"
        return str(self._webrtc.get_property("local-description").sdp.as_text())

    def close(self) -> None:
        self.pipeline.set_state(Gst.State.NULL)

    def _call(self, signal: str, argument: Any) -> Any:
        promise = Gst.Promise.new()
        self._webrtc.emit(signal, argument, promise)
        promise.wait()
        return promise.get_reply()

    def _on_gathering(self, *_: object) -> None:
        if self._webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _on_pad(self, _: Any, pad: Any) -> None:
        form = "video/x-h264,stream-format=byte-stream,alignment=au"
        words = f"rtph264depay ! h264parse ! {form} ! filesink buffer-mode=unbuffered location={self._output}"
        sink = Gst.parse_bin_from_description(words, True)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        print("begun", flush=True)

    def _on_error(self, _: Any, message: Any) -> None:
        print("error", *message.parse_error(), file=sys.stderr, flush=True)


def handler(words: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    sessions: list[Session] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            offer = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            if words.via and self.path == "/whip":
                self._reply(307, "", words.via)
            elif words.token and self.headers.get("Authorization") != f"Bearer {words.token}":
                self._reply(401, "")
            elif self.headers.get("Content-Type") != "application/sdp":
                self._reply(415, "")
            else:
                sessions.append(Session(words.output))
                answer = sessions[0].answer(offer)
                if words.foreign_key:
                    answer = FINGERPRINT.sub(lambda found: found[1] + ":".join(["AB"] * 32), answer)
                self._reply(201, answer, "/session/1")

        def do_DELETE(self) -> None:
            sessions[0].close()
            self._reply(200, "")
            print("ended", flush=True)

        def _reply(self, status: int, body: str, location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", "application/sdp")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="")
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--foreign-key", action="store_true")
    parser.add_argument("--via", default="")
    words = parser.parse_args()
    Gst.init(None)
    loop = GLib.MainLoop()
    server = ThreadingHTTPServer(("127.0.0.1", words.port), handler(words))
    if words.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(words.certificate, words.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    print(f"port {server.server_address[1]}", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
