"""Thread "seal" of the agent: signs the heads of all journals at a steady pace, and for each clip.

Only this thread meets the signer, which may be slow, missing or dead, or never answer: the agent's other work does not wait for it. A
checkpoint is a record of the agent's journal and goes to the centre from there.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock, monotonic_s
from edge.errors import EdgeError
from edge.host.disk import Disk
from edge.journal.heads import read_heads
from edge.journal.writer import JournalWriter
from edge.messages.evidence import Head, KeyNews
from edge.messages.records import AlarmRaised
from edge.seal.checkpoint import claims_of
from edge.seal.signer import Identity, SigningTrouble
from edge.services.key_standing import KeyStanding
from edge.services.lifecycle import ServiceThread
from edge.services.seal_key import STUCK_S, SealKey

log = logging.getLogger(__name__)

ASKED_MAX = 8
"""Clips that may wait for their checkpoint; one thread makes clips."""
REQUEST_S = 15.0
_WAKE_S = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. every_s: between regular checkpoints. A failure is tried again after first_retry_s, then twice as long each time."""

    every_s: float = 60.0
    first_retry_s: float = 2.0
    longest_retry_s: float = 300.0
    stuck_s: float = STUCK_S

    def retry_s(self, failures: int) -> float:
        return min(self.longest_retry_s, self.first_retry_s * float(2 ** min(failures, 30)))


@dataclass(frozen=True, slots=True)
class _Ask:
    clip: str
    answer: futures.Future[str]


class Checkpoints:
    """`journal`: the agent's. `opener`: opens the signer, called in the thread "seal", raises EdgeError; None without [seal]. adapter: its
    name in [seal]. `standing`: alarms that were raised when the process before this one ended."""

    def __init__(
        self,
        node: str,
        disk: Disk,
        journals: Path,
        clock: Clock,
        journal: JournalWriter,
        opener: Callable[[], Identity] | None,
        pace: Pace | None = None,
        *,
        adapter: str = "",
        standing: Iterable[AlarmRaised] = (),
    ) -> None:
        self._node, self._disk, self._journals, self._clock, self._journal = node, disk, journals, clock, journal
        self._pace = pace or Pace()
        self._standing = KeyStanding(journal, standing)
        self._key = SealKey(opener, self._standing, adapter, self._pace.stuck_s) if opener is not None else None
        self._asks: queue.Queue[_Ask | None] = queue.Queue(ASKED_MAX)
        self._signed: dict[tuple[str, str], int] = {}
        self._own_seq = 0
        """Of the last checkpoint's record; 0 where other records stand between it and the head it signed."""
        self._due_s = 0.0
        self._failures = 0
        self._stop = threading.Event()
        self.thread = ServiceThread("seal", self._run)

    @property
    def every_s(self) -> float | None:
        """None: nothing is signed."""
        return self._pace.every_s if self._key is not None else None

    @property
    def certificates(self) -> str:
        """PEM of the key that signed last, "" before the first signature. Any thread."""
        return self._key.certificates if self._key is not None else ""

    def start(self) -> None:
        if self._key is None:
            self._standing.say(KeyNews(state="off", text="no [seal] section: nothing is signed"), monotonic_s())
        else:
            self.thread.start()

    def stop(self, deadline_s: float) -> None:
        """A signer that does not answer is left behind with its thread."""
        self._stop.set()
        with suppress(queue.Full):
            self._asks.put_nowait(None)
        if self._key is not None:
            self.thread.join(deadline_s)

    def request(self, clip_id: str, deadline_s: float = REQUEST_S) -> str:
        """A checkpoint made now, for that clip: its compact JWS. It is in the journal, durably, when this returns. Blocks; any thread but
        the agent's main one. Raises SigningTrouble (no key, no answer in time), StorageError, ConfigError."""
        if self._key is None:
            raise SigningTrouble("nothing is signed: there is no [seal] section")
        if self._stop.is_set():
            raise SigningTrouble("the agent is stopping")
        ask = _Ask(clip_id, futures.Future())
        try:
            self._asks.put_nowait(ask)
            return ask.answer.result(deadline_s)
        except queue.Full:
            raise SigningTrouble(f"{ASKED_MAX} checkpoints wait for the signer already") from None
        except futures.TimeoutError:
            ask.answer.cancel()
            raise SigningTrouble(f"no checkpoint within {deadline_s:g} s") from None

    def look(self, now_s: float) -> None:
        """Call every few seconds from another thread."""
        if self._key is not None:
            self._key.look(now_s)

    def _run(self) -> None:
        assert self._key is not None
        while not self._stop.is_set():
            try:
                ask = self._asks.get(timeout=min(_WAKE_S, max(0.0, self._due_s - monotonic_s())))
            except queue.Empty:
                ask = None
            if self._stop.is_set():
                break
            if ask is not None:
                self._answer(self._key, ask)
            if monotonic_s() >= self._due_s:
                self._due_s = monotonic_s() + self._regular(self._key)
        self._refuse_all()
        self._key.close()

    def _refuse_all(self) -> None:
        """Nobody waits for a thread that ends."""
        with suppress(queue.Empty):
            while True:
                ask = self._asks.get_nowait()
                if ask is not None and ask.answer.set_running_or_notify_cancel():
                    ask.answer.set_exception(SigningTrouble("the agent is stopping"))

    def _answer(self, key: SealKey, ask: _Ask) -> None:
        if not ask.answer.set_running_or_notify_cancel():
            return
        try:
            ask.answer.set_result(self._make(key, read_heads(self._disk, self._journals), ask.clip))
        except (EdgeError, ValueError) as error:
            log.warning("clip %s gets no checkpoint: %s", ask.clip, error)
            ask.answer.set_exception(error if isinstance(error, EdgeError) else SigningTrouble(str(error)))

    def _regular(self, key: SealKey) -> float:
        """Seconds to the next one."""
        try:
            heads = read_heads(self._disk, self._journals)
            if self._have_moved(heads):
                self._make(key, heads, "")
        except (EdgeError, ValueError) as error:
            pause_s = self._pace.retry_s(self._failures)
            self._failures += 1
            log.warning("no checkpoint: %s; tried again in %.1f s", error, pause_s)
            return pause_s
        self._failures = 0
        return self._pace.every_s

    def _have_moved(self, heads: list[Head]) -> bool:
        """The last checkpoint's own record does not count."""
        before = self._signed | ({self._own: self._own_seq} if self._own_seq else {})
        return before != _places(heads)

    @property
    def _own(self) -> tuple[str, str]:
        return self._journal.folder.name, self._journal.epoch

    def _make(self, key: SealKey, heads: list[Head], clip: str) -> str:
        """Signed, then recorded. Raises EdgeError, ValueError."""
        checkpoint = key.sign(claims_of(self._node, self._journal.boot, self._clock.read(), heads, clip))
        self._signed = _places(heads)
        seq = self._journal.append(checkpoint).seq
        self._own_seq = seq if self._signed.get(self._own, 0) == seq - 1 else 0
        return checkpoint.jws


def _places(heads: list[Head]) -> dict[tuple[str, str], int]:
    return {(head.journal, head.epoch): head.seq for head in heads}
