"""From moments of motion to episodes with a start and an end. Pure: no clock, no files; every instant is CLOCK_BOOTTIME nanoseconds.

An episode starts when motion has lasted `start_s` (interruptions up to start_s or one second, whichever is longer, do not restart the
count) and ends when nothing moved for `end_s`, or after `max_s`. Its `since` is the first moving picture, its `until` the last one.
At most `per_hour` start in any hour: the last of them is not ended while there is no room for another, and counts the passages it takes
in. So a busy hour is told in full, in few words. Stillness must have been seen: pictures that come seldom (key frames of a slow camera) do
not cut one passage to pieces, up to 10 s apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from edge.clock import NS_PER_MS, NS_PER_S

Box = tuple[float, float, float, float]
"""x, y, width, height in 0..1 of the picture."""
Path = tuple[float, float, float, float]
"""x, y where something was first seen, x, y where it is now; 0..1 of the picture."""
MAX_BOXES = 8
BLIND_S = 10.0
HOUR_NS = 3600 * NS_PER_S
BREATH_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    start_s: float
    end_s: float
    max_s: float
    per_hour: int = 0
    """0: no limit."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one picture showed. score: 0 = nothing moves."""

    boot_ns: int
    score: float
    zones: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Motion under way. confirmed: it is an episode. zones: every zone it touched, in order. path: of what went farthest."""

    since_ns: int
    last_ns: int
    peak: Sight
    zones: tuple[str, ...]
    path: Path | None = None
    passages: int = 1
    """Motion, and again after as much stillness as would have ended it."""
    confirmed: bool = False
    still_seen: bool = False
    """A picture without motion came after the last moving one."""


@dataclass(frozen=True, slots=True)
class Watching:
    """The state between pictures. now_ns: the newest instant seen; instants that go back are taken as now. floor_ns: since when the
    next run may begin, so that two episodes never share a millisecond, of which ids are made."""

    now_ns: int = 0
    floor_ns: int = -1
    run: Run | None = None
    starts_ns: tuple[int, ...] = ()
    """When episodes started, of those the last hour at least."""

    def full(self, limits: Limits) -> bool:
        """The last one is kept open. After a restart, or when pictures stopped, there may be one more: motion is never kept quiet."""
        return limits.per_hour > 0 and sum(self.now_ns - start_ns < HOUR_NS for start_ns in self.starts_ns) >= limits.per_hour


@dataclass(frozen=True, slots=True)
class Change:
    """An episode started or ended; `run` as it is then."""

    kind: Literal["start", "end"]
    run: Run
    why: Literal["", "still", "too long", "no picture"] = ""


@dataclass(frozen=True, slots=True)
class Step:
    state: Watching
    changes: tuple[Change, ...] = field(default=())


def see(state: Watching, sight: Sight, limits: Limits) -> Step:
    """The next picture was looked at."""
    now_ns = max(state.now_ns, sight.boot_ns)
    moving = sight.score > 0
    settled = _settle(replace(state, now_ns=now_ns), moving, limits)
    run, changes = settled.state.run, settled.changes
    if not moving or now_ns // NS_PER_MS <= settled.state.floor_ns // NS_PER_MS:
        return settled
    sight = replace(sight, boot_ns=now_ns, boxes=sight.boxes[:MAX_BOXES])
    state = settled.state
    run = _joined(run, sight, limits) if run else Run(now_ns, now_ns, sight, sight.zones, _farthest(sight.paths))
    if not run.confirmed and now_ns - run.since_ns >= limits.start_s * NS_PER_S:
        run = replace(run, confirmed=True)
        changes = (*changes, Change("start", run))
        state = replace(state, starts_ns=(*state.starts_ns, now_ns)[-limits.per_hour :] if limits.per_hour else ())
    return Step(replace(state, run=run), changes)


def give_up(state: Watching) -> Step:
    """Pictures stopped coming: an open episode ends with the last moving one."""
    run = state.run
    closed = replace(state, run=None, floor_ns=run.last_ns if run else state.floor_ns)
    return Step(closed, (Change("end", run, "no picture"),) if run and run.confirmed else ())


def episode_id(camera: str, boot: str, since_ns: int) -> str:
    """Made of facts alone, so that it is the same whoever computes it: camera, boot, millisecond of the first moving picture."""
    return f"{camera}.{boot.replace('-', '')[:8]}.{since_ns // NS_PER_MS}"


def _settle(state: Watching, moving: bool, limits: Limits) -> Step:
    """End what has been still, or has lasted, long enough by `state.now_ns`. moving: the picture of that instant moves."""
    run = state.run
    if run is None:
        return Step(state)
    still_s = (state.now_ns - run.last_ns) / NS_PER_S
    watched = run.still_seen or not moving or still_s >= BLIND_S
    run = run if moving else replace(run, still_seen=True)
    closed = replace(state, run=None, floor_ns=run.last_ns)
    if not run.confirmed:
        broken = watched and still_s > max(limits.start_s, BREATH_S)
        return Step(replace(state, run=None if broken else run))
    if state.full(limits):
        return Step(replace(state, run=run))
    if watched and still_s >= limits.end_s:
        return Step(closed, (Change("end", run, "still"),))
    if (state.now_ns - run.since_ns) / NS_PER_S >= limits.max_s:
        return Step(closed, (Change("end", run, "too long"),))
    return Step(replace(state, run=run))


def _joined(run: Run, sight: Sight, limits: Limits) -> Run:
    zones = run.zones + tuple(name for name in sight.zones if name not in run.zones)
    path = _farthest((*sight.paths, *([run.path] if run.path else [])))
    peak = sight if sight.score > run.peak.score else run.peak
    passages = run.passages + (run.still_seen and sight.boot_ns - run.last_ns >= limits.end_s * NS_PER_S)
    return replace(run, last_ns=sight.boot_ns, still_seen=False, zones=zones, path=path, passages=passages, peak=peak)


def _farthest(paths: tuple[Path, ...]) -> Path | None:
    return max(paths, key=lambda path: math.dist(path[:2], path[2:]), default=None)
