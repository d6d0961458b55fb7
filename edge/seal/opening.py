"""From the configuration to what opens the node's key, without loading any of it yet: a recorder that signs nothing stays lean."""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import Clock
from edge.config.model import Seal
from edge.seal.signer import Identity

Opener = Callable[[], Identity]
"""Opens the node's key. Blocks for as long as its adapter needs. Raises EdgeError where it cannot be used."""


def identity_opener(seal: Seal | None, clock: Clock) -> Opener | None:
    """None where nothing is to be signed. Where the clock is set, the certificate must be valid."""
    if seal is None:
        return None

    def opened() -> Identity:
        from edge.seal.catalog import open_identity

        return open_identity(seal, clock.read())

    return opened
