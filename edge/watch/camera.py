"""One camera under watch: window -> detector -> episodes -> facts for the journal. No threads, no journal, no waiting."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.daynight import LUX_OF_LUMA, Phases
from edge.clock import NS_PER_MS, NS_PER_S, Reading, format_utc
from edge.config.model import Camera, Watch
from edge.messages.records import AlarmRaised, Episode
from edge.watch.episode import Change, Limits, Run, Sight, Watching, episode_id, give_up, see
from edge.watch.motion import Detector, DetectorSettings
from edge.watch.tamper import TamperWatch
from edge.watch.tamper_alarms import alarm_of
from edge.window.luma import Luma, LumaReader

log = logging.getLogger(__name__)

STALL_S = 5.0
FIRST_S = 15.0
"""A camera may take this long to show its first picture after the watcher's start."""
LONGEST_S = 30.0
_SLOW = 3.0
"""Cameras of which only key frames are decoded show one picture per group of pictures: three of those may be missing."""


def no_picture_code(camera: str) -> str:
    return f"no_picture.{camera}"


class CameraWatch:
    """Owned by one thread. alarmed: the no_picture alarm already stands (left by a previous run). tamper: what watches over the lens.
    starts_ns: when episodes started in this boot, before."""

    def __init__(
        self,
        camera: Camera,
        watch: Watch,
        window: Path,
        boot: str,
        now: Reading,
        *,
        alarmed: bool = False,
        tamper: TamperWatch | None = None,
        starts_ns: Sequence[int] = (),
    ) -> None:
        self._camera = camera
        self._limits = Limits(watch.start_s, watch.end_s, watch.max_episode_s, watch.max_per_hour)
        self._pre_s, self._post_s = watch.pre_s, watch.post_s
        self._boot = boot
        self._reader = LumaReader(window)
        self._settings = DetectorSettings(camera.sensitivity, tuple(camera.zone))
        self._detector: Detector | None = None
        self._size = (0, 0)
        self._phases = Phases() if camera.sensitivity_night else None
        self._episodes = Watching(starts_ns=tuple(starts_ns))
        self._seq = -1
        self._seen_ns = now.boot_ns
        self._patience_s = FIRST_S
        self._alarmed = alarmed
        self.tamper = tamper
        self.every = 1
        """Of so many pictures one is looked at."""
        self.offered = self.looked = 0
        """Pictures so far: that the window showed, and that were looked at."""
        self._passed = 0

    @property
    def camera(self) -> str:
        return self._camera.id

    def turn(self, now: Reading) -> list[Episode | AlarmRaised]:
        """Look at the newest picture, if there is one. Call several times per picture; without a new one it costs microseconds."""
        luma = self._reader.newest(self._seq)
        if luma is None:
            return self._nothing(now)
        self.offered += luma.seq - self._seq if 0 <= self._seq < luma.seq else 1
        self._seq = luma.seq
        self._patience_s = min(max(STALL_S, _SLOW * (now.boot_ns - self._seen_ns) / NS_PER_S), LONGEST_S)
        self._seen_ns = now.boot_ns
        facts: list[Episode | AlarmRaised] = []
        if self._alarmed:
            self._alarmed = False
            facts.append(self._alarm(now, raised=False))
        self._passed += 1
        if self._passed < self.every:
            return facts
        self._passed = 0
        self.looked += 1
        picture = np.frombuffer(luma.luma, np.uint8).reshape(luma.height, luma.width)
        step = see(self._episodes, self._look(luma, picture), self._limits)
        self._episodes = step.state
        facts += [self._episode(change, now) for change in step.changes]
        if self.tamper is not None:
            for found in self.tamper.look(picture, luma.boot_ns):
                facts.append(alarm_of(found, self.camera, format_utc(now.utc_of(found.since_ns))))
        return facts

    def finish(self, now: Reading) -> list[Episode | AlarmRaised]:
        """The watcher stops in order: an open episode ends."""
        self._reader.close()
        return [self._episode(change, now) for change in self._give_up()]

    def _give_up(self) -> tuple[Change, ...]:
        step = give_up(self._episodes)
        self._episodes = step.state
        return step.changes

    def _nothing(self, now: Reading) -> list[Episode | AlarmRaised]:
        if self._alarmed or (now.boot_ns - self._seen_ns) / NS_PER_S <= self._patience_s:
            return []
        self._alarmed = True
        ended = [self._episode(change, now) for change in self._give_up()]
        return [*ended, self._alarm(now, raised=True)]

    def _look(self, luma: Luma, picture: NDArray[np.uint8]) -> Sight:
        if self._detector is None or self._size != (luma.width, luma.height):
            self._size = (luma.width, luma.height)
            self._detector = Detector(luma.width, luma.height, self._settings)
            self._as_by_phase(self._detector)
        if self._phases is not None:
            light = luma.exposure.lux if luma.exposure.lux is not None else LUX_OF_LUMA * float(picture.mean())
            if self._phases.see(light, luma.boot_ns):
                log.info("%s: motion is judged as by %s", self.camera, self._phases.phase)
                self._as_by_phase(self._detector)
        look = self._detector.look(picture, luma.boot_ns, luma.exposure)
        if look.note == "scene change":
            log.info("%s: the whole picture changed at once: learnt anew; %s", self.camera, luma.exposure)
        return look.sight(luma.boot_ns)

    def _as_by_phase(self, detector: Detector) -> None:
        if self._phases is not None and self._phases.phase == "night":
            detector.set_sensitivity(self._camera.sensitivity_night)
        else:
            detector.set_sensitivity(self._camera.sensitivity)

    def _episode(self, change: Change, now: Reading) -> Episode:
        run, ended = change.run, change.kind == "end"
        return Episode(
            id=episode_id(self.camera, self._boot, run.since_ns),
            state=change.kind,
            since=format_utc(now.utc_of(run.since_ns)),
            until=format_utc(now.utc_of(run.last_ns)) if ended else None,
            since_mono_ms=run.since_ns // NS_PER_MS,
            until_mono_ms=run.last_ns // NS_PER_MS if ended else None,
            score=round(run.peak.score, 4),
            zones=list(run.zones),
            boxes=_rounded(run),
            path=[round(place, 4) for place in run.path or ()],
            peak=format_utc(now.utc_of(run.peak.boot_ns)),
            passages=run.passages,
            mark_from=format_utc(now.utc_of(run.since_ns - round(self._pre_s * NS_PER_S))),
            mark_until=format_utc(now.utc_of(run.last_ns + round(self._post_s * NS_PER_S))) if ended else None,
        )

    def _alarm(self, now: Reading, *, raised: bool) -> AlarmRaised:
        silent_s = round((now.boot_ns - self._seen_ns) / NS_PER_S, 1)
        why = f": {self._reader.trouble}" if self._reader.trouble else ""
        return AlarmRaised(
            code=no_picture_code(self.camera),
            active=raised,
            severity="warning",
            text=f"no picture for motion detection{why}" if raised else "pictures for motion detection again",
            todo="see whether the camera records; motion is not watched meanwhile" if raised else "",
            value=silent_s if raised else None,
            threshold=self._patience_s,
        )


def _rounded(run: Run) -> list[list[float]]:
    return [[round(edge, 4) for edge in box] for box in run.peak.boxes]
