"""Episodes from moments of motion, for any sequence of pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import NS_PER_MS, NS_PER_S
from edge.watch.episode import HOUR_NS, Change, Limits, Sight, Watching, episode_id, give_up, see

LIMITS = Limits(start_s=0.4, end_s=3.0, max_s=20.0)
PERIOD_NS = 160 * NS_PER_MS


@dataclass(frozen=True)
class Moment:
    """after_ms: since the picture before; negative: time went back."""

    after_ms: int
    score: float
    gave_up: bool = False


moments = st.lists(
    st.builds(
        Moment,
        after_ms=st.one_of(st.integers(0, 400), st.integers(-5000, 40_000)),
        score=st.sampled_from([0.0, 0.0, 0.1, 0.5, 0.9]),
        gave_up=st.integers(0, 40).map(lambda draw: draw == 0),
    ),
    max_size=120,
)
limits = st.builds(
    Limits, start_s=st.sampled_from([0.0, 0.4, 2.0]), end_s=st.sampled_from([0.5, 3.0, 10.0]), max_s=st.sampled_from([10.0, 300.0])
)


def play(story: list[Moment], using: Limits = LIMITS) -> tuple[list[Change], list[int]]:
    """All changes, and the instants at which something moved."""
    state, boot_ns = Watching(), 100 * NS_PER_S
    changes: list[Change] = []
    moved: list[int] = []
    for moment in story:
        boot_ns = max(0, boot_ns + moment.after_ms * NS_PER_MS)
        step = give_up(state) if moment.gave_up else see(state, Sight(boot_ns, moment.score, ("z",)), using)
        state = step.state
        if moment.score > 0 and not moment.gave_up:
            moved.append(max(boot_ns, state.now_ns))
        changes += step.changes
    changes += give_up(state).changes
    return changes, moved


@given(moments, st.integers(1, 4))
def test_no_hour_has_more_starts_than_allowed_and_no_motion_is_lost_to_that(story: list[Moment], per_hour: int) -> None:
    using = replace(LIMITS, per_hour=per_hour)
    changes, _ = play([replace(moment, gave_up=False) for moment in story], using)
    starts = [change.run.last_ns for change in changes if change.kind == "start"]
    assert all(sum(other <= start < other + HOUR_NS for other in starts[: at + 1]) <= per_hour for at, start in enumerate(starts))
    free, _ = play([replace(moment, gave_up=False) for moment in story], replace(LIMITS, max_s=1e9))
    ends = [change.run for change in changes if change.kind == "end"]
    for run in (change.run for change in free if change.kind == "end"):
        assert any(end.since_ns <= run.since_ns and run.last_ns <= end.last_ns for end in ends) or starts == []


def test_what_the_limit_joins_is_counted() -> None:
    passage = [*[Moment(160, 0.1)] * 10, *[Moment(160, 0.0)] * 30]
    changes, _ = play(passage * 7, replace(LIMITS, per_hour=3))
    assert [(change.kind, change.run.passages) for change in changes] == [*[("start", 1), ("end", 1)] * 2, ("start", 1), ("end", 5)]
    later = [*passage * 7, Moment(3_600_000, 0.0), *passage]
    changes, _ = play(later, replace(LIMITS, per_hour=3))
    assert [change.kind for change in changes].count("start") == 4, "after an hour there is room again"


@given(moments, limits)
def test_starts_and_ends_alternate_and_every_episode_ends_once(story: list[Moment], using: Limits) -> None:
    changes, _ = play(story, using)
    assert [change.kind for change in changes] == ["start", "end"] * (len(changes) // 2)
    starts, ends = changes[::2], changes[1::2]
    assert [change.run.since_ns for change in starts] == [change.run.since_ns for change in ends]


@given(moments, limits)
def test_ids_are_unique_and_episodes_do_not_overlap(story: list[Moment], using: Limits) -> None:
    ends = [change.run for change in play(story, using)[0] if change.kind == "end"]
    ids = [episode_id("cam0", "e0a6f7e2-4ec7", run.since_ns) for run in ends]
    assert len(set(ids)) == len(ids)
    for before, after in pairwise(ends):
        assert before.last_ns < after.since_ns


@given(moments, limits)
def test_both_ends_of_an_episode_are_moving_pictures_and_the_peak_is_its_highest(story: list[Moment], using: Limits) -> None:
    changes, moved = play(story, using)
    for run in (change.run for change in changes if change.kind == "end"):
        assert run.since_ns in moved
        assert run.last_ns in moved
        assert run.since_ns <= run.peak.boot_ns <= run.last_ns
        assert run.last_ns - run.since_ns >= using.start_s * NS_PER_S


@given(moments, limits)
def test_no_episode_is_longer_than_the_limit_and_one_gap(story: list[Moment], using: Limits) -> None:
    for run in (change.run for change in play(story, using)[0] if change.kind == "end"):
        assert run.last_ns - run.since_ns < (using.max_s + 40.0) * NS_PER_S


def test_a_blink_is_no_episode() -> None:
    assert play([Moment(160, 0.5), *[Moment(160, 0.0)] * 10, Moment(160, 0.5), *[Moment(160, 0.0)] * 40])[0] == []


def test_motion_that_lasts_starts_when_it_has_lasted_and_since_is_its_first_picture() -> None:
    state = Watching()
    for number in range(10):
        step = see(state, Sight((1000 + number) * PERIOD_NS, 0.5), LIMITS)
        state = step.state
        if step.changes:
            break
    assert number == 3, "0.48 s after the first moving picture"
    assert step.changes[0].run.since_ns == 1000 * PERIOD_NS


def test_one_missed_picture_does_not_restart_the_count() -> None:
    changes, _ = play([Moment(160, 0.5), Moment(160, 0.5), Moment(160, 0.0), Moment(160, 0.5), *[Moment(160, 0.0)] * 30])
    assert [change.kind for change in changes] == ["start", "end"]


def test_a_pause_shorter_than_the_stillness_asked_for_stays_one_episode() -> None:
    walk = [Moment(160, 0.5)] * 5
    changes, _ = play([*walk, *[Moment(160, 0.0)] * 15, *walk, *[Moment(160, 0.0)] * 30])
    assert len(changes) == 2
    changes, _ = play([*walk, *[Moment(160, 0.0)] * 22, *walk, *[Moment(160, 0.0)] * 30])
    assert len(changes) == 4


def test_pictures_that_come_seldom_do_not_cut_one_passage_to_pieces() -> None:
    changes, _ = play([*[Moment(4000, 0.5)] * 4, Moment(4000, 0.0)])
    assert [change.why for change in changes] == ["", "still"]


def test_endless_motion_is_cut_at_the_limit_and_goes_on_as_the_next_episode() -> None:
    changes, _ = play([Moment(160, 0.5)] * 400)
    ends = [change for change in changes if change.kind == "end"]
    assert [change.why for change in ends] == ["too long", "too long", "too long", "no picture"]
    assert all(change.run.last_ns - change.run.since_ns <= 20 * NS_PER_S for change in ends)


def test_when_pictures_stop_an_open_episode_ends_with_the_last_moving_one() -> None:
    changes, moved = play([*[Moment(160, 0.5)] * 6, Moment(160, 0.0), Moment(0, 0.0, gave_up=True)])
    assert [change.why for change in changes] == ["", "no picture"]
    assert changes[1].run.last_ns == moved[-1]


@pytest.mark.parametrize("camera", ["cam0", "gate-2.north"])
def test_an_id_says_camera_boot_and_moment(camera: str) -> None:
    assert episode_id(camera, "e0a6f7e2-4ec7-461a-bb68-5a5e563c7f0a", 12_345_678_901) == f"{camera}.e0a6f7e2.12345"


def test_zones_are_collected_over_the_whole_episode() -> None:
    state = Watching()
    for number in range(8):
        step = see(state, Sight(number * PERIOD_NS, 0.5, ("gate",) if number < 4 else ("yard",)), LIMITS)
        state = step.state
    assert state.run is not None
    assert state.run.zones == ("gate", "yard")
