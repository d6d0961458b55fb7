"""What an agent needs to know of the time before its start, read from journals.

A checkpoint a minute makes the agent's own journal long: what stands at a place in it is written down once a day, and only what follows
that place is read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from edge.clock import NS_PER_S, Clock, format_utc, parse_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.link.properties import LOOK_BACK_S
from edge.messages.records import AlarmRaised, Boot, facts_of

log = logging.getLogger(__name__)

PAST = "past.json"
"""In the agent's folder."""
_LINES_MAX = 20_000
"""Two weeks of an agent's journal, a fraction of a second of reading."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at record `seq` of the journal of that epoch. alarms: raised and not cleared, however long ago. config_sha256: of the
    newest start's configuration, "" where not known."""

    epoch: str = ""
    seq: int = 0
    alarms: list[AlarmRaised] = []
    config_sha256: str = ""


def recall(disk: Disk, path: Path, journal: JournalReader) -> Past:
    """What stands at the end of the journal, however long the node was off since. `path`: where `remember` wrote. Never raises."""
    try:
        kept = _kept(disk, path)
        last, epoch = journal.last(), journal.epoch()
        if last is None:
            return Past()
        if kept.epoch == epoch and 0 < kept.seq <= last.seq:
            return _after(kept, journal.read(after_seq=kept.seq, durable=False))
        lines = [line for line in islice(journal.back(), _LINES_MAX) if line.record.type in ("alarm", "boot")]
        return _after(Past(epoch=epoch, seq=last.seq), reversed(lines))
    except StorageError as error:
        log.error("what stood before this start is not known: %s", error)
        return Past()


def remember(disk: Disk, path: Path, past: Past) -> None:
    """Raises StorageError."""
    disk.replace(path, msgspec.json.encode(past))


def _kept(disk: Disk, path: Path) -> Past:
    try:
        return msgspec.json.decode(disk.read(path), type=Past)
    except NotFound:
        return Past()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.warning("%s does not read and is made anew: %s", path, error)
        return Past()


def _after(past: Past, lines: Iterable[Line]) -> Past:
    alarms, config_sha256, seq = {alarm.code: alarm for alarm in past.alarms}, past.config_sha256, past.seq
    for line in lines:
        seq = max(seq, line.seq)
        if line.record.type == "alarm":
            alarm = facts_of(line.record, AlarmRaised)
            alarms[alarm.code] = alarm
        elif line.record.type == "boot":
            config_sha256 = facts_of(line.record, Boot).config_sha256
    return Past(epoch=past.epoch, seq=seq, alarms=[each for each in alarms.values() if each.active], config_sha256=config_sha256)


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
