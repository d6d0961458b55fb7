"""Commands to a node, from the centre's command line: what is sent, what is shown, how it ends."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.centre.keys import make_keys
from edge.messages.wire import CommandClaims, Response
from tests.support.command import Outcome, edge, environment
from tests.support.mosquitto import Mosquitto
from tests.support.someone import Obedient, Someone

JPEG = b"\xff\xd8 a picture \xff\xd9"
TIMELINE = {
    "covered_s": 90.0,
    "spans": [{"start": "2026-11-22T13:00:00.000Z", "end": "2026-11-22T13:01:30.000Z", "segments": 2, "undated": False}],
    "gaps": [{"start": "2026-11-22T13:01:30.000Z", "end": "2026-11-22T13:02:00.000Z", "reason": "stopped", "text": "asked to"}],
    "events": [{"id": "m1", "since": "2026-11-22T13:00:10.000Z", "until": None, "score": 0.5, "zones": []}],
    "left_out": {"events": 3},
}
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """(port of a broker, folder with centre.toml and command.key)"""
    folder = tmp_path_factory.mktemp("town")
    make_keys(folder)
    with Mosquitto(folder / "broker") as server:
        (folder / "centre.toml").write_text(f'[mqtt]\nhost = "127.0.0.1"\nport = {server.port}\ntls = false\n', encoding="utf-8")
        yield server.port, folder


def obey(node: Someone, claims: CommandClaims) -> Sequence[Response]:
    accepted = Response(id=claims.id, state="accepted")
    if claims.verb == "release":
        return [Response(id=claims.id, state="refused", code="no_hold", text="there is no hold \x1b[31mh9")]
    if claims.verb == "snapshot":
        node.raw("snapshot/cam0", b"\xff\xd8 of another \xff\xd9", 0)
        node.raw("snapshot/cam0", JPEG, 0)
        data = {"sha256": hashlib.sha256(JPEG).hexdigest(), "utc": "2026-11-22T13:05:00.000Z"}
        return [accepted, Response(id=claims.id, state="done", data=data)]
    if claims.verb == "jobs":
        line: dict[str, object] = {"id": "r-1", "camera": "cam0", "start": "2026-11-22T13:05:00.000Z", "end": "2026-11-22T13:06:00.000Z"}
        line |= {"operator": "a.nowak", "case": "c\x1b[31m", "state": "accepted", "text": "quiet hours: waits for 06:00", "new": 1}
        return [accepted, Response(id=claims.id, state="done", data={"jobs": [line], "left_out": 4})]
    if claims.verb == "clip" and claims.args.get("deadline"):
        return [accepted, Response(id=claims.id, state="cancelled", text="cancelled by b.kowal: the wrong camera")]
    if claims.args.get("slow"):
        running = Response(id=claims.id, state="running", text="first half")
        return [accepted, running, Response(id=claims.id, state="failed", code="disk")]
    if claims.verb == "timeline":
        return [accepted, Response(id=claims.id, state="done", data=TIMELINE)]
    return [accepted, Response(id=claims.id, state="done", text=f"did {claims.verb}", data={"days": 3})]


def ask(town: tuple[int, Path], *words: str) -> tuple[Outcome, CommandClaims]:
    port, folder = town
    place = ("--broker", str(folder / "centre.toml"), "--key", str(folder / "command.key"), "--operator", "a.nowak", "--wait", "20")
    with Obedient(port, "pole-1", obey) as node:
        done = edge("centre", *words, *place)
        (claims,) = node.taken
    return done, claims


def test_a_hold_carries_utc_and_tells_how_to_give_it_up(town: tuple[int, Path]) -> None:
    span = ("--camera", "cam0", "--from", "2026-11-22T14:05", "--to", "2026-11-22T14:20")
    done, claims = ask(town, "hold", "pole-1", *span, "--case", "RSOW 12/26")
    assert done.code == 0, done.err
    assert claims.args == {"camera": "cam0", "start": "2026-11-22T13:05:00.000Z", "end": "2026-11-22T13:20:00.000Z"}
    assert (claims.operator, claims.case, claims.boot) == ("a.nowak", "RSOW 12/26", "this-boot")
    assert f"edge centre release pole-1 {claims.id}" in done.out


def test_a_refusal_says_why_in_plain_letters(town: tuple[int, Path]) -> None:
    done, claims = ask(town, "release", "pole-1", "h9", "--why", "closed", "--case", "c")
    assert done.code == 77
    assert claims.args == {"hold": "h9", "why": "closed"}
    assert "no_hold there is no hold ?[31mh9" in done.err


def test_a_command_that_fails_later_is_told_with_its_news(town: tuple[int, Path]) -> None:
    done, claims = ask(town, "ask", "pole-1", "report", "month=2026-10", "slow=true")
    assert done.code == 75
    assert claims.args == {"month": "2026-10", "slow": True}
    assert "running  first half" in done.err


def test_a_snapshot_is_the_picture_that_the_answer_names(town: tuple[int, Path], tmp_path: Path) -> None:
    done, _ = ask(town, "snapshot", "pole-1", str(tmp_path / "now.jpg"), "--camera", "cam0", "--case", "c")
    assert done.code == 0, done.err
    assert (tmp_path / "now.jpg").read_bytes() == JPEG
    assert "2026-11-22T13:05:00.000Z" in done.out


def test_a_timeline_is_told_in_the_order_of_time(town: tuple[int, Path]) -> None:
    done, claims = ask(
        town, "timeline", "pole-1", "--camera", "cam0", "--from", "2026-11-22T14:00", "--to", "2026-11-22T14:02", "--case", "c"
    )
    assert done.code == 0, done.err
    assert claims.args == {"camera": "cam0", "start": "2026-11-22T13:00:00.000Z", "end": "2026-11-22T13:02:00.000Z"}
    assert [line.split("  ", 2)[-1].split()[0] for line in done.out.splitlines()[:3]] == ["recorded", "motion", "MISSING:"]
    assert "3 older events are not shown" in done.out


def test_any_verb_can_be_asked_with_numbers_and_text(town: tuple[int, Path]) -> None:
    done, claims = ask(town, "ask", "pole-1", "report", "month=2026-11", "days=3", "--json")
    assert done.code == 0, done.err
    assert claims.args == {"month": "2026-11", "days": 3}
    assert json.loads(done.out)["data"] == {"days": 3}


def test_an_argument_without_a_name_is_a_usage_error(town: tuple[int, Path]) -> None:
    done = edge("centre", "ask", "pole-1", "report", "november", "--operator", "a", "--broker", str(town[1] / "centre.toml"))
    assert done.code == 2
    assert "no NAME=VALUE" in done.err


def test_a_node_that_nobody_knows_is_told_at_once(town: tuple[int, Path]) -> None:
    place = ("--broker", str(town[1] / "centre.toml"), "--key", str(town[1] / "command.key"))
    done = edge("centre", "ask", "pole-9", "diag", "--operator", "a", *place)
    assert done.code == 75
    assert "no session at the broker" in done.err


def test_the_example_of_the_documentation_asks_for_the_clip_of_a_motion(town: tuple[int, Path]) -> None:
    port, folder = town
    program = [sys.executable, str(ROOT / "docs" / "example_integration.py"), str(folder / "centre.toml"), str(folder / "command.key")]
    with Obedient(port, "pole-1", obey) as node:
        node.motion("cam0", "2026-11-22T13:05:00.000Z", active=False)
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment()) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "pole-1 cam0: done did clip\n"
            running.kill()
    (claims,) = node.taken
    assert claims.verb == "clip"
    assert claims.args == {"camera": "cam0", "start": "2026-11-22T13:04:50.000Z", "end": "2026-11-22T13:05:10.000Z"}


def test_a_clip_carries_how_urgent_it_is_and_until_when_and_one_that_was_called_off_is_no_success(town: tuple[int, Path]) -> None:
    span = ("--camera", "cam0", "--from", "2026-11-22T14:05", "--to", "2026-11-22T14:20", "--case", "c")
    done, claims = ask(town, "request-clip", "pole-1", *span, "--urgent", "--deadline", "1.5")
    assert (claims.args["urgent"], claims.args["deadline"]) == (True, 1.5)
    assert done.code == 77
    assert "cancelled by b.kowal: the wrong camera" in done.err
    _, claims = ask(town, "request-clip", "pole-1", *span, "--deadline", "2026-11-22T18:00")
    assert "urgent" not in claims.args
    assert claims.args["deadline"] == "2026-11-22T17:00:00.000Z"


def test_the_jobs_of_a_node_are_a_table_in_plain_letters(town: tuple[int, Path]) -> None:
    done, claims = ask(town, "jobs", "pole-1", "--recent", "5")
    assert (done.code, claims.args) == (0, {"recent": 5}), done.err
    words = " ".join(done.out.split())
    assert "r-1" in words
    assert "4 older closed jobs are not shown" in words
    assert "\x1b" not in done.out


def test_a_clip_is_called_off_by_its_id(town: tuple[int, Path]) -> None:
    done, claims = ask(town, "cancel", "pole-1", "r-1", "--why", "the wrong camera")
    assert (done.code, claims.verb, claims.args) == (0, "cancel", {"id": "r-1", "why": "the wrong camera"})
    assert done.out == "did cancel\n"
