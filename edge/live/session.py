"""One live session: from the ring's head to the receiver, for a while. In a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from edge.clock import NS_PER_MS, NS_PER_S, Clock, monotonic_s
from edge.errors import EdgeError
from edge.live.follow import Head
from edge.live.pace import Pace
from edge.live.sending import Sending
from edge.live.tally import Tally
from edge.live.target import Target
from edge.live.wire import Trouble
from edge.messages.wire import Response

log = logging.getLogger(__name__)

POLL_S = 0.05
"""Between looks for a new fragment: one fstat and one read of its stamp."""
NO_PICTURE_S = 30.0
RETRY_S = 20.0
PAUSE_S = 1.0
"""A receiver that was there and is lost is tried again."""

Ended = Literal["time", "asked", "stopped"]


@dataclass(frozen=True, slots=True)
class Patience:
    """no_picture_s: to wait for the first footage. retry_s: to try a lost receiver again."""

    no_picture_s: float = NO_PICTURE_S
    retry_s: float = RETRY_S
    pause_s: float = PAUSE_S


class _Failed(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class LiveSession:
    """`run` belongs to the session's thread, `stop` to any. tell: gets the answer `running` once."""

    def __init__(
        self,
        id: str,
        seconds: float,
        target: Target,
        head: Head,
        clock: Clock,
        tell: Callable[[Response], None],
        patience: Patience | None = None,
    ) -> None:
        self._id, self._seconds, self._target, self._head, self._clock, self._tell = id, seconds, target, head, clock, tell
        self._patience = patience or Patience()
        self._pace, self._tally = Pace(), Tally()
        self._sending: Sending | None = None
        self._stop = threading.Event()
        self._why: Ended = "asked"
        self._began_s = 0.0
        self._looked_s = 0.0
        self._awaiting = False
        self._lost: Trouble | None = None
        self._lost_s = self._tried_s = 0.0

    def stop(self, why: Ended = "asked") -> None:
        """It ends within a turn and a goodbye."""
        self._why = why
        self._stop.set()

    @property
    def sender_pid(self) -> int | None:
        """Process id of what sends now."""
        sending = self._sending
        return sending.pid if sending is not None else None

    @property
    def skipped(self) -> int:
        """Pictures passed over so far."""
        return self._tally.skipped

    def run(self) -> Response:
        """Its last word. Blocks until then."""
        self._began_s = monotonic_s()
        try:
            ended = self._until_end()
            self._finish()
            if ended == "time" and not self._tally.pictures:
                raise _Failed("unreachable", f"no picture could be sent within {self._seconds:g} s")
            log.info("live %s: %d pictures to %s, ended: %s", self._id, self._tally.pictures, self._target.url, ended)
            return Response(id=self._id, state="done", data=self._document() | {"ended": ended})
        except _Failed as failed:
            return self._failed(failed.code, str(failed))
        except EdgeError as error:
            return self._failed(type(error).__name__, str(error))
        finally:
            if self._sending is not None:
                self._sending.kill()
            self._head.close()

    def _until_end(self) -> Ended:
        while not self._stop.is_set():
            now_s = monotonic_s()
            if now_s - self._began_s >= self._seconds:
                return "time"
            self._look(now_s)
            self._skip_what_is_late()
            self._connect(now_s)
            self._serve(now_s)
        return self._why

    def _look(self, now_s: float) -> None:
        """From the ring to what waits."""
        if not self._pace.has_room or now_s - self._looked_s < POLL_S:
            return
        group = self._head.next()
        if group is not None:
            self._pace.put(group, self._clock.boot_ns(), awaited=self._awaiting)
        else:
            self._looked_s = now_s
            if not self._tally.pictures and self._sending is None and now_s - self._began_s > self._patience.no_picture_s:
                raise _Failed("no_picture", f"the camera recorded nothing within {self._patience.no_picture_s:g} s")
        self._awaiting = group is None

    def _skip_what_is_late(self) -> None:
        if self._pace.is_late(self._clock.boot_ns()):
            self._tally.skipped += self._pace.clear() + self._head.skip()
            self._awaiting = False

    def _connect(self, now_s: float) -> None:
        """A sending process for the stream as it is now: its form cannot change within a connection."""
        if self._sending is not None and self._pace.init and self._pace.init != self._sending.init:
            self._finish()
        if self._sending is None and self._pace.init and now_s - self._tried_s >= self._patience.pause_s:
            self._tally.skipped += self._pace.drop_to_key()
            if self._pace.init:
                self._tried_s = now_s
                self._sending = Sending(self._target, self._pace.init)

    def _serve(self, now_s: float) -> None:
        """Gives what is due, hears what was sent; waits where there is nothing to do."""
        sending = self._sending
        if sending is None:
            self._stop.wait(POLL_S)
            return
        while sending.takes and (picture := self._pace.due(self._clock.boot_ns())) is not None:
            sending.put(picture)
        wait_ns = self._pace.wait_ns(self._clock.boot_ns())
        wait_s = POLL_S if wait_ns is None or not sending.takes else min(POLL_S, wait_ns / NS_PER_S)
        for sent in sending.turn(wait_s):
            self._tally.sent(sent)
            self._lost = None
            if self._tally.pictures == 1:
                self._tell(self._running(now_s))
        if sending.trouble is not None:
            self._broken(sending.trouble, now_s)

    def _broken(self, trouble: Trouble, now_s: float) -> None:
        """The first connection must come about; later ones are tried again for a while."""
        assert self._sending is not None
        self._sending.kill()
        self._sending = None
        if not self._tally.pictures:
            raise _Failed(trouble.code, trouble.text)
        if self._lost is None:
            self._lost_s = now_s
            self._tally.reconnects += 1
            log.warning("live %s: %s: %s; it is tried again", self._id, trouble.code, trouble.text)
        self._lost = trouble
        if now_s - self._lost_s >= self._patience.retry_s:
            raise _Failed("lost", f"the receiver was lost and not found again within {self._patience.retry_s:g} s: {trouble.text}")

    def _finish(self) -> None:
        if self._sending is not None:
            for sent in self._sending.finish():
                self._tally.sent(sent)
            self._sending = None

    def _running(self, now_s: float) -> Response:
        first_ms = round((now_s - self._began_s) * NS_PER_S) // NS_PER_MS
        data = {"target": self._target.url, "first_packet_ms": first_ms, "latency_ms": self._tally.latency_ms[0]}
        return Response(id=self._id, state="running", data=data)

    def _failed(self, code: str, text: str) -> Response:
        log.warning("live %s failed: %s: %s", self._id, code, text)
        return Response(id=self._id, state="failed", code=code, text=text, data=self._document())

    def _document(self) -> dict[str, Any]:
        return {"target": self._target.url, "seconds": round(monotonic_s() - self._began_s, 1)} | self._tally.document()
