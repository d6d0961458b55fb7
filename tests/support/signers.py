"""Signers that misbehave: one that waits on a socket nobody answers, one that fails when it is told to; and where a key may be missing."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType

from edge.errors import ConfigError, TryAgain
from edge.seal.signer import Assurance, Identity, SigningTrouble
from tests.support.identities import Town, identity_of


class SilentSigner:
    """Asks over a socket and waits for an answer that never comes. `asking` is set from then on; the socket's end, with `let_go`, is the
    end of the wait."""

    assurance: Assurance = "hardware"
    public_key = b""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self.asking = threading.Event()

    def sign(self, digest: bytes) -> bytes:
        self.asking.set()
        with suppress(OSError):
            self._here.sendall(digest)
            self._here.recv(1)
        raise SigningTrouble("the token went away")

    def close(self) -> None: ...

    def let_go(self) -> None:
        self._there.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> SilentSigner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.let_go()
        self._there.close()
        self._here.close()


class FailingSigner:
    """Signs as `identity` does, but for the next `failures` times. closed: how often it was let go."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.assurance: Assurance = identity.signer.assurance
        self.public_key = identity.signer.public_key
        self.failures = 0
        self.closed = 0

    def sign(self, digest: bytes) -> bytes:
        if self.failures:
            self.failures -= 1
            raise SigningTrouble("the chip answers with an error")
        return self._identity.signer.sign(digest)

    def close(self) -> None:
        self.closed += 1


class KeyDrawer:
    """An opener. fault: why the key cannot be had now, None where it can."""

    def __init__(self, town: Town | None = None, node: str = "pole-1") -> None:
        self.identity = identity_of(town or Town(), node)
        self.signer = FailingSigner(self.identity)
        self.fault: ConfigError | TryAgain | None = None
        self.opened = 0

    def open(self) -> Identity:
        self.opened += 1
        if self.fault is not None:
            raise self.fault
        return Identity(self.signer, self.identity.certificates, self.identity.fingerprint)
