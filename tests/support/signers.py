"""Signers that misbehave: one that waits on a socket nobody answers, one that fails so many times, one that is not there."""

from __future__ import annotations

import socket
from types import TracebackType

from edge.errors import ConfigError
from edge.seal.signer import Assurance, Identity, SigningTrouble
from tests.support.identities import Town, file_identity


class SilentSigner:
    """Asks over a socket and waits for ever; `answer` lets it go on, with an error."""

    assurance: Assurance = "hardware"
    public_key = b""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self.asked = 0

    def sign(self, digest: bytes) -> bytes:
        self.asked += 1
        self._here.sendall(digest)
        if not self._here.recv(1):
            raise SigningTrouble("the token went away")
        raise SigningTrouble("the token answered late")

    def close(self) -> None: ...

    def let_go(self) -> None:
        self._there.close()

    def __enter__(self) -> SilentSigner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._there.close()
        self._here.close()


class FailingSigner:
    """Fails where `fails` says so, else signs as `identity` does. closed: how often it was let go."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.assurance: Assurance = identity.signer.assurance
        self.public_key = identity.signer.public_key
        self.fails = False
        self.closed = 0
        self.asked = 0

    def sign(self, digest: bytes) -> bytes:
        self.asked += 1
        if self.fails:
            raise SigningTrouble("the chip answers with an error")
        return self._identity.signer.sign(digest)

    def close(self) -> None:
        self.closed += 1


class KeyDrawer:
    """An opener: what is in the drawer now."""

    def __init__(self, town: Town, node: str = "pole-1") -> None:
        self.identity = file_identity(town, node)
        self.signer = FailingSigner(self.identity)
        self.empty = False
        self.opened = 0

    def open(self) -> Identity:
        self.opened += 1
        if self.empty:
            raise ConfigError("seal.key: /etc/edge/keys/media.key: there is no such file")
        return Identity(self.signer, self.identity.certificates, self.identity.fingerprint)
