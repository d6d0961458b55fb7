from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.centre.archive import journal_path
from edge.clock import format_utc
from edge.host.timesync import KernelClock
from tests.support.command import edge, environment
from tests.support.mosquitto import Mosquitto
from tests.support.witnessing import CAMERA, TOWN, PaperTown, SealedNode

STATUS = {"state": "online", "why": "boot", "boot": "b1", "session": 1, "t": "2026-11-22T13:05:00.000Z", "version": "0.1.0"}

CLIP = ("--camera", "cam0", "--from", "-2m", "--to", "-1m", "--operator", "a", "--case", "c")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Path]:
    """centre.toml of a running broker."""
    server = Mosquitto(tmp_path / "broker").start()
    path = tmp_path / "centre.toml"
    path.write_text(f'[mqtt]\nhost = "127.0.0.1"\nport = {server.port}\ntls = false\n', encoding="utf-8")
    yield path
    server.stop()


def publish(broker: Path, topic: str, document: object) -> None:
    """Retained, and confirmed by the broker."""
    port = int(broker.read_text("utf-8").split("port = ")[1].split()[0])
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topic, json.dumps(document), qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@contextmanager
def receiving(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "edge", "centre", "receive", *map(str, words)]
    process = subprocess.Popen(argv, env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_keys_are_made_once_and_the_private_one_is_private(tmp_path: Path) -> None:
    outcome = edge("centre", "keys", tmp_path / "keys")
    assert outcome.code == 0
    assert stat.S_IMODE((tmp_path / "keys" / "command.key").stat().st_mode) == 0o600
    assert b"PUBLIC KEY" in (tmp_path / "keys" / "command.pub").read_bytes()
    again = edge("centre", "keys", tmp_path / "keys")
    assert again.code == 2
    assert "exists already" in again.err


def test_nodes_are_shown_as_the_broker_knows_them(broker: Path) -> None:
    publish(broker, "town/v1/pole-1/status", STATUS)
    publish(broker, "town/v1/pole-2/status", {**STATUS, "state": "offline", "why": "will"})
    shown = edge("centre", "nodes", "--broker", broker, "--wait", "1")
    assert shown.code == 0
    lines = [line.split()[:2] for line in shown.out.splitlines() if "pole" in line]
    assert lines == [["pole-1", "online"], ["pole-2", "offline"]]
    views = json.loads(edge("centre", "nodes", "--broker", broker, "--wait", "1", "--json").out)
    assert [view["node"] for view in views] == ["pole-1", "pole-2"]


def test_a_broker_that_is_not_there_is_passing_trouble(tmp_path: Path) -> None:
    path = tmp_path / "centre.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 1\ntls = false\n', encoding="utf-8")
    outcome = edge("centre", "nodes", "--broker", path)
    assert outcome.code == 75
    assert "127.0.0.1:1 did not answer" in outcome.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "[mqtt] is missing"),
        ("[mqtt]\nport = 1", "host"),
        ('[mqtt]\nhost = "h"\ntls = false', "mqtt.tls"),
        ('[mqtt]\nhost = "h"\nprot = 1', "did you mean port"),
    ],
)
def test_a_broker_file_that_does_not_fit_is_told_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(text, encoding="utf-8")
    outcome = edge("centre", "nodes", "--broker", path)
    assert outcome.code == 78
    assert words in outcome.err


def test_a_clip_cannot_be_asked_for_without_the_command_key(broker: Path, tmp_path: Path) -> None:
    words: list[str | Path] = [
        "--camera",
        "cam0",
        "--from",
        "-2m",
        "--to",
        "-1m",
        "--operator",
        "a",
        "--case",
        "c",
        "--key",
        tmp_path / "absent",
    ]
    outcome = edge("centre", "request-clip", "pole-1", "--broker", broker, *words)
    assert outcome.code == 78
    assert "private key" in outcome.err


def test_a_node_that_nobody_hears_of_ends_the_wait_in_words(broker: Path, tmp_path: Path) -> None:
    edge("centre", "keys", tmp_path)
    words: list[str | Path] = [
        "--camera",
        "cam0",
        "--from",
        "-2m",
        "--to",
        "-1m",
        "--operator",
        "a",
        "--case",
        "c",
        "--key",
        tmp_path / "command.key",
    ]
    outcome = edge("centre", "request-clip", "pole-9", "--broker", broker, *words, "--wait", "600", "--id", "r1")
    assert outcome.code == 75
    assert "nobody took the request" in outcome.err


def test_receiving_takes_uploads_and_journals_until_it_is_stopped(broker: Path, tmp_path: Path) -> None:
    with receiving("--folder", tmp_path / "centre", "--broker", broker, "--port", "0") as process:
        assert process.stderr is not None
        said = ""
        while "connected to the broker" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        assert "upload receiver: http://127.0.0.1:" in said
        second = edge("centre", "receive", "--folder", tmp_path / "centre", "--broker", broker, "--port", "0")
        assert second.code == 2
        assert "in use by another centre" in second.err
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


