"""One life of a capture worker, seen from the recorder: a process, and a thread that reads what it says until it says no more."""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import get_args

from edge.capture.supervise import Ending, WorkerProcess
from edge.capture.wire import Decoder, Message, WireError, receive
from edge.clock import monotonic_s
from edge.messages.records import GapReason
from edge.messages.stream import CameraSettings, Fault, Packet, StreamInfo
from edge.services.intake import GopAssembler, Intake
from edge.services.lifecycle import ServiceThread

log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often a reader that hears nothing looks whether it may leave."""
_READ_OUT_S = 5.0


class CameraLife:
    """Made and used by the main thread (it must outlive the worker); the reader thread fills `intake` and the public facts."""

    def __init__(self, settings: CameraSettings, intake: Intake, gop_limit_bytes: int) -> None:
        """Starts the worker. Raises TryAgain when that does not succeed."""
        self.info: StreamInfo | None = None
        self.fault: Fault | None = None
        self.last_packet_s: float | None = None
        self.started_s = monotonic_s()
        self._camera = settings.id
        self._intake = intake
        self._assembler = GopAssembler(gop_limit_bytes)
        self._leave = threading.Event()
        self._worker = WorkerProcess.start(settings)
        # A socket of its own: the worker's end may be closed while the reader still drains what has arrived.
        self._connection = socket.socket(fileno=os.dup(self._worker.fileno()))
        self._reader = ServiceThread(f"read-{settings.id}", self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._worker.pid

    @property
    def over(self) -> bool:
        """The worker says no more."""
        return not self._reader.alive

    @property
    def broken(self) -> bool:
        return self._reader.broken

    def end(self) -> Ending:
        """Get rid of the worker, read what it still said. Takes at most about ten seconds, whatever state the worker is in."""
        ending = self._worker.kill()
        if ending.how == "unkillable":
            self._leave.set()
        self._reader.join(_READ_OUT_S)
        self._leave.set()
        return ending

    def _read(self) -> None:
        decoder = Decoder()
        with self._connection as connection:
            try:
                while not self._leave.is_set():
                    data = receive(connection, _LOOK_S)
                    if data == b"":
                        break
                    if data:
                        for message in decoder.feed(data):
                            self._take(message)
            except WireError as garbage:
                log.error("camera %s: %s", self._camera, garbage)
        if gop := self._assembler.flush():
            self._intake.put(gop)

    def _take(self, message: Message) -> None:
        if isinstance(message, Packet):
            self.last_packet_s = monotonic_s()
            if gop := self._assembler.add(message):
                self._intake.put(gop)
        elif isinstance(message, StreamInfo):
            self.info = message
            self._intake.say(message)
        elif isinstance(message, Fault):
            self.fault = message


def gap_reason(kind: str) -> GapReason:
    """The worker's word, as far as it is one of ours."""
    return next((reason for reason in get_args(GapReason) if reason == kind), "camera_died")


def status_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit code {status}"
