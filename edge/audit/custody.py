"""Who saw, took, locked, asked for or destroyed footage: entries of the custody log, from the journals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import msgspec

from edge import __version__
from edge.audit.journals import Chain, Journals
from edge.audit.words import local
from edge.clock import NS_PER_MS, NS_PER_S, format_utc, parse_utc
from edge.journal.line import Line, chain_hash
from edge.messages.audit import CustodyEntry, CustodyKind, CustodyLog, Source
from edge.messages.evidence import Decommission, Exported, Viewed
from edge.messages.records import ClipDone, Command, Erase, HoldAdded, HoldReleased, Record, facts_of
from edge.ring.layout import recorder_journal

_LATE_NS = 3600 * NS_PER_S
_TEXT_MAX = 600


def custody_log(
    node: str, place: str, source: Source, zone: ZoneInfo, journals: Journals, start_ns: int, end_ns: int, now_ns: int
) -> CustodyLog:
    """All entries of [start, end), by time; one by a clock that was not trusted wherever it may belong there. Erasures are summed up:
    one entry for a run of one camera, reason, policy and day. Raises StorageError."""
    entries: list[CustodyEntry] = []
    states = []
    for name in journals.names():
        chain = Chain(name)
        entries += _entries(chain.through(journals.lines(name, format_utc(start_ns))), name, zone, start_ns, end_ns)
        states += [chain.state] if chain.state.lines else []
    return CustodyLog(
        node=node,
        place=place,
        timezone=zone.key,
        start=format_utc(start_ns),
        end=format_utc(end_ns),
        made=format_utc(now_ns // NS_PER_MS * NS_PER_MS),
        source=source,
        version=__version__,
        entries=sorted(entries, key=lambda entry: (entry.t, entry.journal, entry.seq)),
        journals=states,
    )


def _entries(lines: Iterator[Line], journal: str, zone: ZoneInfo, start_ns: int, end_ns: int) -> Iterator[CustodyEntry]:
    run: CustodyEntry | None = None
    for line in _of_period(lines, start_ns, end_ns):
        entry = _entry(line, journal, zone)
        if run is not None and _continues(run, entry):
            run = _longer(run, entry)
            continue
        if run is not None:
            yield run
        run = entry
    if run is not None:
        yield run


def _of_period(lines: Iterator[Line], start_ns: int, end_ns: int) -> Iterator[Line]:
    """Lines about custody that were written in the period, or may have been: one by a clock that was not trusted was written between its
    trusted neighbours."""
    waiting: list[Line] = []
    before_ns: int | None = None
    for line in lines:
        if line.record.clock != "untrusted":
            now_ns = parse_utc(line.record.t)
            if now_ns >= start_ns and (before_ns is None or before_ns < end_ns):
                yield from waiting
            waiting.clear()
            before_ns = now_ns
            if now_ns >= end_ns + _LATE_NS:
                return
            if start_ns <= now_ns < end_ns and line.record.type in _TELLERS:
                yield line
        elif line.record.type in _TELLERS:
            waiting.append(line)
    if before_ns is None or before_ns < end_ns:
        yield from waiting


def _entry(line: Line, journal: str, zone: ZoneInfo) -> CustodyEntry:
    record = line.record
    kind, told = _TELLERS[record.type](record)
    plain = CustodyEntry(
        t=record.t,
        local=local(record.t, zone),
        clock=record.clock,
        journal=journal,
        seq=line.seq,
        sha256=chain_hash(line.raw),
        kind=kind,
        camera=record.camera or journal.removeprefix(recorder_journal("")) * journal.startswith(recorder_journal("")),
    )
    return msgspec.structs.replace(plain, **told)


def _view(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, Viewed)
    return "view", _of(facts.camera_id, facts.start, facts.end) | {"who": facts.operator, "case": facts.case, "text": facts.what}


def _export(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, Exported)
    files = "; ".join(f"{file.name} {file.bytes} B sha256 {file.sha256}" for file in facts.files)
    return "export", _of(facts.camera_id, facts.start, facts.end) | {
        "who": facts.operator,
        "case": facts.case,
        "recipient": facts.recipient,
        "id": facts.id,
        "state": facts.how,
        "text": "; ".join(filter(None, (facts.basis, files)))[:_TEXT_MAX],
    }


def _hold(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, HoldAdded)
    text = f"{len(facts.segments)} segments, {facts.bytes} B"
    return "hold", _of(facts.camera_id, facts.start, facts.end) | {"who": facts.by, "case": facts.case, "id": facts.id, "text": text}


def _release(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, HoldReleased)
    return "release", {"who": facts.by, "id": facts.id, "text": facts.why[:_TEXT_MAX]}


def _erase(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    """start, end: of the segment; undated ones have none."""
    facts = facts_of(record, Erase)
    state = facts.reason + (" early" if facts.early else "")
    return "erase", {"start": facts.start or "", "end": facts.end or "", "state": state, "text": facts.policy[:_TEXT_MAX]}


def _command(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, Command)
    text = " ".join(filter(None, (facts.verb, facts.code, facts.text)))[:_TEXT_MAX]
    return "command", {"who": facts.operator, "case": facts.case, "id": facts.id, "state": facts.state, "text": text}


def _clip(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, ClipDone)
    files = "; ".join(f"{file.get('name')} sha256 {file.get('sha256')}" for file in facts.files)
    text = " ".join(filter(None, (facts.code, facts.text, files)))[:_TEXT_MAX]
    return "clip", {"id": facts.id, "state": facts.state, "text": text}


def _decommission(record: Record) -> tuple[CustodyKind, dict[str, str]]:
    facts = facts_of(record, Decommission)
    text = "; ".join([facts.why, *facts.wiped, *facts.remains])[:_TEXT_MAX]
    return "decommission", {"who": facts.by, "id": facts.node, "state": facts.state, "text": text}


_TELLERS: dict[str, Callable[[Record], tuple[CustodyKind, dict[str, str]]]] = {
    "view": _view,
    "export": _export,
    "hold": _hold,
    "release": _release,
    "erase": _erase,
    "command": _command,
    "clip": _clip,
    "decommission": _decommission,
}


def _of(camera: str, start: str, end: str) -> dict[str, str]:
    return {"camera": camera, "start": start, "end": end}


def _continues(run: CustodyEntry, entry: CustodyEntry) -> bool:
    """Other records may stand between two erasures; a day of the node's time zone is not left."""
    if entry.kind != "erase" or run.kind != "erase":
        return False
    same = (run.camera, run.state, run.text, run.local[:10]) == (entry.camera, entry.state, entry.text, entry.local[:10])
    return same and bool(run.start) == bool(entry.start)


def _longer(run: CustodyEntry, entry: CustodyEntry) -> CustodyEntry:
    return msgspec.structs.replace(
        run,
        start=min(run.start, entry.start),
        end=max(run.end, entry.end),
        seq=entry.seq,
        sha256=entry.sha256,
        count=run.count + 1,
    )
