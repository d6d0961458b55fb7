"""A replay says what was reported, what was not, and why; the picture of it shows both."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config.model import Zone
from edge.watch.episode import Limits
from edge.watch.motion import DetectorSettings
from edge.watch.strip import CAPTION, CELL_HEIGHT, GRAPH, TOP, strip
from edge.watch.tune import replay
from tests.support.moving_picture import street

FPS = 6.25
LIMITS = Limits(0.15, 3.0, 300.0)
Picture = NDArray[np.uint8]


def film(*places: float | None) -> Iterator[tuple[float, Picture]]:
    """A street with a block at those places across, None: empty."""
    for number, at in enumerate(places):
        yield number / FPS, street(320, 180, at)


def passage() -> list[float | None]:
    return [*[None] * 30, *[step / 40 for step in range(41)], *[None] * 30]


def test_a_passage_is_an_episode_with_its_strongest_picture() -> None:
    trial = replay(film(*passage()), DetectorSettings(), LIMITS)
    (episode,) = trial.episodes
    assert len(trial.moments) == 101
    assert trial.doubts == []
    assert {moment.score for moment in trial.moments[:30]} == {0.0}
    assert max(trial.moments, key=lambda moment: moment.score).score == episode.run.peak.score > 0
    assert not np.array_equal(episode.picture, street(320, 180, None))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (DetectorSettings(zones=(Zone(name="yard", polygon=[(0, 0), (1, 0), (1, 1), (0, 1)], span_m=10.0, least_m=6.0),)), "least_m"),
        (DetectorSettings(), "stands still"),
    ],
)
def test_what_is_not_reported_is_named_with_the_reason(settings: DetectorSettings, why: str) -> None:
    """Too short for its zone; there at once, and never going anywhere."""
    stands: list[float | None] = [*[None] * 30, *[0.5] * 20]
    trial = replay(film(*(passage() if settings.zones else stands)), settings, LIMITS)
    assert trial.episodes == []
    assert any(why in doubt.why for doubt in trial.doubts)
    assert any(moment.doubted for moment in trial.moments)


def test_the_picture_has_a_cell_for_each_episode_and_doubt_and_the_zones_in_it() -> None:
    zone = Zone(name="gate", polygon=[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)])
    trial = replay(film(*passage(), *passage()), DetectorSettings(zones=(zone,)), LIMITS)
    assert len(trial.episodes) == 2
    picture = cv2.imdecode(np.frombuffer(strip(trial, [zone], "title"), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    rows = -(-(len(trial.episodes) + len(trial.doubts)) // 4)
    assert picture.shape == (TOP + GRAPH + 50 + rows * (CELL_HEIGHT + CAPTION), 1280, 3)
    ground = np.all(picture[TOP + 5] == (205, 240, 205), axis=1)
    assert ground.sum() > 100, "two stretches of green ground"
    assert np.diff(ground.astype(int)).clip(0).sum() == 2
    blue = picture[:, :, 0].astype(int) - picture[:, :, 2] > 90
    assert blue[TOP + GRAPH + 40 :, :640].sum() > 500, "the zone's outline in each cell"
    assert not blue[TOP + GRAPH + 40 :, 640 + 320 * len(trial.doubts) :].any()


def test_no_picture_at_all_is_no_trial() -> None:
    trial = replay(iter(()), DetectorSettings(), LIMITS)
    assert (trial.moments, trial.episodes, trial.doubts, trial.seconds) == ([], [], [], 0.0)
