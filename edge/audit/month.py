"""One month of a node's cameras: what was recorded, what is missing and why, what was asked for. Pure but for the lines it is given.

Memory: one pass over each journal, which keeps the holes and merged footage, not the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge import __version__
from edge.audit.coverage import LATE_NS, Coverage, Missing
from edge.audit.journals import Chain, Journals
from edge.audit.months import Day, Month
from edge.audit.tally import Clock, Tallies, Tally
from edge.clock import NS_PER_MS, NS_PER_S, format_utc
from edge.messages.audit import Begins, CameraMonth, ChainState, ClipCounts, DayCoverage, Ends, MonthReport, Outage, Source
from edge.ring.layout import recorder_journal

PLANNED = frozenset({"stopped", "end_of_file", "before_first", "not_yet"})
SEALED_WITHIN_NS = 600 * NS_PER_S
"""The open segment has no record yet: footage so young is not missing. Twice the longest segment."""


@dataclass(frozen=True, slots=True)
class Node:
    """Whose month it is. cameras: id -> name, of those configured now; None: not known here. asked: the only cameras to be told, () all."""

    id: str
    place: str
    source: Source
    cameras: Mapping[str, str] | None = None
    asked: Sequence[str] = ()


def month_report(node: Node, month: Month, journals: Journals, now_ns: int) -> MonthReport:
    """Reads each journal once, from the month's start to its end. Raises StorageError."""
    now_ns = now_ns // NS_PER_MS * NS_PER_MS
    tallies, states = Tallies(), []
    covered: dict[str, Coverage] = {}
    prefix = recorder_journal("")
    for name in journals.names():
        camera = name.removeprefix(prefix) if name.startswith(prefix) else ""
        if node.asked and camera and camera not in node.asked:
            continue
        coverage, state = _read(journals, name, camera, month, tallies)
        states += [state] if state.lines else []
        if camera:
            covered[camera] = coverage
    found = (_camera(node, camera, month, coverage, tallies, now_ns) for camera, coverage in covered.items())
    cameras = [each for each in found if each is not None]
    return MonthReport(
        node=node.id,
        place=node.place,
        timezone=month.zone.key,
        month=month.text,
        start=format_utc(month.start_utc_ns),
        end=format_utc(month.end_utc_ns),
        made=format_utc(now_ns),
        in_progress=now_ns < month.end_utc_ns,
        source=node.source,
        version=__version__,
        cameras=cameras,
        other_clips=tallies.other_clips([each.camera for each in cameras]) if not node.asked else ClipCounts(),
        journals=states,
    )


def _read(journals: Journals, name: str, camera: str, month: Month, tallies: Tallies) -> tuple[Coverage, ChainState]:
    coverage = Coverage(month.start_utc_ns, month.end_utc_ns)
    clock, chain = Clock(month.start_utc_ns, month.end_utc_ns), Chain(name)
    for line in chain.through(journals.lines(name, format_utc(month.start_utc_ns))):
        if clock.within(line):
            tallies.take(line.record, camera)
        if camera:
            coverage.take(line)
        if coverage.done if camera else clock.past(LATE_NS):
            break
    return coverage, chain.state


def _camera(node: Node, camera: str, month: Month, coverage: Coverage, tallies: Tallies, now_ns: int) -> CameraMonth | None:
    """None: the camera was not there in this month."""
    counted = _counted(node, camera, month, coverage, now_ns)
    if counted is None:
        return None
    missing = coverage.missing(counted.start_ns, counted.end_ns)
    if now_ns < month.end_utc_ns and missing and _only_open(missing[-1], counted.end_ns):
        counted = _Counted(counted.start_ns, missing.pop().hole.start_utc_ns, counted.begins, "newest_footage")
    if counted.end_ns <= counted.start_ns:
        return None
    outages = [_outage(each, counted, month, now_ns) for each in missing]
    return _told(node, camera, counted, outages, _days(month, counted, missing), coverage, tallies)


@dataclass(frozen=True, slots=True)
class _Counted:
    start_ns: int
    end_ns: int
    begins: Begins
    ends: Ends


