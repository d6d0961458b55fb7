"""The node's identity for as long as one package needs it, or why there is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.errors import EdgeError
from edge.seal.opening import Opener
from edge.seal.signer import Identity

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hand:
    """What signs. identity None: nothing does, and `trouble` says why."""

    identity: Identity | None
    trouble: str = ""


NO_SEAL = "this node has no [seal] section"


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
