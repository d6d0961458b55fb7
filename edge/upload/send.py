"""Delivers one file: carries out what the machine of its method (tus, put) decides, until done, failed, stopped or too late."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from edge.clock import monotonic_s
from edge.config.on_request import Upload
from edge.errors import IntegrityError
from edge.messages.tus import PATCH_TYPE, TUS_VERSION, encode_metadata
from edge.upload import steps
from edge.upload.http import Body, Http, Target
from edge.upload.pace import FairPace
from edge.upload.passage import Passage, Stopped
from edge.upload.put import PutMachine
from edge.upload.tus import Machine

_LOG = logging.getLogger(__name__)
_PIECE_BYTES = 128 << 10

Buffer = bytes | bytearray | memoryview


class Source(Protocol):
    """The bytes to deliver (a VirtualClip is one). The same bytes at every call, for as long as the job lives."""

    @property
    def size(self) -> int: ...

    def etag(self) -> str:
        """SHA-256 of all bytes, hex."""

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[Buffer]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How an upload behaves on the network; times in seconds. bytes_per_s 0: no limit."""

    connect_timeout_s: float = 20.0
    progress_timeout_s: float = 20.0
    bytes_per_s: float = 0.0
    limits: steps.Limits = field(default_factory=steps.Limits)
    method: Literal["tus", "put", "s3"] = "tus"


def settings_of(upload: Upload) -> Settings:
    limits = steps.Limits(patch_bytes=upload.patch_bytes, backoff_min_s=min(1.0, upload.backoff_max_s), backoff_max_s=upload.backoff_max_s)
    return Settings(upload.progress_timeout_s, upload.progress_timeout_s, upload.rate_kbps * 1000 / 8, limits, upload.method)


@dataclass(frozen=True, slots=True)
class Progress:
    """offset: bytes the server confirmed. moving: bytes of the request under way. sent_bytes: all body bytes of this call's finished
    requests, repeats included."""

    offset: int
    moving: int
    sent_bytes: int
    attempts: int
    resumes: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Sent:
    """How it ended. stopped: the stop event; go on later from the remembered URL. code, text: why it failed; a done upload may carry
    code "buffered" - something in between keeps nothing of a cut request."""

    state: Literal["done", "failed", "stopped"]
    url: str
    progress: Progress
    code: str = ""
    text: str = ""


def send_file(
    target: Target,
    source: Source,
    *,
    metadata: Mapping[str, str],
    sha256: str,
    remembered_url: str,
    remember: Callable[[str], None],
    on_progress: Callable[[Progress], None],
    stop: threading.Event,
    deadline_s: float,
    settings: Settings | None = None,
    passage: Passage | None = None,
    draw: Callable[[], float] = random.random,
) -> Sent:
    """Blocks until the end. `remember(url)` must have made the URL durable when it returns. `deadline_s` is an instant of
    `monotonic_s`. passage: asked before each piece; None: alone on the road, at the settings' rate. Raises what `source`, `remember` and
    `on_progress` raise."""
    settings = settings or Settings()
    passage = passage or Passage(FairPace(settings.bytes_per_s))
    offer = steps.Offer(target.url, source.size, sha256, metadata)
    driver = _Driver(target, source, offer, settings, passage, on_progress, stop, deadline_s, draw, remembered_url)
    try:
        return driver.run(remember)
    except Stopped:
        return driver.ended("stopped")
    finally:
        driver.http.close()


