"""The port to whatever holds the node's private key. The key never leaves it; only 32-byte digests go in and signatures come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from edge.errors import TryAgain

Assurance = Literal["file", "hardware"]
"""Where the private key lives: in a file that a thief of the disk has too, or in a chip that signs but does not tell."""


class SigningTrouble(TryAgain):
    """The signer cannot sign now (or not in time). Recording goes on without."""


class Signer(Protocol):
    """An ECDSA key on curve P-256. One thread at a time. `sign` may block for as long as the adapter's own deadline."""

    @property
    def assurance(self) -> Assurance: ...

    @property
    def public_key(self) -> bytes:
        """DER SubjectPublicKeyInfo."""

    def sign(self, digest: bytes) -> bytes:
        """Of a SHA-256 digest (32 bytes): the DER signature (RFC 3279, 2.2.3), at most 72 bytes. Raises SigningTrouble;
        ValueError for a digest of another length."""

    def close(self) -> None:
        """Ends helper processes and sessions. Called once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A signer and what it signs with. certificates: PEM, leaf first, no root. fingerprint: SHA-256 hex of the leaf's DER."""

    signer: Signer
    certificates: bytes
    fingerprint: str