def test_the_door_is_not_opened_to_others_without_tls_and_a_token(tmp_path: Path) -> None:
    outcome = edge("centre", "receive", "--folder", tmp_path / "centre", "--host", "0.0.0.0")
    assert outcome.code == 78
    assert "not loopback" in outcome.err


def test_events_need_a_folder_that_is_there(tmp_path: Path) -> None:
    outcome = edge("centre", "events", "--folder", tmp_path / "absent")
    assert outcome.code == 2
    (tmp_path / "centre").mkdir()
    assert edge("centre", "events", "--folder", tmp_path / "centre").out == ""


def test_a_record_that_does_not_read_or_would_steer_the_terminal_is_shown_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "centre" / "nodes" / "pole-1" / "journal"
    folder.mkdir(parents=True)
    start = (
        b'{"seq":%d,"t":"'
        + format_utc(KernelClock("assume").read().utc_ns).encode()
        + b'","clock":"trusted","mono_ms":1,"boot":"b","type":"x","prev":"0","facts":'
    )
    lines = [
        start % 1 + b'{"text":"\xff"}}',
        start % 2 + b'{"text":"\\u001b[2J\\u0007gone"}}',
        b"no record",
        start % 4 + b'{"text":"last"}}',
    ]
    (folder / "agent.0123456789abcdef.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    outcome = edge("centre", "events", "--folder", tmp_path / "centre")
    assert outcome.code == 0
    first, second, last = outcome.out.splitlines()
    assert "unreadable" in first
    assert "text=?[2J?gone" in second
    assert "text=last" in last
    assert "damaged line" in outcome.err


def test_keys_that_cannot_be_written_are_told_in_words() -> None:
    outcome = edge("centre", "keys", "/proc/keys-of-nobody")
    assert outcome.code == 74
    assert "cannot be written" in outcome.err


@pytest.fixture
def archive(tmp_path: Path) -> tuple[PaperTown, SealedNode]:
    """Two minutes of a node that signs, in tmp_path/centre; ca.pem beside it."""
    town, node = PaperTown(tmp_path / "centre"), SealedNode()
    town.hear_info(node)
    for _ in range(2):
        node.record(3)
        town.hear_checkpoint(node, node.checkpoint())
        town.deliver(node)
    (tmp_path / "ca.pem").write_bytes(TOWN.root)
    return town, node


def test_an_audit_shows_what_is_vouched_for_and_ends_with_0(archive: tuple[PaperTown, SealedNode], tmp_path: Path) -> None:
    shown = edge("centre", "audit", "--folder", tmp_path / "centre", "--trust", tmp_path / "ca.pem")
    assert (shown.code, shown.err) == (0, "")
    assert "pole-1: adds up" in shown.out
    assert "2 trusted" in shown.out
    (line,) = [line.split() for line in shown.out.splitlines() if line.strip().startswith("recorder.cam0")]
    assert [line[2], line[4], line[5]] == ["6", "6", "6"]
    without = json.loads(edge("centre", "audit", "--folder", tmp_path / "centre", "--json").out)
    assert [(each["node"], each["adds_up"], each["signers"]) for each in without] == [("pole-1", True, {"not verified": 2})]


def test_an_audit_of_evidence_that_does_not_add_up_ends_with_65_and_shows_the_proof(
    archive: tuple[PaperTown, SealedNode], tmp_path: Path
) -> None:
    town, node = archive
    path = journal_path(town.folder, "pole-1", CAMERA, node.epoch(CAMERA))
    path.write_bytes(path.read_bytes().replace(b"footage 2", b"fiction 2"))
    shown = edge("centre", "audit", "--folder", tmp_path / "centre", "--node", "pole-1")
    assert shown.code == 65
    assert "pole-1: does not add up" in shown.out
    assert "chain recorder.cam0 #4" in shown.out
    assert "evidence does not add up: pole-1" in shown.err
    told = edge("centre", "audit", "--folder", tmp_path / "centre", "--json")
    assert told.code == 65
    findings = json.loads(told.out)[0]["findings"]
    assert {finding["kind"] for finding in findings} == {"chain", "fork"}
    assert any("fiction 2" in proof["text"] for finding in findings for proof in finding["proof"])


def test_an_audit_of_nothing_or_by_no_authority_is_told_as_that(archive: tuple[PaperTown, SealedNode], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert edge("centre", "audit", "--folder", tmp_path / "empty").code == 2
    assert edge("centre", "audit", "--folder", tmp_path / "nowhere").code == 2
    unknown = edge("centre", "audit", "--folder", tmp_path / "centre", "--node", "pole-9")
    assert unknown.code == 2
    assert "stored: pole-1" in unknown.err
    (tmp_path / "no.pem").write_text("no certificate")
    assert edge("centre", "audit", "--folder", tmp_path / "centre", "--trust", tmp_path / "no.pem").code == 78
