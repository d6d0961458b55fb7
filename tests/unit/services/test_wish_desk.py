"""What a supervisor grants, whatever is asked of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edge.host.supervision import announce, leave_wish, supervisor_of
from edge.messages.supervision import Supervisor, Wish
from edge.services.wish_desk import RESTART_GAP_S, RESTARTS_PER_HOUR, WishDesk

BOOT = "this-boot"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "_supervisor"


def desk_of(folder: Path, reboot: str = "") -> WishDesk:
    desk = WishDesk(folder, BOOT, ["recorder:cam0", "watcher"], reboot)
    desk.open()
    return desk


def ask(folder: Path, *units: str) -> None:
    for number, unit in enumerate(units):
        leave_wish(folder, Wish(id=f"w{number}", unit=unit))


def test_a_wish_is_granted_once_and_not_again_within_a_minute(folder: Path) -> None:
    desk = desk_of(folder)
    ask(folder, "recorder:cam0")
    assert desk.look(100.0) == ["recorder:cam0"]
    assert desk.look(100.1) == []
    ask(folder, "recorder:cam0", "watcher")
    assert desk.look(100.0 + RESTART_GAP_S - 1) == ["watcher"]
    ask(folder, "recorder:cam0")
    assert desk.look(100.0 + RESTART_GAP_S) == ["recorder:cam0"]


def test_no_stream_of_wishes_gets_more_than_the_hours_share(folder: Path) -> None:
    desk, granted = desk_of(folder), 0
    for minute in range(60):
        ask(folder, "recorder:cam0", "watcher")
        granted += len(desk.look(minute * 60.0))
    assert granted == RESTARTS_PER_HOUR
    ask(folder, "watcher")
    assert desk.look(3600.0) == ["watcher"]


def test_what_is_no_unit_here_and_what_does_not_read_is_passed_over(folder: Path) -> None:
    desk = desk_of(folder)
    ask(folder, "node", "recorder:cam9", "watcher")
    (folder / "wish-bad").write_bytes(b"\xff{")
    assert desk.look(0.0) == ["watcher"]
    assert list(folder.glob("wish-*")) == []


def test_a_supervisor_is_known_while_it_lives_and_in_its_boot_alone(folder: Path) -> None:
    assert supervisor_of(folder, BOOT) is None
    folder.mkdir()
    ask(folder, "watcher")
    desk = desk_of(folder, reboot="/sbin/reboot")
    assert desk.look(0.0) == [], "wishes of earlier are forgotten"
    found = supervisor_of(folder, BOOT)
    assert found is not None
    assert (found.pid, found.serves) == (os.getpid(), ["recorder:cam0", "watcher", "node"])
    assert supervisor_of(folder, "another boot") is None
    desk.close()
    assert supervisor_of(folder, BOOT) is None


def test_a_supervisor_that_died_grants_nothing(folder: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    announce(folder, Supervisor(pid=ended.pid, boot=BOOT, serves=["watcher"]))
    assert supervisor_of(folder, BOOT) is None


def test_a_folder_that_cannot_be_made_costs_nothing_but_restarts_from_afar(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    desk = desk_of(tmp_path / "file" / "_supervisor")
    assert desk.look(0.0) == []
    desk.close()
