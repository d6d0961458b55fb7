"""The node's identity for as long as one package needs it, or why there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.clock import Clock
from edge.config.model import Seal
from edge.errors import EdgeError
from edge.seal.signer import Identity

log = logging.getLogger(__name__)

Opener = Callable[[], Identity]
"""Opens the node's key. Raises EdgeError where it cannot be used."""


@dataclass(frozen=True, slots=True)
class Hand:
    """What signs. identity None: nothing does, and `trouble` says why."""

    identity: Identity | None
    trouble: str = ""


NO_SEAL = "this node has no [seal] section"


def identity_opener(seal: Seal | None, clock: Clock) -> Opener | None:
    """What opens the key that the configuration names; None where nothing is to be signed. clock: while it is dated, the certificate must
    be valid. The catalog is imported when it is called."""
    if seal is None:
        return None

    def opened() -> Identity:
        from edge.seal.catalog import open_identity

        return open_identity(seal, clock.read())

    return opened


@contextmanager
def signing_hand(open_identity: Opener | None) -> Iterator[Hand]:
    """open_identity None: the node has no [seal] section. A key that cannot be used stops nothing."""
    if open_identity is None:
        yield Hand(None, NO_SEAL)
        return
    try:
        identity = open_identity()
    except EdgeError as error:
        log.warning("the key cannot be used: %s", error)
        yield Hand(None, str(error))
        return
    try:
        yield Hand(identity)
    finally:
        identity.signer.close()
