"""Commands through a real broker: only good ones are obeyed, once; a clip that was accepted is delivered whatever dies meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.centre.keys import make_keys, read_private_key, sign_command
from edge.clock import NS_PER_S
from edge.link.port import Acknowledged, Connected, Incoming, Outgoing
from edge.link.settings import LinkSettings
from edge.link.supervisor import MqttLink
from edge.messages.records import ClipDone, Command, Stop, facts_of
from edge.messages.wire import CommandClaims, Response
from tests.support.agents import CAMERA, NODE, AgentProcess, Town, writer_of
from tests.support.links import wait_for
from tests.support.stage import CLOCK, Stage, raised


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with raised(tmp_path) as stage:
        yield stage


def commands(town: Town) -> list[Command]:
    return [facts_of(event.record, Command) for event in town.events if event.record.type == "command"]


def received(stage: Stage, response: Response) -> list[bytes]:
    """The delivered files' bytes, found by the hash the manifest states."""
    assert response.manifest is not None
    found = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in (stage.folder / "received").rglob("*") if path.is_file()}
    return [found[file.sha256].read_bytes() for file in response.manifest.files]


def test_a_clip_asked_for_is_accepted_delivered_and_told_with_its_manifest(stage: Stage) -> None:
    receiver = stage.receiver()
    try:
        with stage.town() as town, stage.agent() as agent:
            town.until_online()
            clip = stage.ask(town, 5.2, 14.7)
            response = clip.wait(30)
            assert response is not None, agent.log
            assert (response.state, response.code) == ("done", "")
            assert [each.state for each in clip.responses] == ["accepted", "running", "done"]
            (data,) = received(stage, response)
            assert data[4:8] == b"ftyp"
            assert response.manifest is not None
            (file,) = response.manifest.files
            assert (file.asked_start, file.asked_end, file.bytes) == (stage.utc(5.2), stage.utc(14.7), len(data))
            town.until(lambda: any(event.record.type == "clip" for event in town.events), "the record of the delivery")
            assert not list((agent.data / "jobs" / clip.id / "links").glob("*"))
            assert agent.stop() == 0
    finally:
        receiver.stop()


