from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.journal.line import parse_line
from tests.support.command import edge, environment
from tests.support.killed_wipe import erased, wiped_in_spite_of_kills
from tests.support.ondisk import OnDisk, at, make_node

SEAL = '[clock]\ntrust = "assume"\n[seal]\ncertificate = "keys/seal.pem"\nkey = "keys/seal.key"\n'
WORDS = ("--by", "a.nowak", "--why", "pole taken down")


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    (tmp_path / "etc").mkdir()
    made = make_node(tmp_path / "etc", SEAL)
    keys = made.config.parent / "keys"
    keys.mkdir()
    (keys / "seal.key").write_text("PRIVATE")
    (keys / "seal.key").chmod(0o600)
    (keys / "seal.pem").write_text("CERTIFICATE")
    (made.data / ".edge-data").write_text("pole-1\n")
    return made


def wipe(node: OnDisk, *more: str | Path, typed: str = "pole-1", root: Path | None = None) -> tuple[int, str, str]:
    words = [
        "decommission",
        "--config",
        node.config,
        "--root",
        root or node.config.parent / "nowhere",
        "--yes-wipe-node",
        typed,
        *WORDS,
        *more,
    ]
    outcome = edge(*words)
    return outcome.code, outcome.out, outcome.err


def everything(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_ino for path in folder.rglob("*")}


@pytest.mark.parametrize("typed", ["", "pole-2", "POLE-1"])
def test_without_the_typed_id_nothing_happens(node: OnDisk, typed: str) -> None:
    before = everything(node.config.parent)
    code, _, err = wipe(node, typed=typed)
    assert code == 2
    assert "pole-1" in err
    assert everything(node.config.parent) == before


@pytest.mark.parametrize("words", [("--by", " "), ("--why", ""), ("--with-journals",)])
def test_who_why_and_a_place_for_journals_are_needed(node: OnDisk, words: tuple[str, ...]) -> None:
    before = everything(node.config.parent)
    assert wipe(node, *words)[0] == 2
    assert everything(node.config.parent) == before


def test_the_copy_of_the_journals_must_be_elsewhere(node: OnDisk) -> None:
    code, _, err = wipe(node, "--keep-journals", node.data / "copy")
    assert code == 2
    assert "on the data partition" in err


def test_everything_goes_but_the_journals_and_what_is_not_ours(node: OnDisk) -> None:
    (node.data / "holiday.jpg").write_text("not ours")
    code, out, err = wipe(node)
    assert (code, "REMAINS" in out) == (0, False), out + err
    assert sorted(path.name for path in node.data.iterdir()) == ["holiday.jpg", "journal"]
    assert sorted(path.name for path in node.config.parent.rglob("*") if path.is_file() and node.data not in path.parents) == []
    assert "node pole-1 is decommissioned" in out
    assert "holiday.jpg: not the recorder's" in out
    assert "flash keeps old copies" in out
    found = erased(node.data / "journal" / "recorder.cam0")
    assert [(each.seq, each.reason, each.early) for each in found] == [(seq, "decommission", False) for seq in (1, 2, 3, 4)]
    assert all(len(each.sha256) == 64 for each in found)


def test_the_list_says_all_of_it_and_changes_nothing(node: OnDisk) -> None:
    before = everything(node.config.parent)
    outcome = edge("decommission", "--config", node.config, "--list")
    assert outcome.code == 0, outcome.err
    for word in ("seal.key", "seal.pem", "node.toml", "ring: 4 files", "nothing was changed"):
        assert word in outcome.out
    assert everything(node.config.parent) == before


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("folder", ["ring/cam0/open", "agent", "journal/watcher"])
def test_a_service_at_work_is_not_wiped_under(node: OnDisk, folder: str) -> None:
    with locked(node.data / folder):
        before = everything(node.config.parent)
        code, _, err = wipe(node)
        assert code == 75
        assert "stop it first" in err
        assert {name for name in everything(node.config.parent) if "journal/local" not in name} == set(before)