def _counted(node: Node, camera: str, month: Month, coverage: Coverage, now_ns: int) -> _Counted | None:
    if coverage.first_ns is None or coverage.last_ns is None:
        return None
    start_ns, end_ns = month.start_utc_ns, min(now_ns, month.end_utc_ns)
    begins: Begins = "month"
    ends: Ends = "now" if now_ns < month.end_utc_ns else "month"
    if coverage.first_ns > start_ns:
        start_ns, begins = coverage.first_ns, "first_record" if coverage.from_the_first else "journal"
    removed = node.cameras is not None and camera not in node.cameras and coverage.ended_in_order
    if removed and coverage.last_ns < end_ns:
        end_ns, ends = max(coverage.last_ns, coverage.newest_footage_ns or 0), "removed"
    return _Counted(start_ns, end_ns, begins, ends) if start_ns < end_ns else None


def _only_open(last: Missing, end_ns: int) -> bool:
    return not last.reported and last.hole.end_utc_ns == end_ns and end_ns - last.hole.start_utc_ns <= SEALED_WITHIN_NS


def _outage(missing: Missing, counted: _Counted, month: Month, now_ns: int) -> Outage:
    hole = missing.hole
    cut_end = hole.end_utc_ns >= counted.end_ns
    return Outage(
        start=format_utc(hole.start_utc_ns),
        end=format_utc(hole.end_utc_ns),
        seconds=_seconds(hole.end_utc_ns - hole.start_utc_ns),
        reason=hole.reason if missing.reported else "not_reported",
        planned=missing.reported and hole.reason in PLANNED,
        open=cut_end and counted.ends == "now",
        cut_start=hole.start_utc_ns <= counted.start_ns and counted.begins == "month",
        cut_end=cut_end and counted.ends == "month",
        text=hole.text,
    )


def _days(month: Month, counted: _Counted, missing: Sequence[Missing]) -> list[DayCoverage]:
    """A pass over days and holes side by side."""
    found, place = [], 0
    for day in month.days:
        start, end = max(day.start_utc_ns, counted.start_ns), min(day.end_utc_ns, counted.end_ns)
        lost = 0
        while place < len(missing) and missing[place].hole.end_utc_ns <= start:
            place += 1
        at = place
        while at < len(missing) and missing[at].hole.start_utc_ns < end:
            lost += min(end, missing[at].hole.end_utc_ns) - max(start, missing[at].hole.start_utc_ns)
            at += 1
        length = max(0, end - start)
        found.append(_day_coverage(day, length, length - lost if length else 0))
    return found


def _day_coverage(day: Day, counted_ns: int, recorded_ns: int) -> DayCoverage:
    return DayCoverage(
        date=day.date.isoformat(), length_s=float(day.length_s), counted_s=_seconds(counted_ns), recorded_s=_seconds(recorded_ns)
    )


def _told(
    node: Node, camera: str, counted: _Counted, outages: list[Outage], days: list[DayCoverage], coverage: Coverage, tallies: Tallies
) -> CameraMonth:
    tally: Tally = tallies.of(camera)
    counted_s = _seconds(counted.end_ns - counted.start_ns)
    planned_s = _total(each.seconds for each in outages if each.planned)
    unplanned_s = _total(each.seconds for each in outages if not each.planned)
    recorded_s = max(0.0, round(counted_s - planned_s - unplanned_s, 3))
    return CameraMonth(
        camera=camera,
        name=(node.cameras or {}).get(camera, ""),
        counted_from=format_utc(counted.start_ns),
        counted_to=format_utc(counted.end_ns),
        begins=counted.begins,
        ends=counted.ends,
        counted_s=counted_s,
        recorded_s=recorded_s,
        planned_s=planned_s,
        unplanned_s=unplanned_s,
        availability_percent=percent_of(recorded_s, counted_s),
        outages=outages,
        days=days,
        restarts=tally.restart_counts,
        clips=tallies.clips(camera),
        holds=len(tally.holds),
        releases=len(tally.releases),
        erased=tally.erased,
        erased_early=tally.erased_early,
        undated_s=_seconds(coverage.undated_ns),
        undated_left=coverage.undated_left,
        unsigned_stretches=tally.unsigned_stretches,
        unsigned_gops=tally.unsigned_gops,
    )


def percent_of(part: float, whole: float) -> float:
    """To three digits; 100 only where nothing is missing."""
    if part >= whole:
        return 100.0
    return min(99.999, round(100 * part / whole, 3))


def _seconds(length_ns: int) -> float:
    return round(length_ns / NS_PER_S, 3)


def _total(seconds: Iterable[float]) -> float:
    return round(sum(seconds), 3)
