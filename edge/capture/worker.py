"""The capture worker: one camera, one process that may be killed at any time. `python -m edge.capture.worker --fd N`.

Takes CameraSettings from the socket, opens the source, sends StreamInfo, Packets and a Heartbeat a second, puts luma pictures into the
window, and ends with a Fault. Exit code 0: asked to end, or the recorder went away; else that of the error. It dies with its parent: by
the kernel's parent-death signal (prctl(2)), and by the end of the connection, should it have been started through something else.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import socket
import time
from types import FrameType

from edge.capture.catalog import open_source
from edge.capture.source import CameraUnreachable, EndOfStream, Picture, Source
from edge.capture.wire import Decoder, Message, Sender, receive
from edge.clock import monotonic_s
from edge.config.masks import masks_sha256
from edge.errors import ConfigError, EdgeError, StorageError, TryAgain
from edge.logs import start_logging
from edge.messages.records import GapReason
from edge.messages.stream import CameraSettings, Fault, Heartbeat, Packet, StreamInfo
from edge.window.luma import LumaWriter

log = logging.getLogger("edge.capture.worker")

FLUSH_S = 0.25
"""Packets are gathered this long: a wake-up of two processes for each would cost more than the packets."""
GATHERED_NS = 150_000_000
"""A source that hands over in bursts has done the waiting: packets older than this go as soon as the burst is over."""
FLUSH_BYTES = 256 << 10
BLOCKED_S = 0.05
HEARTBEAT_S = 1.0
SETTINGS_S = 10.0
LAST_WORDS_S = 1.0
_PR_SET_PDEATHSIG = 1


class Window:
    """The luma window, made with the first picture. A full or missing run folder costs the watcher its pictures, never a packet."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._writer: LumaWriter | None = None
        self._refused = False
        self.pictures = 0

    def put(self, picture: Picture) -> None:
        if self._refused:
            return
        try:
            if self._writer is None:
                self._writer = LumaWriter(self._path, picture.width, picture.height)
        except StorageError as error:
            self._refused = True
            log.warning("no luma window for the watcher: %s", error)
            return
        self._writer.put(picture.boot_ns, picture.luma, self.pictures, picture.exposure)
        self.pictures += 1

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Outbox:
    """When what is gathered goes out. Key frames at once, since the recorder writes when a GOP is complete."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._due_s: float | None = None

    def put(self, message: Message) -> None:
        now_s = monotonic_s()
        self._sender.put(message)
        if self._due_s is None:
            aged = isinstance(message, Packet) and _boot_ns() - message.boot_ns > GATHERED_NS
            self._due_s = now_s if aged else now_s + FLUSH_S
        key = isinstance(message, Packet) and message.key
        if key or self._sender.waiting_bytes >= FLUSH_BYTES or now_s >= self._due_s + FLUSH_S:
            self._flush()

    def patience_s(self) -> float:
        """How long the source may wait for its next item."""
        return FLUSH_S if self._due_s is None else max(0.0, self._due_s - monotonic_s())

    def dry(self) -> None:
        """The source has nothing more now."""
        if self._due_s is not None and monotonic_s() >= self._due_s:
            self._flush()

    def _flush(self) -> None:
        self._due_s = None if self._sender.flush() else monotonic_s() + BLOCKED_S


class Loop:
    """One source's life, from open to the last packet. Nothing here blocks longer than the source does."""

    def __init__(self, settings: CameraSettings, connection: socket.socket) -> None:
        self._settings = settings
        self._connection = connection
        self._sender = Sender(connection)
        self._outbox = Outbox(self._sender)
        self._window = Window(settings.luma_path)
        self._packets = 0
        self.stopping = False

    def run(self) -> int:
        """Exit code."""
        try:
            return self._run(open_source(self._settings))
        except EdgeError as error:
            return self._end(error)
        except ConnectionError:
            log.info("camera %s: the recorder went away", self._settings.id)
            return 0

    def _run(self, source: Source) -> int:
        try:
            info = source.open()
            check_masks(self._settings, info)
            self._sender.put(info)
            self._sender.flush()
            self._pump(source)
            self._sender.drain(LAST_WORDS_S)
        finally:
            self._window.close()
            source.close()
        return 0

    def _end(self, error: EdgeError) -> int:
        """Last words: what is still to be sent, then the reason."""
        try:
            self._sender.put(Fault(kind=_kind(error), text=str(error)))
            self._sender.drain(LAST_WORDS_S)
        except ConnectionError:
            log.info("camera %s: nobody hears the last words: %s", self._settings.id, error)
        return 0 if isinstance(error, EndOfStream) else error.exit_code

    def _pump(self, source: Source) -> None:
        beat_s = monotonic_s() + HEARTBEAT_S
        while not self.stopping:
            item = source.read(self._outbox.patience_s())
            if isinstance(item, Packet):
                self._packets += 1
                self._outbox.put(item)
            elif item is not None:
                self._window.put(item)
            else:
                self._outbox.dry()
            if monotonic_s() >= beat_s:
                beat_s = monotonic_s() + HEARTBEAT_S
                self._beat(source)

    def _beat(self, source: Source) -> None:
        """Also the moment to see whether the recorder is still there."""
        if receive(self._connection, 0.0) == b"":
            raise ConnectionResetError
        self._outbox.put(
            Heartbeat(
                epoch=0,
                boot_ns=_boot_ns(),
                pictures=self._window.pictures,
                packets=self._packets,
                dropped=self._sender.dropped + source.dropped,
                note=source.note,
            )
        )


def check_masks(settings: CameraSettings, info: StreamInfo) -> None:
    """Whatever an adapter forgot: raises ConfigError unless it burns in exactly the masks it was asked for."""
    if info.masks_sha256 != masks_sha256(settings.masks):
        raise ConfigError(f"{info.source_name} does not burn in the masks of camera {settings.id}: no picture is recorded")


def _kind(error: EdgeError) -> GapReason:
    if isinstance(error, EndOfStream):
        return "end_of_file"
    return "camera_unreachable" if isinstance(error, CameraUnreachable) else "camera_died"


def _settings(connection: socket.socket) -> CameraSettings:
    """The first message. Raises TryAgain when it does not come."""
    decoder = Decoder()
    until_s = monotonic_s() + SETTINGS_S
    while data := receive(connection, until_s - monotonic_s()):
        for message in decoder.feed(data):
            if isinstance(message, CameraSettings):
                return message
            raise TryAgain(f"a {type(message).__name__} came where the settings were due")
    raise TryAgain("no settings came from the recorder")


def _die_with(parent: int) -> None:
    """prctl(2), PR_SET_PDEATHSIG; a parent that died before the call is seen by its changed id."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise TryAgain("the recorder died while its worker started")


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def main() -> int:
    parser = argparse.ArgumentParser(prog="edge.capture.worker")
    parser.add_argument("--fd", type=int, required=True, help="number of the inherited socket")
    descriptor = parser.parse_args().fd
    parent = os.getppid()
    start_logging()
    with socket.socket(fileno=descriptor) as connection:
        try:
            _die_with(parent)
            loop = Loop(_settings(connection), connection)
        except TryAgain as error:
            log.error("%s", error)
            return error.exit_code

        def stop(_signal: int, _frame: FrameType | None) -> None:
            loop.stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return loop.run()


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)