def test_a_clip_survives_the_death_of_the_agent_and_the_absence_of_the_receiver(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        session = town.until_online().status
        assert session is not None
        clip = stage.ask(town, 2, 12)
        town.until(lambda: bool(commands(town)), "the command is recorded")
        assert commands(town)[0].state == "accepted"
        for _ in range(2):
            agent.kill()
            agent.start()
            session = town.until_online(session.session).status
            assert session is not None
        receiver = stage.receiver()
        try:
            response = clip.wait(30)
            assert response is not None, agent.log
            assert response.state == "done"
            assert len(received(stage, response)) == 1
            assert agent.stop() == 0
        finally:
            receiver.stop()
    words = [facts_of(event.record, ClipDone).state for event in town.events if event.record.type == "clip"]
    assert words == ["done"]
    assert [each.state for each in commands(town)] == ["accepted"]


def test_the_last_word_reaches_a_centre_that_was_away(stage: Stage) -> None:
    receiver = stage.receiver()
    try:
        with stage.agent() as agent:
            with stage.town() as town:
                town.until_online()
                clip = stage.ask(town, 1, 3, id="away")
                assert clip.wait(30) is not None
            with stage.town() as town:
                town.until_online()
                again = stage.ask(town, 1, 3, id="away")
                response = again.wait(30)
                assert response is not None
                assert response.state == "done"
                assert response.manifest is not None
                town.until(lambda: bool(town.events) or bool(list(town.centre.events(NODE, "agent"))), "the records")
                stored = [event for event in town.centre.events(NODE, "agent") if event.record.type == "command"]
                assert len(stored) == 1
            assert agent.stop() == 0
    finally:
        receiver.stop()


@pytest.mark.parametrize(
    ("camera", "first", "last", "case", "code"),
    [
        ("cam9", 1, 2, "12/26", "unknown_camera"),
        (CAMERA, 2, 1, "12/26", "bad_range"),
        (CAMERA, 1, 10_000_000, "12/26", "bad_range"),
        (CAMERA, -5000, -4000, "12/26", "no_footage"),
        (CAMERA, 1, 2, " ", "no_case"),
        (CAMERA, 1, 2, "12/26\n", "bad_words"),
    ],
)
def test_a_clip_that_cannot_be_is_refused_with_the_reason(
    stage: Stage, camera: str, first: float, last: float, case: str, code: str
) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        clip = town.centre.request_clip(NODE, camera, stage.utc(first), stage.utc(last), operator="a.nowak", case=case)
        response = clip.wait(20)
        assert response is not None
        assert (response.state, response.code) == ("refused", code)
        assert agent.stop() == 0


def test_bad_commands_are_refused_recorded_and_answered_and_a_replay_runs_nothing(stage: Stage) -> None:
    key = read_private_key(stage.private_key)
    now_s = CLOCK.read().utc_ns // NS_PER_S
    args = {"camera": CAMERA, "start": stage.utc(1), "end": stage.utc(2)}
    good = CommandClaims(id="good", verb="clip", aud=NODE, iat=now_s, exp=now_s + 120, operator="a.nowak", case="12/26", args=args)
    make_keys(stage.folder / "rogue")
    rogue = read_private_key(stage.folder / "rogue" / "command.key")
    replace = msgspec.structs.replace
    bad = [
        (sign_command(key, replace(good, id="old", iat=now_s - 500, exp=now_s - 200)), "expired"),
        (sign_command(key, replace(good, id="other", aud="pole-2")), "wrong_audience"),
        (sign_command(rogue, replace(good, id="rogue")), "bad_signature"),
        (b"garbage", "bad_signature"),
        (b"\xff" * 4000, "bad_signature"),
        (sign_command(key, replace(good, id="verb", verb="reboot")), "wrong_topic"),
    ]
    topic = f"town/v1/{NODE}/cmd/clip"
    with stage.town() as town, stage.agent() as agent:
        town.until_online()
        link = MqttLink(LinkSettings("127.0.0.1", stage.broker.port, "attacker"), [f"town/v1/{NODE}/resp/+"], lambda: None)
        link.start()
        try:
            connection = wait_for(link, Connected).connection

            def send(token: bytes, *, expiry_s: int | None = 60) -> Response:
                link.send(Outgoing(connection, 1, topic, token, expiry_s=expiry_s))
                assert wait_for(link, Acknowledged).code == 0
                return msgspec.json.decode(wait_for(link, Incoming).payload, type=Response)

            for token, code in bad:
                response = send(token)
                assert (response.state, response.code) == ("refused", code)
            assert send(sign_command(key, replace(good, id="immortal")), expiry_s=None).code == "no_expiry"
            first = send(sign_command(key, good))
            assert (first.id, first.state) == ("good", "accepted")
            for _ in range(3):
                assert send(sign_command(key, good)).id == "good"
        finally:
            link.stop()
        town.until(lambda: len(commands(town)) == len(bad) + 2, "every command is recorded once")
        assert [each.code for each in commands(town)] == [*(code for _, code in bad), "no_expiry", ""]
        assert [path.name for path in (agent.data / "jobs").iterdir()] == ["good"]
        assert agent.stop() == 0


def test_without_a_command_key_nothing_is_obeyed(stage: Stage) -> None:
    with stage.town() as town, AgentProcess(stage.folder / "node", stage.broker.port) as agent:
        view = town.until_online()
        response = stage.ask(town, 1, 2).wait(20)
        assert response is not None
        assert (response.state, response.code) == ("refused", "no_key")
        town.until(lambda: (town.centre.node(NODE) or view).info is not None, "info")
        info = (town.centre.node(NODE) or view).info
        assert info is not None
        assert info["commands"] == []
        assert agent.stop() == 0


def test_the_centre_locks_footage_and_releases_it_each_for_a_case(stage: Stage) -> None:
    with stage.town() as town, stage.agent() as agent:
        town.until_online()

        def ask(verb: str, args: dict[str, object], id: str, case: str = "12/26") -> Command:
            town.centre.command(NODE, verb, args, operator="a.nowak", case=case, id=id)
            town.until(lambda: any(each.id == id for each in commands(town)), f"the answer to {id}")
            return next(each for each in commands(town) if each.id == id)

        span: dict[str, object] = {"camera": CAMERA, "start": stage.utc(3), "end": stage.utc(9)}
        assert ask("hold", span, "lock-1").state == "done"
        links = list((agent.data / "hold" / "lock-1").glob("*.mp4"))
        assert links
        assert all(link.stat().st_nlink == 2 for link in links)
        assert ask("hold", span, "lock-2", case=" ").code == "no_case"
        assert ask("hold", span | {"camera": "cam9"}, "lock-3").code == "unknown_camera"
        assert ask("hold", {"camera": CAMERA}, "lock-4").code == "bad_args"
        assert ask("release", {"hold": "lock-9", "why": "over"}, "free-1").code == "unknown_hold"
        assert ask("release", {"hold": "lock-1", "why": "handed over"}, "free-2").state == "done"
        assert not (agent.data / "hold" / "lock-1").exists()
        types = [event.record.type for event in town.events if event.record.type in ("hold", "release")]
        assert types == ["hold", "release"]
        assert agent.stop() == 0


def test_what_people_did_on_the_node_and_cameras_that_are_gone_are_delivered_too(stage: Stage) -> None:
    for name in ("local", "recorder.cam7"):
        writer = writer_of(stage.folder / "node" / "data", name)
        writer.append(Stop(reason="before the agent"))
        writer.close()
    with stage.town() as town, stage.agent() as agent:
        for name in ("local", "recorder.cam7", f"recorder.{CAMERA}"):
            town.until_seq(name, 1)
        assert agent.stop() == 0
