"""Commands that are followed for a while after they were accepted, by looking now and then, in the agent's main thread."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from edge.command.ledger import Entry
from edge.errors import EdgeError
from edge.messages.wire import CommandClaims, Response

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


class Followed(Protocol):
    """begin: the command is on record. resume: at the start, without a last word yet. look: last words there are by now. All quick."""

    def begin(self, claims: CommandClaims) -> None: ...

    def resume(self, claims: CommandClaims) -> None: ...

    def look(self) -> list[Response]: ...


class FollowedVerbs:
    """Of several verbs, by name."""

    def __init__(self, verbs: Mapping[str, Followed]) -> None:
        self._verbs = verbs

    def begin(self, entry: Entry | None) -> None:
        """Entries of other verbs are passed over."""
        if entry is not None and entry.claims.verb in self._verbs:
            self._verbs[entry.claims.verb].begin(entry.claims)

    def resume(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.claims.verb in self._verbs and entry.answer is not None and entry.answer.state in ("accepted", "running"):
                self._verbs[entry.claims.verb].resume(entry.claims)

    def look(self) -> list[Response]:
        found: list[Response] = []
        for name, verb in self._verbs.items():
            try:
                found += verb.look()
            except EdgeError as error:
                log.error("%s cannot be followed now: %s", name, error)
        return found
