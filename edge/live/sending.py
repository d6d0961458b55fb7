"""One life of the sending process, as its session sees it: what waits for it, what it told, whether it still moves."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence

from edge.clock import monotonic_s
from edge.errors import TryAgain
from edge.host.child import kill_now
from edge.live.target import Target
from edge.live.wire import BrokenWire, End, Inflow, Message, Opened, Opening, Picture, Sent, Trouble, encode

OPEN_S = 15.0
STALL_S = 10.0
"""A receiver that takes nothing for so long is given up."""
GOODBYE_S = 2.0
PROCESS = ("-m", "edge.live.sender")
_SOCKET_BYTES = 64 << 10


class Sending:
    """One thread, which must live as long as it does (see edge.host.child.die_with_parent). trouble: why it is over."""

    def __init__(self, target: Target, init: bytes, words: Sequence[str] = PROCESS) -> None:
        """Raises TryAgain where the process cannot be started."""
        self.init = init
        self.open = False
        self.trouble: Trouble | None = None
        self._inflow = Inflow()
        self._under_way = 0
        """Pictures that were given to it and are not sent."""
        self._moved_s = monotonic_s()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            argv = [sys.executable, *words, "--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
            try:
                self._process = subprocess.Popen(
                    argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
                )
            except OSError as error:
                self._socket.close()
                raise TryAgain(f"the sending process cannot be started: {error.strerror}") from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        self._socket.setblocking(False)
        self._waiting = bytearray(encode(Opening(url=target.url, secret=target.secret, ca=target.ca, init=init)))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def takes(self) -> bool:
        """Whether it is time to `put` the next picture."""
        return self.open and not self._waiting and self.trouble is None

    def put(self, picture: Picture) -> None:
        if not self._under_way:
            self._moved_s = monotonic_s()
        self._waiting += encode(picture)
        self._under_way += 1

    def turn(self, wait_s: float) -> list[Sent]:
        """Gives and takes what can be; waits at most `wait_s` for that."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN | (select.POLLOUT if self._waiting else 0))
        sent: list[Sent] = []
        if self.trouble is None and poller.poll(wait_s * 1000):
            try:
                self._give()
                for message in self._take():
                    self._heard(message, sent)
            except (OSError, BrokenWire) as error:
                self.trouble = self.trouble or Trouble("lost", f"the sending process ended: {error}")
        self._watch()
        return sent

    def finish(self) -> list[Sent]:
        """In order: what is under way is sent, the receiver is told; at most GOODBYE_S."""
        ends_s = monotonic_s() + GOODBYE_S
        sent: list[Sent] = []
        if self.open:
            self._waiting += encode(End())
            while self.trouble is None and (left_s := ends_s - monotonic_s()) > 0:
                sent += self.turn(min(0.1, left_s))
        self.kill()
        return sent

    def kill(self) -> None:
        self._socket.close()
        kill_now(self._process)

    def _give(self) -> None:
        if self._waiting:
            try:
                del self._waiting[: self._socket.send(self._waiting)]
            except (BlockingIOError, BrokenPipeError):  # one that ended: `_take` hears its last words
                return

    def _take(self) -> list[Message]:
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return []
        if not data:
            self.trouble = Trouble("lost", "the sending process ended")
        return self._inflow.feed(data)

    def _heard(self, message: Message, sent: list[Sent]) -> None:
        self._moved_s = monotonic_s()
        if isinstance(message, Opened):
            self.open = True
        elif isinstance(message, Sent):
            self._under_way -= 1
            sent.append(message)
        elif isinstance(message, Trouble):
            self.trouble = message

    def _watch(self) -> None:
        quiet_s = monotonic_s() - self._moved_s
        if self.trouble is not None:
            return
        if not self.open and quiet_s > OPEN_S:
            self.trouble = Trouble("unreachable", f"no answer within {OPEN_S:g} s")
        elif self._under_way and quiet_s > STALL_S:
            self.trouble = Trouble("stalled", f"the receiver took nothing for {STALL_S:g} s")
