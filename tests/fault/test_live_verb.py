"""The verb `live` from the centre, a real broker and agent, to a real receiver: who may see, for how long, and what is on record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.centre.keys import make_keys
from edge.messages.evidence import Viewed
from edge.messages.records import facts_of
from edge.messages.wire import Response
from tests.support.agents import CAMERA, NODE, AgentProcess, Town
from tests.support.live_receivers import Receiver, numbers_of
from tests.support.live_ring import GOP, LiveRing
from tests.support.mosquitto import Mosquitto, free_port

OPERATOR, CASE = "a.nowak", "patrol 12/26"


@dataclass
class Pole:
    """A node whose camera records now, and a broker."""

    folder: Path
    broker: Mosquitto
    private_key: Path
    public_key: Path
    port: int

    def agent(self, *, live: bool = True) -> AgentProcess:
        url = f"rtsp://127.0.0.1:{self.port}/live/{{camera}}"
        section = f'[live]\nurl = "{url}"\nmax_minutes = 2\n' if live else ""
        return AgentProcess(self.folder / "node", self.broker.port, f'command_key = "{self.public_key}"', section)

    def town(self) -> Town:
        return Town(self.broker.port, self.folder / "town", command_key=self.private_key)


@pytest.fixture(scope="module")
def pole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pole]:
    folder = tmp_path_factory.mktemp("live")
    private, public = make_keys(folder / "keys")
    with LiveRing(folder / "node" / "data"), Mosquitto(folder / "broker") as broker:
        yield Pole(folder, broker, private, public, free_port())


def final(answer: Response | None, agent: AgentProcess) -> Response:
    assert answer is not None, agent.log
    return answer


def shown(town: Town) -> list[tuple[str, str, str]]:
    records = [facts_of(event.record, Viewed) for event in town.events if event.record.type == "view"]
    return [(view.what, view.operator, view.camera_id) for view in records]


IMPOSSIBLE: list[tuple[dict[str, object], str, str]] = [
    ({"camera": CAMERA}, " ", "no_case"),
    ({"camera": CAMERA, "minutes": 3}, "c", "bad_minutes"),
    ({"camera": CAMERA, "minutes": 0}, "c", "bad_minutes"),
    ({"camera": "cam9"}, "c", "unknown_camera"),
    ({}, "c", "bad_args"),
    ({"camera": CAMERA, "url": "rtsp://192.0.2.1/x"}, "c", "bad_args"),
    ({"stop": "nothing"}, "c", "no_session"),
]


def test_one_looks_and_others_are_told_why_they_may_not(pole: Pole, tmp_path: Path) -> None:
    with pole.town() as town, pole.agent() as agent, Receiver("rtsp", tmp_path / "got.mkv", pole.port) as receiver:
        town.until_online()
        refused = [town.centre.command(NODE, "live", args, operator="a.nowak", case=case) for args, case, _ in IMPOSSIBLE]
        assert [final(each.wait(20), agent).code for each in refused] == [code for *_, code in IMPOSSIBLE]

        asked = town.centre.live(NODE, CAMERA, minutes=1, operator=OPERATOR, case=CASE)
        town.until(lambda: any(each.state == "running" for each in asked.responses), "pictures leave")
        receiver.until_bytes(1000)
        assert final(town.centre.live(NODE, CAMERA, operator=OPERATOR, case=CASE).wait(20), agent).code == "busy"
        assert final(town.centre.end_live(NODE, asked.id, operator="b", case="c").wait(20), agent).code == "not_yours"
        assert final(town.centre.end_live(NODE, asked.id, operator=OPERATOR, case=CASE).wait(20), agent).state == "done"
        last = final(asked.wait(20), agent)
        assert (last.state, last.data["ended"]) == ("done", "asked")
        assert last.data["target"] == f"rtsp://127.0.0.1:{pole.port}/live/{CAMERA}"
        receiver.wait()
        assert len(numbers_of(receiver.output)) >= GOP
        town.until(lambda: bool(shown(town)), "who looked")
        assert shown(town) == [("live", "a.nowak", CAMERA)]
        assert agent.stop() == 0


def test_a_session_that_dies_with_its_agent_is_told_and_not_begun_again(pole: Pole, tmp_path: Path) -> None:
    with pole.town() as town, pole.agent() as agent, Receiver("rtsp", tmp_path / "got.mkv", pole.port):
        session = town.until_online().status
        assert session is not None
        asked = town.centre.live(NODE, CAMERA, operator=OPERATOR, case=CASE)
        town.until(lambda: any(each.state == "running" for each in asked.responses), "pictures leave")
        agent.kill()
        agent.start()
        town.until_online(session.session)
        last = final(asked.wait(20), agent)
        assert (last.state, last.code) == ("failed", "interrupted")
        assert agent.stop() == 0


def test_a_node_without_an_address_shows_nothing(pole: Pole) -> None:
    with pole.town() as town, pole.agent(live=False) as agent:
        town.until_online()
        assert final(town.centre.live(NODE, CAMERA, operator=OPERATOR, case=CASE).wait(20), agent).code == "no_live"
        assert agent.stop() == 0


@pytest.mark.parametrize("there", [True, False])
def test_the_command_line_says_what_was_shown_or_why_nothing_was(pole: Pole, tmp_path: Path, there: bool) -> None:
    centre = tmp_path / "centre.toml"
    centre.write_text(f'[mqtt]\nhost = "127.0.0.1"\nport = {pole.broker.port}\ntls = false\n', encoding="utf-8")
    argv = [sys.executable, "-m", "edge", "centre", "live", NODE, "--broker", str(centre), "--key", str(pole.private_key)]
    argv += ["--camera", CAMERA, "--minutes", "0.1", "--operator", "a.nowak", "--case", "patrol"]
    with pole.agent() as agent, pole.town() as town:
        town.until_online()
        if there:
            with Receiver("rtsp", tmp_path / "got.mkv", pole.port):
                ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
            assert (ran.returncode, "ended: time" in ran.stdout) == (0, True), ran.stdout + ran.stderr
        else:
            ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
            assert (ran.returncode, "unreachable" in ran.stderr) == (75, True), ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
        assert agent.stop() == 0
