"""What the agent does now and then on its own disk. A disk that refuses is asked again next time."""

from __future__ import annotations

import logging
from functools import partial

from edge.clock import NS_PER_S, Clock, format_utc
from edge.config.model import NodeConfig
from edge.errors import StorageError, TryAgain
from edge.host.disk import Disk
from edge.host.turn import turn_at
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.ring.hold import Holds
from edge.ring.hold_alarms import HoldAlarms
from edge.ring.layout import folders_of
from edge.ring.query import RingReader
from edge.services.agent_parts import Parts
from edge.services.agent_past import recall, remember

log = logging.getLogger(__name__)

HOLDS_EVERY_S = 30.0
TURN_WAIT_S = 2.0
DAY_S = 86_400.0


def holds_of(config: NodeConfig, disk: Disk, journal: JournalWriter, clock: Clock, reader: RingReader) -> Holds:
    """Taking turns with the local tool."""
    folders = folders_of(config)
    return Holds(
        disk,
        folders.data,
        journal,
        clock,
        reader,
        config.hold.quota_percent,
        {camera.id: camera.bitrate_kbps for camera in config.camera},
        partial(turn_at, folders.hold, TURN_WAIT_S),
    )


def refresh_holds(holds: Holds, alarms: HoldAlarms) -> None:
    """Links what was recorded since into locks that reach into the future, ends what was interrupted, and says what is wrong with them."""
    try:
        alarms.look(changed=bool(holds.refresh()))
    except (StorageError, TryAgain) as error:
        log.error("locks are not complete: %s", error)


def once_a_day(parts: Parts) -> None:
    """Forgets commands, jobs and records that are older than they are kept."""
    now = parts.clock.read()
    try:
        parts.ledger.prune(now)
        parts.store.forget()
        remember(parts.disk, parts.past, recall(parts.disk, parts.past, JournalReader(parts.disk, parts.journal.folder)))
        if now.state == "trusted":
            parts.journal.retire(format_utc(now.utc_ns - round(parts.journal_days * DAY_S) * NS_PER_S))
    except StorageError as error:
        log.error("old records of this process cannot be cleared away: %s", error)
