"""What was destroyed in a period, from the journals alone: it works when the footage, and the camera, are gone for long."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from edge.clock import format_utc
from edge.host.disk import Disk
from edge.journal.line import Line
from edge.journal.period import Period, read_period
from edge.messages.records import Erase, HoldAdded, HoldReleased, facts_of
from edge.ring.findings import subfolders
from edge.ring.layout import NodeFolders


@dataclass(frozen=True, slots=True)
class Destroyed:
    """One segment. at: RFC 3339, when its destruction was recorded; trusted: whether the node's clock was then."""

    camera: str
    at: str
    trusted: bool
    facts: Erase

    @property
    def is_early(self) -> bool:
        return self.facts.early


@dataclass(slots=True)
class Destruction:
    """destroyed: by camera, then by number, each segment once. holds: by id, as last recorded in the period. releases: in order. journals:
    what was read, by name."""

    start_ns: int
    end_ns: int
    destroyed: list[Destroyed] = field(default_factory=list)
    holds: dict[str, HoldAdded] = field(default_factory=dict)
    releases: list[tuple[str, HoldReleased]] = field(default_factory=list)
    journals: list[Period] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """No chain is broken in the period."""
        return not any(period.faults for period in self.journals)

    def cameras(self) -> list[str]:
        return sorted({each.camera for each in self.destroyed})


def read_destruction(disk: Disk, folders: NodeFolders, start_ns: int, end_ns: int, cameras: Collection[str] = ()) -> Destruction:
    """[start, end) UTC, by the time of destruction. cameras: only these; () for all, those that are configured no more included. Raises
    StorageError."""
    found = Destruction(start_ns, end_ns)
    seen: dict[tuple[str, int, str], Destroyed] = {}

    def take(line: Line, known_t: str) -> None:
        record = line.record
        if cameras and record.camera not in cameras:
            return
        if record.type == "erase":
            facts = facts_of(record, Erase)
            each = Destroyed(record.camera or "", known_t, record.clock != "untrusted", facts)
            seen.setdefault((each.camera, facts.seq, facts.name), each)
        elif record.type == "hold":
            held = facts_of(record, HoldAdded)
            found.holds[held.id] = held
        elif record.type == "release":
            found.releases.append((record.t, facts_of(record, HoldReleased)))

    start_t, end_t = format_utc(start_ns), format_utc(end_ns)
    for name in subfolders(disk, folders.journals):
        period = read_period(disk, folders.journal(name), start_t, end_t, take)
        if period.records or period.faults or name.startswith("recorder."):
            found.journals.append(period)
    found.destroyed = sorted(seen.values(), key=lambda each: (each.camera, each.facts.seq))
    return found


def list_sha256(destroyed: Iterable[Destroyed]) -> str:
    """Of the list `<name> <SHA-256>`, one line each: a page of the annex cannot be exchanged without changing the summary."""
    digest = sha256()
    for each in destroyed:
        digest.update(f"{each.camera}/{each.facts.name} {each.facts.sha256}\n".encode())
    return digest.hexdigest()
