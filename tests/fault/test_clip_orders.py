"""Orders about clips through a real broker to a real agent: an end that lies ahead, calling one off, the list; whatever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc, parse_utc
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.messages.records import ClipDone, Command, facts_of
from tests.support.agents import CAMERA, NODE, AgentProcess, Town
from tests.support.pole import Pole
from tests.support.stage import CLOCK, Stage, raised

OPERATOR, CASE = "b.kowal", "12/26"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


def last_words(town: Town) -> list[ClipDone]:
    return [facts_of(event.record, ClipDone) for event in town.events if event.record.type == "clip"]


def cancels(town: Town) -> list[str]:
    """What became of orders to call a clip off, as recorded."""
    asked = [facts_of(event.record, Command) for event in town.events if event.record.type == "command"]
    return [each.state for each in asked if each.verb == "cancel"]


def records_from(stage: Stage, utc_ns: int, seconds: int) -> None:
    """A run of the recorder."""
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(utc_ns), data=stage.folder / "node" / "data", boot=boot_id())
    pole.start()
    pole.record(seconds)
    pole.stop()


def links(agent: AgentProcess, id: str) -> list[Path]:
    return list((agent.data / "jobs" / id / "links").glob("*"))


def test_a_clip_whose_end_lies_ahead_is_kept_through_a_kill_sent_when_it_is_over_and_says_what_it_lacks(stage: Stage) -> None:
    receiver = stage.receiver()
    try:
        with stage.town() as town, stage.agent() as agent:
            session = town.until_online().status
            assert session is not None
            end_ns = CLOCK.read().utc_ns + 4 * NS_PER_S
            clip = town.centre.request_clip(
                NODE, CAMERA, stage.utc(25), format_utc(end_ns), urgent=True, deadline=1.5, operator=OPERATOR, case=CASE
            )
            town.until(lambda: bool(clip.responses), "the answer")
            assert [(each.state, each.text) for each in clip.responses] == [
                ("accepted", f"waits until {format_utc(end_ns)}, when the footage asked for is recorded")
            ]
            assert links(agent, clip.id), "what there is of it is kept from now on"
            agent.kill()
            again_ns = end_ns - 12 * NS_PER_S
            records_from(stage, again_ns, 25)
            agent.start()
            town.until_online(session.session)
            response = clip.wait(40)
            assert response is not None, agent.log
            assert CLOCK.read().utc_ns > end_ns + 4 * NS_PER_S
            assert (response.state, response.code) == ("done", "partial")
            assert response.manifest is not None
            first, second = response.manifest.files
            assert (first.asked_start, second.asked_end) == (stage.utc(25), format_utc(end_ns))
            [gap] = response.manifest.gaps
            assert (parse_utc(gap.start), gap.reason) == (parse_utc(stage.utc(30)), "stopped")
            assert abs(parse_utc(gap.end) - again_ns) < NS_PER_S
            town.until(lambda: bool(last_words(town)), "the record")
            assert links(agent, clip.id) == []
            assert agent.stop() == 0
    finally:
        receiver.stop()


def test_a_clip_that_is_called_off_ends_so_in_its_answer_its_record_and_the_list(stage: Stage) -> None:
    """Nobody takes its bytes: it would be tried for days."""
    with stage.town() as town, stage.agent() as agent:
        session = town.until_online().status
        assert session is not None
        clip = stage.ask(town, 2, 12)
        town.until(lambda: [each.state for each in clip.responses] == ["accepted", "running"], "it is on its way")
        listed = town.centre.jobs(NODE, operator=OPERATOR).wait(20)
        assert listed is not None
        assert [(line["id"], line["state"]) for line in listed.data["jobs"]] == [(clip.id, "running")]

        answer = town.centre.cancel(NODE, clip.id, "the wrong camera", operator=OPERATOR, case=CASE).wait(20)
        assert answer is not None, agent.log
        assert answer.state == "done"
        agent.kill()
        agent.start()
        town.until_online(session.session)
        response = clip.wait(20)
        assert response is not None, agent.log
        assert response.state == "cancelled"
        assert response.text.startswith("cancelled by b.kowal: the wrong camera")
        town.until(lambda: bool(last_words(town)), "the record")
        assert [word.state for word in last_words(town)] == ["cancelled"]
        assert links(agent, clip.id) == []

        refused = town.centre.cancel(NODE, clip.id, "again", operator=OPERATOR, case=CASE).wait(20)
        assert refused is not None
        assert (refused.state, refused.code) == ("refused", "ended")
        listed = town.centre.jobs(NODE, operator=OPERATOR).wait(20)
        assert listed is not None
        assert [(line["state"], line["cancelled_by"]) for line in listed.data["jobs"]] == [("cancelled", "b.kowal")]
        town.until(lambda: cancels(town) == ["done", "refused"], "both orders are on record")
        assert agent.stop() == 0
