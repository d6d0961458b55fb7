"""Thread "errands" of the agent: what a command asks for and takes longer than a moment, one after another.

An errand is begun when its command is on record. What was accepted when the power failed is begun again at the next start; asking for
something twice does no harm.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterable
from typing import Protocol

from edge.command.dispatch import Verb
from edge.command.ledger import Entry
from edge.command.looking import Outcome, Seen
from edge.errors import EdgeError, Refused
from edge.link.publish import Direct
from edge.messages.records import Facts, Record
from edge.messages.wire import CommandClaims, Response
from edge.services.lifecycle import ServiceThread

log = logging.getLogger(__name__)

WAITING_MAX = 20


class Errand(Protocol):
    """One verb. check: quick, in the agent's main thread; raises Refused; what it returns is recorded. do: in the thread "errands"; raises
    EdgeError."""

    def check(self, claims: CommandClaims) -> Seen | None: ...

    def do(self, claims: CommandClaims) -> Outcome: ...


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


class Errands:
    """All methods but `_run` belong to the agent's main thread. tell: puts into the agent's inbox."""

    def __init__(self, tell: Callable[[Response | Direct], None], journal: Journal) -> None:
        self._tell, self._journal = tell, journal
        self._errands: dict[str, Errand] = {}
        self._accepted: dict[str, CommandClaims] = {}
        self._queue: queue.Queue[CommandClaims | None] = queue.Queue()
        self._ending = False
        self.thread = ServiceThread("errands", self._run)

    def verb(self, name: str, errand: Errand) -> Verb:
        """What the dispatcher calls for it."""
        self._errands[name] = errand

        def accept(claims: CommandClaims) -> Response:
            if self._queue.qsize() + len(self._accepted) >= WAITING_MAX:
                raise Refused("busy", f"{WAITING_MAX} commands wait to be carried out", remedy="ask again in a minute")
            seen = errand.check(claims)
            if seen is not None:
                self._journal.append(*seen)
            self._accepted[claims.id] = claims
            return Response(id=claims.id, state="accepted")

        return accept

    def begin(self, id: str) -> None:
        """The command is on record. Ids of other verbs are passed over."""
        claims = self._accepted.pop(id, None)
        if claims is not None:
            self._queue.put(claims)

    def resume(self, entries: Iterable[Entry]) -> None:
        """At the start: what was accepted and has no last word."""
        for entry in entries:
            answered = entry.answer is not None and entry.answer.state in ("accepted", "running")
            if answered and entry.claims.verb in self._errands:
                self._queue.put(entry.claims)

    def start(self) -> None:
        self.thread.start()

    def stop(self, deadline_s: float) -> None:
        """What is left is done at the next start."""
        self._ending = True
        self._queue.put(None)
        self.thread.join(deadline_s)

    def _run(self) -> None:
        while (claims := self._queue.get()) is not None and not self._ending:
            outcome = self._outcome(claims)
            for message in outcome.messages:
                self._tell(message)
            self._tell(outcome.response)

    def _outcome(self, claims: CommandClaims) -> Outcome:
        try:
            return self._errands[claims.verb].do(claims)
        except Refused as refused:
            return Outcome(Response(id=claims.id, state="failed", code=refused.code, text=str(refused)))
        except EdgeError as error:
            log.error("command %s (%s) failed: %s", claims.id, claims.verb, error)
            return Outcome(Response(id=claims.id, state="failed", code=type(error).__name__, text=str(error)))
        except Exception as fault:  # raised, it would end the thread now and at every start from now on
            log.exception("command %s (%s) met a fault of this program", claims.id, claims.verb)
            return Outcome(Response(id=claims.id, state="failed", code="fault", text=type(fault).__name__))
