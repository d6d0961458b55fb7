"""Recorded pictures through the detector, as fast as it goes, with what it thought of them: for who sets a camera up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.clock import NS_PER_S
from edge.watch.episode import Box, Change, Limits, Run, Watching, give_up, see
from edge.watch.motion import TOO_SHORT, Detector, DetectorSettings
from edge.watch.tracks import Track

Picture = NDArray[np.uint8]
MOST_DOUBTS = 8
LEAST_DOUBT_S = 0.8
"""What was there for less is not worth a word."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One picture. doubted: something moved and was not believed."""

    at_s: float
    score: float
    doubted: bool
    note: str


@dataclass(frozen=True, slots=True)
class Episode:
    """picture: the strongest one."""

    run: Run
    picture: Picture


@dataclass(slots=True)
class Doubt:
    """Something that lasted and was never reported. picture: its strongest. why: not, at its end."""

    track: Track
    since_s: float
    until_s: float
    picture: Picture
    box: Box
    why: str
    strength: float


@dataclass(slots=True)
class Trial:
    """Seconds are from the first picture."""

    moments: list[Moment] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.moments[-1].at_s if self.moments else 0.0


def replay(pictures: Iterable[tuple[float, Picture]], settings: DetectorSettings, limits: Limits) -> Trial:
    """pictures: seconds and luma, uint8[height, width], all of one size."""
    trial, state, strongest = Trial(), Watching(), _Strongest()
    doubts: dict[int, Doubt] = {}
    detector: Detector | None = None
    for at_s, picture in pictures:
        detector = detector or Detector(picture.shape[1], picture.shape[0], settings)
        boot_ns = round((at_s + 1) * NS_PER_S)
        look = detector.look(picture, boot_ns)
        doubted = detector.doubts()
        sight = look.sight(boot_ns)
        trial.moments.append(Moment(at_s, look.score, bool(doubted), look.note))
        strongest.see(boot_ns, look.score, picture)
        step = see(state, sight, limits)
        state = step.state
        trial.episodes += strongest.ended(step.changes)
        for track, box, why in doubted:
            known = doubts.setdefault(id(track), Doubt(track, at_s, at_s, picture, box, why, 0.0))
            known.until_s, known.why = at_s, why
            if track.blob.strength > known.strength:
                known.picture, known.box, known.strength = picture, box, track.blob.strength
    trial.episodes += strongest.ended(give_up(state).changes)
    lasting = [each for each in doubts.values() if _counts(each, trial.episodes)]
    trial.doubts = sorted(sorted(lasting, key=lambda each: -each.strength)[:MOST_DOUBTS], key=lambda each: each.since_s)
    return trial


def _counts(doubt: Doubt, episodes: Sequence[Episode]) -> bool:
    """What went on while something else was reported anyway explains nothing."""
    since_ns, until_ns = round((doubt.since_s + 1) * NS_PER_S), round((doubt.until_s + 1) * NS_PER_S)
    covered = any(each.run.since_ns <= since_ns and until_ns <= each.run.last_ns for each in episodes)
    unbelieved = doubt.track.believed_s is None or doubt.why == TOO_SHORT
    return not covered and unbelieved and doubt.until_s - doubt.since_s >= LEAST_DOUBT_S


class _Strongest:
    """The pictures of the motion under way, of which one will be an episode's peak: only those that beat all before."""

    def __init__(self) -> None:
        self._kept: dict[int, Picture] = {}
        self._best = 0.0

    def see(self, boot_ns: int, score: float, picture: Picture) -> None:
        if score > self._best:
            self._best = score
            self._kept[boot_ns] = picture

    def ended(self, changes: Iterable[Change]) -> list[Episode]:
        found = [Episode(each.run, self._kept[each.run.peak.boot_ns]) for each in changes if each.kind == "end"]
        if found:
            self._kept, self._best = {}, 0.0
        return found
