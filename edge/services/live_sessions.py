"""Threads "live-<id>" of the agent: one for each live session, at most [live] sessions at once.

They end with their time, when their operator asks, or with the agent; none is begun again at the next start: who wants to see asks anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from edge.clock import Clock
from edge.command.ledger import Entry
from edge.command.live import Wanted, wanted_of
from edge.config.model import NodeConfig
from edge.errors import Refused
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.live.follow import Head
from edge.live.session import LiveSession
from edge.live.target import target_of
from edge.messages.records import Facts, Record
from edge.messages.wire import CommandClaims, Response
from edge.ring.layout import NodeFolders
from edge.services.lifecycle import ServiceThread

log = logging.getLogger(__name__)

VERB = "live"


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


@dataclass(frozen=True, slots=True)
class _Running:
    operator: str
    session: LiveSession
    thread: ServiceThread


class LiveSessions:
    """All methods belong to the agent's main thread. tell: puts into the agent's inbox."""

    def __init__(
        self, config: NodeConfig, folders: NodeFolders, disk: Disk, clock: Clock, journal: Journal, tell: Callable[[Response], None]
    ) -> None:
        self._config, self._folders, self._disk, self._clock = config, folders, disk, clock
        self._journal, self._tell = journal, tell
        self._running: dict[str, _Running] = {}
        self._begun: set[str] = set()

    def verb(self, claims: CommandClaims) -> Response:
        """What the dispatcher calls. Raises Refused: those of `wanted_of`, busy, no_session, not_yours; ConfigError, StorageError."""
        wanted = wanted_of(claims, self._config.live, [camera.id for camera in self._config.camera], self._clock)
        if isinstance(wanted, str):
            return self._end(claims, wanted)
        if claims.id not in self._running:
            self._admit(claims, wanted)
        return Response(id=claims.id, state="accepted")

    def begin(self, id: str) -> None:
        """The command is on record. Ids of other verbs are passed over."""
        running = self._running.get(id)
        if running is not None and id not in self._begun:
            self._begun.add(id)
            running.thread.start()

    def interrupted(self, entries: Iterable[Entry]) -> None:
        """At the start: sessions that ended with the last agent."""
        for entry in entries:
            begun = entry.answer is not None and entry.answer.state in ("accepted", "running")
            if begun and entry.claims.verb == VERB:
                text = "the agent was started anew: ask again"
                self._tell(Response(id=entry.claims.id, state="failed", code="interrupted", text=text))

    def stop(self, deadline_s: float) -> None:
        begun = [running for id, running in self._running.items() if id in self._begun]
        for running in begun:
            running.session.stop("stopped")
        for running in begun:
            running.thread.join(deadline_s)

    def _admit(self, claims: CommandClaims, wanted: Wanted) -> None:
        live = self._config.live
        assert live is not None
        self._forget_ended()
        if len(self._running) >= live.sessions:
            raise Refused("busy", f"{len(self._running)} live sessions run, at most {live.sessions}", remedy="end one, or ask later")
        target = target_of(live, self._config.node.id, wanted.camera)
        self._journal.append(wanted.viewed, wanted.camera)
        head = Head(self._disk, self._folders.ring(wanted.camera), boot_id(), self._clock.boot_ns)
        session = LiveSession(claims.id, wanted.seconds, target, head, self._clock, self._tell)
        thread = ServiceThread(f"live-{claims.id[:8]}", lambda: self._run(claims.id, session))
        self._running[claims.id] = _Running(claims.operator, session, thread)

    def _run(self, id: str, session: LiveSession) -> None:
        try:
            self._tell(session.run())
        except Exception as fault:  # raised, the asker would wait for a last word until the next start
            log.exception("live %s met a fault of this program", id)
            self._tell(Response(id=id, state="failed", code="fault", text=type(fault).__name__))

    def _end(self, claims: CommandClaims, id: str) -> Response:
        self._forget_ended()
        running = self._running.get(id)
        if running is None:
            raise Refused("no_session", f"no live session {id[:80]!r} runs here")
        if running.operator != claims.operator:
            raise Refused("not_yours", "another operator began it")
        running.session.stop("asked")
        return Response(id=claims.id, state="done", data={"stopped": id})

    def _forget_ended(self) -> None:
        for id in [id for id, running in self._running.items() if id in self._begun and not running.thread.alive]:
            del self._running[id]
            self._begun.discard(id)