class _Driver:
    def __init__(
        self,
        target: Target,
        source: Source,
        offer: steps.Offer,
        settings: Settings,
        passage: Passage,
        on_progress: Callable[[Progress], None],
        stop: threading.Event,
        deadline_s: float,
        draw: Callable[[], float],
        remembered_url: str,
    ) -> None:
        self.http = Http(target, settings.connect_timeout_s, settings.progress_timeout_s, passage.count)
        self._source = source
        self._offer = offer
        self._on_progress = on_progress
        self._stop = stop
        self._deadline_s = deadline_s
        self._draw = draw
        self._passage = passage
        self._machine: Machine | PutMachine
        if settings.method == "tus":
            self._machine = Machine(offer, settings.limits, remembered_url)
        else:
            self._machine = PutMachine(offer, settings.limits, remembered_url, objects=settings.method == "s3")
        self._url = remembered_url

    def run(self, remember: Callable[[str], None]) -> Sent:
        machine = self._machine
        while True:
            action = machine.action
            if isinstance(action, steps.Done):
                return self.ended("done")
            if isinstance(action, steps.Failed):
                return self.ended("failed", action.code, action.text)
            if monotonic_s() >= self._deadline_s:
                return self.ended("failed", "deadline", f"not delivered in time; last trouble: {machine.trouble or 'none'}")
            if self._stop.is_set():
                return self.ended("stopped")
            self._step(action, remember)
            self._on_progress(self._progress())

    def ended(self, state: Literal["done", "failed", "stopped"], code: str = "", text: str = "") -> Sent:
        if state == "done" and self._machine.buffering:
            code, text = "buffered", "something between here and the receiver buffers whole requests: nothing of a cut one was kept"
        return Sent(state, self._url, self._progress(), code, text)

    def _progress(self, moving: int = 0) -> Progress:
        machine = self._machine
        return Progress(machine.offset, moving, machine.sent_bytes, machine.attempts, machine.resumes, machine.trouble)

    def _step(self, action: steps.Action, remember: Callable[[str], None]) -> None:
        machine = self._machine
        if isinstance(action, steps.Remember):
            self._url = action.url
            remember(action.url)
            machine.on(steps.Remembered())
        elif isinstance(action, steps.Wait):
            self._wait(action)
            machine.on(steps.Waited())
        elif isinstance(action, steps.Rehash):
            _LOG.warning("upload of %d bytes: %s; hashing our own file again", self._offer.size, machine.trouble)
            machine.on(steps.Hashed(self._hash(0, self._offer.size, "sha256").hex()))
        elif isinstance(action, steps.Ask):
            machine.on(self._plain(action))
        elif isinstance(action, (steps.Options, steps.Create, steps.Head, steps.Patch)):
            machine.on(self._ask(action))

    def _wait(self, action: steps.Wait) -> None:
        seconds = max(action.seconds * self._draw() if action.jitter else action.seconds, action.least_s)
        _LOG.info("upload waits %.1f s: %s", seconds, action.why)
        self._pause(min(seconds, max(0.0, self._deadline_s - monotonic_s())))

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds) if seconds > 0 else self._stop.is_set():
            raise Stopped("the upload was stopped")

    def _ask(self, action: steps.Request) -> steps.Reply | steps.Broken:
        version = {"Tus-Resumable": TUS_VERSION}
        if isinstance(action, steps.Options):
            return self.http.request("OPTIONS", self._offer.creation_url, version)
        if isinstance(action, steps.Create):
            more = {"Upload-Length": str(self._offer.size), "Upload-Metadata": encode_metadata(self._offer.metadata)}
            return self.http.request("POST", self._offer.creation_url, version | more)
        if isinstance(action, steps.Head):
            return self.http.request("HEAD", action.url, version | {"Want-Repr-Digest": "sha-256=10"})
        more = {"Content-Type": PATCH_TYPE, "Upload-Offset": str(action.offset)}
        if action.checksum:
            digest = self._hash(action.offset, action.length, action.checksum)
            more["Upload-Checksum"] = f"{action.checksum} {base64.b64encode(digest).decode()}"
        return self.http.request("PATCH", action.url, version | more, self._body(action.offset, action.length), action.length)

    def _plain(self, action: steps.Ask) -> steps.Reply | steps.Broken:
        body = self._body(0, self._offer.size) if action.body else None
        return self.http.request(action.method, action.url, action.headers, body, self._offer.size, self._read if action.read else None)

    def _read(self) -> None:
        """Between two pieces of what is read back."""
        self._pause(0)
        if monotonic_s() >= self._deadline_s:
            raise TimeoutError("the job's deadline passed")

    def _body(self, offset: int, length: int) -> Body:
        def pieces() -> Iterator[Buffer]:
            moving = 0
            for piece in self._small_pieces(offset, length):
                self._on_progress(self._progress(moving))
                moving += len(piece)
                self._passage.enter(len(piece), self._pause)
                if monotonic_s() >= self._deadline_s:
                    raise TimeoutError("the job's deadline passed")
                yield piece

        return pieces

    def _small_pieces(self, offset: int, length: int) -> Iterator[memoryview]:
        most = self._passage.quantum_bytes
        for piece in self._pieces(offset, length):
            for start in range(0, len(piece), most):
                yield piece[start : start + most]

    def _hash(self, offset: int, length: int, algorithm: str) -> bytes:
        digest = hashlib.new(algorithm)
        for piece in self._pieces(offset, length):
            self._pause(0)
            digest.update(piece)
        return digest.digest()

    def _pieces(self, offset: int, length: int) -> Iterator[memoryview]:
        """Exactly the bytes [offset, offset + length) in pieces of bounded size. Raises IntegrityError when the source ends early."""
        left = length
        for piece in self._source.stream(offset, _PIECE_BYTES):
            view = memoryview(piece)[:left]
            left -= len(view)
            yield view
            if not left:
                return
        if left:
            raise IntegrityError(f"the file to be sent ends {left} bytes early")
