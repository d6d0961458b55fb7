"""Thread "sign-<name>": the only place where a process waits for its signer. Whoever wants a signature hands in a digest and looks later.

The key is opened here, too, since that may take as long as the signer likes: a token that is not there, a firmware that does not answer.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from edge.clock import monotonic_s
from edge.errors import EdgeError
from edge.messages.evidence import KeyNews
from edge.seal.opening import Opener
from edge.seal.signer import Identity, SigningTrouble
from edge.services.key_news import in_force, refused
from edge.services.lifecycle import ServiceThread

log = logging.getLogger(__name__)

OPEN_AGAIN_S = (1.0, 5.0, 30.0)
"""Waits between tries to open the key; the last one for ever."""


@dataclass(slots=True)
class Job:
    """A digest on its way. `done` is set when `signature` or `fault` is there."""

    digest: bytes
    submitted_s: float
    done: threading.Event = field(default_factory=threading.Event)
    signature: bytes | None = None
    fault: str = ""


class SigningDesk:
    """One job at a time. `run` belongs to the desk's thread, all else may be called from any one other thread. `news` tells what became
    of the key; `identity` is None while there is none to sign with."""

    def __init__(self, name: str, open_identity: Opener, adapter: str) -> None:
        self.identity: Identity | None = None
        self.news = KeyNews(state="missing", adapter=adapter, text="the key is being opened")
        self._open, self._adapter = open_identity, adapter
        self._job: Job | None = None
        self._stopping = False
        self._tries = 0
        self._changed = threading.Condition()
        self.thread = ServiceThread(f"sign-{name}", self.run)

    def submit(self, digest: bytes) -> Job | None:
        """None where there is no key, or the signer is still busy with the job before."""
        with self._changed:
            if self.identity is None or self._job is not None or self.thread.broken:
                return None
            self._job = Job(digest, monotonic_s())
            self._changed.notify_all()
            return self._job

    def wait_for_key(self, deadline_s: float) -> bool:
        """Whether there is a key, at the latest after so many seconds, or once it is known that there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self.identity is not None or self._tries > 0, deadline_s)
            return self.identity is not None

    @property
    def busy(self) -> bool:
        return self._job is not None

    def wait_idle(self, deadline_s: float) -> bool:
        """Whether the job under way has ended, at the latest after so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._job is None, deadline_s)

    def stop(self, deadline_s: float) -> None:
        """A signer that does not answer is left behind with the process."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.thread.join(deadline_s)

    def run(self) -> None:
        while self._ready():
            job = self._next()
            if job is not None:
                self._sign(job)
        if self.identity is not None:
            self.identity.signer.close()

    def _ready(self) -> bool:
        """Opens the key, again and again. False: the process ends."""
        while not self._stopping and self.identity is None:
            identity, news = self._opened()
            with self._changed:
                if news != self.news and identity is None:
                    log.error("nothing can be signed: %s", news.text)
                self.identity, self.news = identity, news
                wait_s = OPEN_AGAIN_S[min(self._tries, len(OPEN_AGAIN_S) - 1)]
                self._tries += 1
                self._changed.notify_all()
                if identity is None:
                    self._changed.wait_for(lambda: self._stopping, wait_s)
        return not self._stopping

    def _opened(self) -> tuple[Identity | None, KeyNews]:
        try:
            identity = self._open()
        except EdgeError as error:
            return None, refused(error, self._adapter)
        return identity, in_force(identity, self._adapter)

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._job is not None)
            return self._job

    def _sign(self, job: Job) -> None:
        identity = self.identity
        assert identity is not None
        try:
            job.signature = identity.signer.sign(job.digest)
        except (SigningTrouble, ValueError, OSError) as trouble:  # the last two: an adapter's fault, which must not end this thread
            job.fault = str(trouble) or type(trouble).__name__
        finally:
            with self._changed:
                self._job = None
                self._changed.notify_all()
            job.done.set()
