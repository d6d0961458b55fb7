"""Looking at a node from the centre, through a real broker and a real agent: timeline, snapshot, report; who looked is on record."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import av
import pytest

from edge.clock import format_utc, utc_datetime
from edge.messages.evidence import Viewed
from edge.messages.records import facts_of
from edge.messages.wire import Response
from tests.support.agents import CAMERA, NODE, Town
from tests.support.stage import CLOCK, Stage, raised


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with raised(tmp_path_factory.mktemp("looking")) as stage:
        yield stage


def final(asked_for: object, agent_log: str) -> Response:
    assert isinstance(asked_for, Response), agent_log
    return asked_for


def views(town: Town) -> list[Viewed]:
    return [facts_of(event.record, Viewed) for event in town.events if event.record.type == "view"]


def test_what_there_is_can_be_looked_at_and_each_look_is_recorded(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        who = {"operator": "a.nowak", "case": "RSOW 12/26"}
        timeline = final(town.centre.timeline(NODE, CAMERA, stage.utc(-10), stage.utc(40), **who).wait(20), agent.log)
        assert timeline.state == "done", timeline
        assert timeline.data["covered_s"] == 30.0
        assert [gap["reason"] for gap in timeline.data["gaps"]] == ["before_first", "stopped"]

        snapshot = town.centre.snapshot(NODE, CAMERA, at=stage.utc(7.4), **who)
        jpeg = snapshot.wait_picture(20)
        answer = final(snapshot.final, agent.log)
        assert jpeg is not None, answer
        assert answer.data["sha256"] == hashlib.sha256(jpeg).hexdigest()
        assert stage.utc(6.4) < answer.data["utc"] <= stage.utc(7.4)
        with av.open(io.BytesIO(jpeg), "r") as picture:
            frame = next(picture.decode(picture.streams.video[0]))
        assert (frame.width, frame.height) == (answer.data["source_width"], answer.data["source_height"])

        month = f"{utc_datetime(CLOCK.read().utc_ns):%Y-%m}"
        report = final(town.centre.command(NODE, "report", {"month": month}, operator="a.nowak").wait(20), agent.log)
        assert report.data["month"] == month
        assert [camera["camera"] for camera in report.data["cameras"]] == [CAMERA]

        town.until(lambda: len(views(town)) == 2, "who looked")
        assert [(view.what, view.operator, view.case) for view in views(town)] == [
            ("timeline", "a.nowak", "RSOW 12/26"),
            ("snapshot", "a.nowak", "RSOW 12/26"),
        ]
        assert agent.stop() == 0


IMPOSSIBLE: list[tuple[str, dict[str, str], str, str]] = [
    ("timeline", {"camera": CAMERA, "start": "yesterday", "end": "today"}, "c", "bad_range"),
    ("timeline", {"camera": CAMERA, "start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}, "c", "bad_range"),
    ("timeline", {"camera": CAMERA}, "c", "bad_args"),
    ("snapshot", {"camera": "cam9"}, "c", "unknown_camera"),
    ("snapshot", {"camera": CAMERA}, " ", "no_case"),
    ("snapshot", {"camera": CAMERA, "at": "2020-01-01T00:00:00Z"}, "c", "no_footage"),
    ("snapshot", {"camera": CAMERA, "at": "9999-12-31T23:59:59-14:00"}, "c", "bad_range"),
    ("timeline", {"camera": CAMERA, "start": "0001-01-01T00:00:00+14:00", "end": "0001-01-02T00:00:00Z"}, "c", "bad_range"),
    ("report", {"month": "november"}, "", "bad_month"),
    ("report", {"month": "2026-11", "camera": "cam9"}, "", "no_records"),
]


def test_a_look_that_cannot_be_is_told_with_the_reason(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        asked = [town.centre.command(NODE, verb, args, operator="a.nowak", case=case) for verb, args, case, _ in IMPOSSIBLE]
        answers = [final(each.wait(20), agent.log) for each in asked]
        assert [each.code for each in answers] == [code for *_, code in IMPOSSIBLE]
        assert {each.state for each in answers} == {"refused", "failed"}
        assert agent.stop() == 0


def test_what_was_accepted_when_the_agent_died_is_answered_after_its_restart(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        session = town.until_online().status
        assert session is not None
        asked = [town.centre.timeline(NODE, CAMERA, stage.utc(0), stage.utc(n + 1), operator="b", case="c") for n in range(8)]
        town.until(lambda: any(each.responses for each in asked), "an answer")
        agent.kill()
        agent.start()
        assert town.until_online(session.session).status is not None
        for each in asked:
            assert final(each.wait(20), agent.log).state == "done"
        assert agent.stop() == 0


def test_one_operator_is_held_back_and_others_are_not(stage: Stage) -> None:
    with stage.town() as town, stage.agent(sections="[command]\nper_operator_and_hour = 2\n") as agent:
        town.until_online()
        span = (format_utc(stage.first_utc_ns), stage.utc(1))
        states = [
            final(town.centre.timeline(NODE, CAMERA, *span, operator=name, case="c").wait(20), agent.log).code
            for name in ("hasty", "hasty", "hasty", "calm")
        ]
        assert states == ["", "", "quota", ""]
        assert agent.stop() == 0
