"""sd_notify: one datagram, or nothing at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.host import identity, systemd


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        name = str(tmp_path / "notify") if request.param == "path" else f"@edge-test-notify-{os.getpid()}"
        receiver.bind("\0" + name[1:] if name.startswith("@") else name)
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield receiver


def test_each_word_arrives_as_one_datagram(manager: socket.socket) -> None:
    assert systemd.ready("recording cam0")
    assert manager.recv(1000) == b"READY=1\nSTATUS=recording cam0"
    assert systemd.watchdog()
    assert manager.recv(1000) == b"WATCHDOG=1"
    assert systemd.status("two\nlines")
    assert manager.recv(1000) == b"STATUS=two lines"
    assert systemd.stopping()
    assert manager.recv(1000) == b"STOPPING=1"


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.ready()


def test_a_service_manager_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not systemd.watchdog()


@pytest.mark.parametrize(
    ("limit", "owner", "expected"),
    [("10000000", None, 5.0), ("10000000", "1", None), ("0", None, None), ("x", None, None), (None, None, None)],
)
def test_the_watchdog_is_fed_at_half_its_limit_by_its_owner_only(
    monkeypatch: pytest.MonkeyPatch, limit: str | None, owner: str | None, expected: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", limit), ("WATCHDOG_PID", owner)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval_s() == expected


def test_the_boot_id_is_the_kernels() -> None:
    assert identity.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert len(identity.boot_id()) == 36


def test_a_serial_number_of_zeros_is_no_serial_number(tmp_path: Path) -> None:
    file = tmp_path / "proc/device-tree/serial-number"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"0000000000000000\0")
    assert identity.serial(tmp_path) is None
    file.write_bytes(b"10000000abcd1234\0")
    assert identity.serial(tmp_path) == "10000000abcd1234"
