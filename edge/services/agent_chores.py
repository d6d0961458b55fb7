"""What the agent does now and then on its own disk. A disk that refuses is asked again next time."""

from __future__ import annotations

import logging

from edge.clock import NS_PER_S, format_utc
from edge.errors import StorageError
from edge.journal.reader import JournalReader
from edge.ring.hold import Holds
from edge.services.agent_parts import Parts
from edge.services.agent_past import recall, remember

log = logging.getLogger(__name__)

HOLDS_EVERY_S = 30.0
DAY_S = 86_400.0


def refresh_holds(holds: Holds) -> None:
    """Links what was recorded since into locks that reach into the future, and ends what was interrupted."""
    try:
        holds.refresh()
    except StorageError as error:
        log.error("locks are not complete: %s", error)


def once_a_day(parts: Parts) -> None:
    """Forgets commands, jobs and records that are older than they are kept."""
    now = parts.clock.read()
    try:
        parts.ledger.prune(now, parts.boot)
        parts.store.forget()
        remember(parts.disk, parts.past, recall(parts.disk, parts.past, JournalReader(parts.disk, parts.journal.folder)))
        if now.state == "trusted":
            parts.journal.retire(format_utc(now.utc_ns - round(parts.journal_days * DAY_S) * NS_PER_S))
    except StorageError as error:
        log.error("old records of this process cannot be cleared away: %s", error)
