"""What went wrong lately, as the journals tell it. Reads from the newest record backwards, a bounded number of them."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from edge.clock import NS_PER_S, format_utc
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.messages.diag import JournalDiag, Trouble
from edge.ring.layout import NodeFolders

log = logging.getLogger(__name__)

LINES_MAX = 4000
"""Of one journal: more than a day of any but a very unruly one."""
_DAY_NS = 86_400 * NS_PER_S
_ALWAYS = ("gap", "config_fault", "recover", "unsigned", "clock_step", "config_trial")
_PEOPLE = ("operator", "case", "by", "recipient", "requester")
_QUOTED = re.compile(r'"[^"]*"?|\'[^\']*\'?')
_TEXT_CHARS, _ITEMS = 240, 8


@dataclass
class Told:
    """alarms: active ones of that journal. troubles: newest first."""

    diag: JournalDiag
    alarms: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def told_by(disk: Disk, folders: NodeFolders, now_ns: int, most: int) -> list[Told]:
    """Of every journal, by name; `most` troubles each. A journal that cannot be read is told without numbers."""
    try:
        names = sorted(entry.name for entry in disk.scan(folders.journals) if entry.is_dir)
    except StorageError:
        return []
    return [_told(JournalReader(disk, folders.journal(name)), name, format_utc(now_ns - _DAY_NS), most) for name in names]


def _told(reader: JournalReader, name: str, since: str, most: int) -> Told:
    try:
        lines = list(islice(reader.back(), LINES_MAX))
    except StorageError as error:
        log.warning("journal %s cannot be read: %s", name, error)
        return Told(JournalDiag(name=name, complete=False))
    facts = {line.seq: _facts(line) for line in lines if line.record.type in ("boot", "gap", "alarm")}
    starts = [line for line in lines if line.record.type == "boot"]
    day = [line for line in lines if line.record.t >= since]
    diag = JournalDiag(
        name=name,
        last_seq=lines[0].seq if lines else None,
        last_t=lines[0].record.t if lines else None,
        last_start=starts[0].record.t if starts else None,
        starts=dict(Counter(str(facts[line.seq].get("ended")) for line in day if line.record.type == "boot")),
        gaps=dict(Counter(str(facts[line.seq].get("reason")) for line in day if line.record.type == "gap")),
        complete=len(lines) < LINES_MAX or len(day) < len(lines),
    )
    alarms: dict[str, bool] = {}
    for line in lines:
        if line.record.type == "alarm":
            alarms.setdefault(str(facts[line.seq].get("code")), bool(facts[line.seq].get("active")))
    troubles = [_trouble(name, line) for line in islice((line for line in lines if _is_trouble(line)), most)]
    return Told(diag, sorted(code for code, active in alarms.items() if active), troubles)


def _is_trouble(line: Line) -> bool:
    kind, facts = line.record.type, _facts(line)
    if kind in _ALWAYS:
        return True
    if kind == "alarm":
        return facts.get("severity") != "info"
    if kind == "boot":
        return facts.get("ended") in ("crash", "power")
    if kind in ("command", "clip"):
        return facts.get("state") in ("refused", "failed")
    return (kind == "key" and facts.get("state") in ("missing", "broken")) or (kind == "erase" and bool(facts.get("early")))


def _trouble(journal: str, line: Line) -> Trouble:
    record = line.record
    found = _facts(line)
    if record.type == "config_fault":
        found["errors"] = without_values([str(each) for each in found.get("errors", [])])
    facts = {name: _short(value) for name, value in found.items() if name not in _PEOPLE}
    return Trouble(journal=journal, seq=record.seq, t=record.t, clock=record.clock, type=record.type, camera=record.camera, facts=facts)


def without_values(errors: list[str]) -> list[str]:
    """What is wrong with a configuration, without what stands there: a password in the wrong place is a fault, too."""
    return [_QUOTED.sub('"..."', error) for error in errors]


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_TEXT_CHARS]
    if isinstance(value, list):
        return [_short(each) for each in value[:_ITEMS]]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in list(value.items())[:_ITEMS]}
    return value


def _facts(line: Line) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line.record.facts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
