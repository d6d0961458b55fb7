"""`edge diag`: bounded, complete, and without a single secret."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import ManualClock
from edge.config.read import load_config
from edge.health.diag import DIAG_MAX_BYTES, TROUBLES_MAX, diagnose
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.writer import JournalWriter
from edge.messages.diag import Diagnosis
from edge.messages.records import AlarmRaised, Boot, Command
from edge.ring.layout import folders_of
from tests.support.command import edge
from tests.support.identities import Town
from tests.support.pole import Pole

SECRETS = ("disk", "camera", "seal-key", "pin", "mqtt-key", "mqtt-password", "upload-token", "upload-key")


def planted(name: str) -> str:
    return f"PLANTED-{name}-5f1d"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node with everything that can be secret, footage, and troubles on record."""
    for name in SECRETS:
        path = tmp_path / name
        path.touch(mode=0o600)
        path.write_text(f"user={planted('user')}\npassword={planted(name)}\n" if name == "camera" else planted(name) + "\n")
    (tmp_path / "pole.pem").write_bytes(Town().certify("pole-1"))
    (tmp_path / "node.toml").write_text(
        f'[node]\nid = "pole-1"\ndata = "data"\nrun = "run"\ndisk_key = "disk"\n'
        f'[[camera]]\nid = "cam0"\nsource = "rtsp://192.0.2.7/s?pw={planted("query")}"\nsecrets = "camera"\n'
        f'options = {{ password = "{planted("option")}" }}\n'
        f'[clock]\ntrust = "assume"\n'
        f'[seal]\nsigner = "file"\ncertificate = "pole.pem"\nkey = "seal-key"\npin_file = "pin"\n'
        f'[mqtt]\nhost = "broker.example"\nca = "pole.pem"\ncertificate = "pole.pem"\nkey = "mqtt-key"\nuser = "pole-1"\n'
        f'password_file = "mqtt-password"\n'
        f'[upload]\nurl = "https://receiver.example/files?sig={planted("url")}"\ntoken_file = "upload-token"\ncertificate = "pole.pem"\n'
        f'key = "upload-key"\n'
    )
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(KernelClock("assume").read().utc_ns), data=tmp_path / "data", boot=boot_id())
    pole.start()
    pole.record(12)
    pole.stop()
    journal = JournalWriter(LinuxDisk(), tmp_path / "data/journal/agent", KernelClock("assume"), boot_id())
    journal.open()
    journal.append(Boot(version="0.9", ended="crash"))
    journal.append(AlarmRaised(code="disk.full", active=True, severity="critical", text="no room"))
    journal.append(Command(id="c1", verb="clip", operator="a.nowak", case="RSOW 12/26", state="refused", code="no_footage"))
    journal.close()
    return tmp_path


def test_a_crew_sees_what_is_wrong_on_one_page(node: Path) -> None:
    shown = edge("diag", "--config", node / "node.toml")
    assert shown.code == 0, shown.err
    for words in (
        "node pole-1 at",
        "alarms: disk.full",
        "camera cam0: silent",
        "journal agent: record 3",
        "starts: 1 after crash",
        "link: nothing known",
        "certificate mqtt.certificate: until",
        "restarts from afar: not possible",
        "code=disk.full, active=True",
    ):
        assert words in shown.out, shown.out


def test_programs_get_the_same_document(node: Path) -> None:
    shown = edge("diag", "--config", node / "node.toml", "--json")
    found = msgspec.json.decode(shown.out, type=Diagnosis)
    assert [(ring.camera, ring.segments, ring.days) for ring in found.rings] == [("cam0", 3, 1)]
    assert [each.type for each in found.troubles if each.journal == "agent"] == ["boot", "alarm", "command"]
    assert found.config.in_force == found.config.on_disk


def test_nothing_secret_and_nobodys_name_is_in_it(node: Path) -> None:
    for words in ((), ("--json",)):
        shown = edge("diag", "--config", node / "node.toml", *words)
        assert shown.code == 0
        for unwanted in ("PLANTED", "a.nowak", "RSOW"):
            assert unwanted not in shown.out + shown.err


def test_a_value_that_stands_in_a_broken_configuration_is_not_passed_on(node: Path) -> None:
    path = node / "node.toml"
    good = path.read_bytes()
    (node / "node.toml.last-good").write_bytes(good)
    path.write_bytes(good.replace(b'"rtsp:', f'"{planted("kind")}:'.encode()))
    shown = edge("diag", "--config", path, "--json")
    assert "PLANTED" not in shown.out
    (error,) = msgspec.json.decode(shown.out, type=Diagnosis).config.errors
    assert error.startswith("camera[0].source: ")


def test_it_stays_within_its_size_whatever_the_journals_hold(node: Path) -> None:
    journal = JournalWriter(LinuxDisk(), node / "data/journal/watcher", KernelClock("assume"), boot_id())
    journal.open()
    text = "x" * 2000
    journal.append_all([AlarmRaised(code=f"a{n}", active=True, severity="warning", text=text, todo=text) for n in range(300)])
    journal.close()
    loaded = load_config(node / "node.toml")
    found = diagnose(loaded, folders_of(loaded.config), LinuxDisk(), KernelClock("assume"))
    assert len(msgspec.json.encode(found)) <= DIAG_MAX_BYTES
    assert found.troubles[-1].facts["code"] == "a299"
    assert found.left_out.get("troubles", 0) == TROUBLES_MAX - len(found.troubles)


def test_a_node_without_anything_yet_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('[node]\nid = "p"\ndata = "none"\nrun = "none"\n[[camera]]\nid = "c"\nsource = "synthetic:"\n')
    shown = edge("diag", "--config", tmp_path / "node.toml")
    assert shown.code == 0, shown.err
    assert "ring: 0 segments" in shown.out
