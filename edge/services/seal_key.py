"""The signing key as one thread uses it: opened when it is needed, let go when it fails, and what it does told to the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge.clock import monotonic_s
from edge.errors import EdgeError
from edge.messages.evidence import Checkpoint, CheckpointClaims, KeyNews
from edge.seal.checkpoint import sign_checkpoint
from edge.seal.signer import Identity, SigningTrouble
from edge.services.key_news import in_force, refused
from edge.services.key_standing import KeyStanding

log = logging.getLogger(__name__)

STUCK_S = 20.0


class SealKey:
    """`sign` and `close` belong to one thread, `look` to another. `opener` raises EdgeError. adapter: its name in [seal]. stuck_s: a signer
    that has not answered for so long is told of while it is still waited for."""

    def __init__(self, opener: Callable[[], Identity], standing: KeyStanding, adapter: str = "", stuck_s: float = STUCK_S) -> None:
        self._opener, self._standing, self._adapter, self._stuck_s = opener, standing, adapter, stuck_s
        self._identity: Identity | None = None
        self._waiting_since_s: float | None = None
        self.certificates = ""
        """PEM of the key that signed last, "" before the first signature."""

    def sign(self, claims: CheckpointClaims) -> Checkpoint:
        """Blocks for as long as the signer does. One slow answer is no trouble yet: it is asked twice. Raises EdgeError (SigningTrouble,
        ConfigError for a key that cannot be used), ValueError for claims that do not fit."""
        identity = self._opened()
        try:
            checkpoint = self._signed(identity, claims)
        except SigningTrouble as error:
            self.close()
            self._standing.say(KeyNews(state="broken", adapter=self._adapter, text=str(error)), monotonic_s())
            raise
        self._in_force(identity)
        return checkpoint

    def look(self, now_s: float) -> None:
        """Call every few seconds: of a signer that never answers, the thread that waits for it cannot tell."""
        since_s = self._waiting_since_s
        if since_s is not None and now_s - since_s >= self._stuck_s:
            text = f"the signer has not answered for {now_s - since_s:.0f} s"
            self._standing.say(KeyNews(state="broken", adapter=self._adapter, text=text), now_s)

    def close(self) -> None:
        identity, self._identity = self._identity, None
        if identity is not None:
            with self._waiting():
                identity.signer.close()

    def _opened(self) -> Identity:
        if self._identity is None:
            try:
                with self._waiting():
                    self._identity = self._opener()
            except EdgeError as error:
                self._standing.say(refused(error, self._adapter), monotonic_s())
                raise
        return self._identity

    def _signed(self, identity: Identity, claims: CheckpointClaims) -> Checkpoint:
        with self._waiting():
            try:
                return sign_checkpoint(identity, claims)
            except SigningTrouble as error:
                log.info("the signer is asked once more: %s", error)
                return sign_checkpoint(identity, claims)

    def _in_force(self, identity: Identity) -> None:
        self._standing.say(in_force(identity, self._adapter), monotonic_s())
        self.certificates = identity.certificates.decode("ascii", "replace")

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waiting_since_s = monotonic_s()
        try:
            yield
        finally:
            self._waiting_since_s = None