def test_a_watcher_that_runs_is_one(node: OnDisk) -> None:
    watcher = subprocess.Popen(
        [sys.executable, "-m", "edge", "watch", "--config", str(node.config)], env=environment(), stderr=subprocess.PIPE
    )
    try:
        journal = node.data / "journal" / "watcher"
        turn = threading.Event()
        for _ in range(600):
            if b'"type":"boot"' in b"".join(path.read_bytes() for path in journal.glob("*.jsonl")):
                break
            turn.wait(0.1)
        assert wipe(node)[0] == 75
    finally:
        watcher.send_signal(signal.SIGTERM)
        watcher.communicate(timeout=30)


def test_evidence_under_a_lock_is_not_wiped_unless_it_is_released_on_record(node: OnDisk) -> None:
    held = edge("hold", "add", "--config", node.config, "--from", at(1), "--to", at(2), "--case", "RSOW 1/26", "--by", "x", "--id", "h1")
    if held.code:
        node.config.write_text(node.config.read_text() + "[hold]\nquota_percent = 90.0\n")
        held = edge(
            "hold", "add", "--config", node.config, "--from", at(1), "--to", at(2), "--case", "RSOW 1/26", "--by", "x", "--id", "h1"
        )
    assert held.code == 0, held.err
    code, _, err = wipe(node)
    assert code == 77
    assert "h1" in err
    assert (node.config.parent / "keys" / "seal.key").exists()
    code, out, err = wipe(node, "--release-holds")
    assert code == 0, out + err
    lines = b"".join(path.read_bytes() for path in sorted((node.data / "journal" / "local").glob("*.jsonl"))).split(b"\n")[:-1]
    records = [line.record for line in map(parse_line, lines) if line is not None]
    assert [record.type for record in records] == ["hold", "decommission", "release", "decommission"]
    assert len(erased(node.data / "journal" / "recorder.cam0")) == 4


def test_links_are_not_followed(node: OnDisk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "family.mp4").write_text("theirs")
    secret = outside / "shared.key"
    secret.write_text("PRIVATE")
    (node.data / "ring" / "cam0" / "2024-05-31").symlink_to(outside)
    (node.data / "ring" / "camX").symlink_to(outside)
    (node.data / "thumbs").symlink_to(outside / "deep")
    key = node.config.parent / "keys" / "seal.key"
    key.unlink()
    key.symlink_to(secret)
    code, out, err = wipe(node)
    assert code == 74, err
    assert (outside / "deep" / "family.mp4").read_text() == "theirs"
    assert secret.read_text() == "PRIVATE"
    assert f"REMAINS: {key} was a link" in out
    assert not key.is_symlink()
    assert node.config.exists()
    assert not (node.data / "ring").exists()
    code, out, err = wipe(node)
    assert code == 0, out + err
    assert not node.config.exists()


def test_the_networks_of_a_desk_are_left(node: OnDisk, tmp_path: Path) -> None:
    root = tmp_path / "root"
    files = [root / "etc/NetworkManager/system-connections/a.nmconnection", root / "etc/wpa_supplicant/wpa_supplicant.conf"]
    for path in files:
        path.parent.mkdir(parents=True)
        path.write_text("psk=secret")
    code, out, _ = wipe(node, root=root)
    assert code == 0
    assert all(path.exists() for path in files)
    assert "the networks of this machine are left" in out


def test_journals_go_once_they_are_copied(node: OnDisk, tmp_path: Path) -> None:
    keep = tmp_path / "usb"
    code, out, err = wipe(node, "--keep-journals", keep, "--with-journals", "--json")
    assert code == 0, out + err
    assert json.loads(out)["remains"] == []
    assert list(node.data.iterdir()) == []
    assert len(erased(keep / "recorder.cam0")) == 4
    for name in ("local", "recorder.cam0"):
        (path,) = (keep / name).glob("*.jsonl")
        assert edge("journal", "check", path).code == 0


def test_killed_in_the_middle_it_goes_on_when_called_again(tmp_path: Path) -> None:
    assert wiped_in_spite_of_kills(tmp_path, segments=400) >= 1
