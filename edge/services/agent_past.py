"""What an agent needs to know of the time before its start, read from journals."""

from __future__ import annotations

import logging
from itertools import islice

from edge.clock import NS_PER_S, Clock, format_utc, parse_utc
from edge.errors import StorageError
from edge.journal.reader import JournalReader
from edge.link.properties import LOOK_BACK_S
from edge.messages.records import AlarmRaised, facts_of

log = logging.getLogger(__name__)

_LINES_MAX = 20_000
"""Years of an agent's journal, a fraction of a second of reading."""


def standing_alarms(journal: JournalReader) -> list[AlarmRaised]:
    """Those raised and never cleared, however long the node was off since."""
    last: dict[str, AlarmRaised] = {}
    try:
        for line in islice(journal.back(), _LINES_MAX):
            if line.record.type == "alarm":
                alarm = facts_of(line.record, AlarmRaised)
                last.setdefault(alarm.code, alarm)
    except StorageError as error:
        log.error("earlier alarms are not known: %s", error)
    return [alarm for alarm in last.values() if alarm.active]


def look_back_from(journal: JournalReader, clock: Clock) -> str:
    """RFC 3339: a day before now; where the clock is not set, a day before the newest record whose clock was: a clock that begins in the
    past would make a whole year of records fresh."""
    now = clock.read()
    moment_ns = now.utc_ns
    if not now.dated:
        try:
            dated = (line for line in islice(journal.back(), _LINES_MAX) if line.record.clock != "untrusted")
            newest = next(dated, None)
        except StorageError as error:
            log.error("%s cannot be read: %s", journal.folder, error)
        else:
            moment_ns = max(moment_ns, parse_utc(newest.record.t)) if newest is not None else moment_ns
    return format_utc(moment_ns - LOOK_BACK_S * NS_PER_S)
