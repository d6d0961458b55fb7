"""A capture worker under test: a real process, its messages gathered, everything with a deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from edge.capture.supervise import WorkerProcess
from edge.capture.wire import Decoder, Message
from edge.clock import monotonic_s
from edge.messages.stream import CameraSettings, Fault, Packet

DEADLINE_S = 30.0
_M = TypeVar("_M")


class Capture:
    """Use it as a context manager. messages: all so far. ended: the worker closed its end."""

    def __init__(self, settings: CameraSettings, command: Sequence[str] | None = None) -> None:
        self.worker = WorkerProcess.start(settings, command)
        self.messages: list[Message] = []
        self.ended = False
        self._decoder = Decoder()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.worker.kill()

    def hear(self, timeout_s: float) -> bool:
        """Whether anything came."""
        data = self.worker.receive(timeout_s)
        if data == b"":
            self.ended = True
        elif data:
            self.messages += self._decoder.feed(data)
        return bool(data)

    def until(self, enough: Callable[[], bool], what: str) -> None:
        until_s = monotonic_s() + DEADLINE_S
        while not enough():
            assert not self.ended, f"the worker ended before: {what}; {self.messages[-1:]}"
            assert monotonic_s() < until_s, f"in {DEADLINE_S:g} s not: {what}"
            self.hear(0.2)

    def until_packets(self, count: int) -> list[Packet]:
        """Until so many packets came since the beginning."""
        self.until(lambda: len(self.of(Packet)) >= count, f"{count} packets")
        return self.of(Packet)

    def until_end(self) -> Fault | None:
        """The last words."""
        until_s = monotonic_s() + DEADLINE_S
        while not self.ended and monotonic_s() < until_s:
            self.hear(0.2)
        assert self.ended, "the worker does not end"
        return next(iter(self.of(Fault)[-1:]), None)

    def of(self, shape: type[_M]) -> list[_M]:
        return [message for message in self.messages if isinstance(message, shape)]
