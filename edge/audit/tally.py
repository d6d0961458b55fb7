"""What happened to a node's cameras within a month, counted from its journals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from edge.clock import parse_utc
from edge.journal.line import Line
from edge.messages.audit import ClipCounts, Restarts
from edge.messages.evidence import Exported, UnsignedGops
from edge.messages.records import Boot, ClipDone, Command, Erase, HoldAdded, HoldReleased, Record, facts_of


@dataclass(slots=True)
class Tally:
    """Of one camera."""

    restarts: Counter[str] = field(default_factory=Counter)
    erased: int = 0
    erased_early: int = 0
    unsigned_stretches: int = 0
    unsigned_gops: int = 0
    holds: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    exported: int = 0

    @property
    def restart_counts(self) -> Restarts:
        return Restarts(**{word: self.restarts[word] for word in ("orderly", "crash", "power", "first")})


class Clock:
    """When each line was written. A record whose own clock was not trusted was written about when the one before it was."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self._start_ns, self._end_ns = start_ns, end_ns
        self._now_ns: int | None = None

    def within(self, line: Line) -> bool:
        if line.record.clock != "untrusted":
            self._now_ns = parse_utc(line.record.t)
        return self._now_ns is not None and self._start_ns <= self._now_ns < self._end_ns

    def past(self, late_ns: int) -> bool:
        return self._now_ns is not None and self._now_ns >= self._end_ns + late_ns


class Tallies:
    """Takes the records of one month, of all journals of a node, in any order of journals. `camera`: known from the journal's name, for
    recorders'."""

    def __init__(self) -> None:
        self._cameras: dict[str, Tally] = {}
        self._clips: dict[str, _Clip] = {}
        self._take: dict[str, Callable[[Record, str], None]] = {
            "boot": self._boot,
            "erase": self._erase,
            "unsigned": self._unsigned,
            "hold": self._hold,
            "release": self._release,
            "command": self._command,
            "clip": self._clip,
            "export": self._export,
        }

    def of(self, camera: str) -> Tally:
        return self._cameras.setdefault(camera, Tally())

    def take(self, record: Record, recorder_of: str = "") -> None:
        """recorder_of: the camera whose recorder wrote it, "" for other journals."""
        handler = self._take.get(record.type)
        if handler is not None:
            handler(record, recorder_of)

    def clips(self, camera: str) -> ClipCounts:
        """Of one camera."""
        exported = self._cameras[camera].exported if camera in self._cameras else 0
        return self._counted([each for each in self._clips.values() if each.camera == camera], exported)

    def other_clips(self, cameras: Collection[str]) -> ClipCounts:
        """That named none of `cameras`."""
        return self._counted([each for each in self._clips.values() if each.camera not in cameras], 0)

    def _counted(self, found: list[_Clip], exported: int) -> ClipCounts:
        return ClipCounts(
            asked=sum(each.asked for each in found),
            delivered=sum(each.state == "done" for each in found),
            failed=sum(each.state == "failed" for each in found),
            refused=sum(each.state == "refused" for each in found),
            exported=exported,
        )

    def _boot(self, record: Record, recorder_of: str) -> None:
        if recorder_of:
            self.of(recorder_of).restarts[facts_of(record, Boot).ended] += 1

    def _erase(self, record: Record, recorder_of: str) -> None:
        tally = self.of(record.camera or recorder_of)
        tally.erased += 1
        tally.erased_early += facts_of(record, Erase).early

    def _unsigned(self, record: Record, recorder_of: str) -> None:
        tally, facts = self.of(record.camera or recorder_of), facts_of(record, UnsignedGops)
        tally.unsigned_stretches += not facts.open
        tally.unsigned_gops += facts.gops

    def _hold(self, record: Record, recorder_of: str) -> None:
        facts = facts_of(record, HoldAdded)
        self.of(facts.camera_id).holds.add(facts.id)

    def _release(self, record: Record, recorder_of: str) -> None:
        if record.camera:
            self.of(record.camera).releases.add(facts_of(record, HoldReleased).id)

    def _command(self, record: Record, recorder_of: str) -> None:
        facts = facts_of(record, Command)
        if facts.verb != "clip":
            return
        clip = self._clips.setdefault(facts.id or f"#{record.seq}", _Clip())
        clip.camera = clip.camera or record.camera or ""
        clip.asked = True
        clip.state = clip.state or facts.state

    def _clip(self, record: Record, recorder_of: str) -> None:
        facts = facts_of(record, ClipDone)
        clip = self._clips.setdefault(facts.id, _Clip())
        clip.camera = record.camera or clip.camera
        clip.state = facts.state

    def _export(self, record: Record, recorder_of: str) -> None:
        facts = facts_of(record, Exported)
        self.of(facts.camera_id).exported += facts.how != "upload"


@dataclass(slots=True)
class _Clip:
    """state: the last word that counts: done, failed or refused."""

    camera: str = ""
    asked: bool = False
    state: str = ""
