"""The signing key as one thread uses it: opened when it is needed, let go when it fails, and what it does told to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge.clock import monotonic_s
from edge.errors import ConfigError, EdgeError, NotFound
from edge.messages.evidence import Checkpoint, CheckpointClaims, KeyNews
from edge.seal.checkpoint import sign_checkpoint
from edge.seal.signer import Identity, SigningTrouble
from edge.seal.trust import Roots, check_chain
from edge.services.key_standing import KeyStanding

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
        try:
            try:
                return self._signed(claims)
            except SigningTrouble:
                if self._identity is None:
                    raise
                return self._signed(claims)
        except (EdgeError, OSError) as error:
            self.close()
            state = "missing" if isinstance(error, (ConfigError, NotFound, FileNotFoundError)) else "broken"
            self._standing.say(KeyNews(state=state, adapter=self._adapter, text=str(error)), monotonic_s())
            raise error if isinstance(error, EdgeError) else SigningTrouble(str(error)) from error

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

    def _signed(self, claims: CheckpointClaims) -> Checkpoint:
        with self._waiting():
            identity = self._identity = self._identity or self._opener()
            checkpoint = sign_checkpoint(identity, claims)
        certificates = identity.certificates.decode("ascii", "replace")
        known = check_chain(identity.certificates, Roots(()), None)
        news = KeyNews(
            state="in_force",
            adapter=self._adapter,
            assurance=identity.signer.assurance,
            fingerprint=identity.fingerprint,
            subject=known.subject,
            not_after=known.not_after,
        )
        self._standing.say(news, monotonic_s())
        self.certificates = certificates
        return checkpoint

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waiting_since_s = monotonic_s()
        try:
            yield
        finally:
            self._waiting_since_s = None
