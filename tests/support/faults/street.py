"""A pole and its town in network namespaces of their own: the pole's uplink is a veth that can be cut, behind it a wire in user space.

pole  == veth ==  cabinet (routes)  == wire ==  town (broker, centre, subscriber)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

POLE, TOWN = "10.77.1.2", "10.77.2.2"
_CABINET, _CABINET_TOWN = "10.77.1.1", "10.77.2.1"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def missing() -> str:
    """Why there can be no street here; "" when there can."""
    if os.geteuid() != 0:
        return "needs root: network namespaces"
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "needs ip (iproute2) and unshare (util-linux)"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this system makes no network namespaces"


class Street:
    """Everything passes at first."""

    def __init__(self, names: tuple[str, str, str], wire: subprocess.Popen[str], hosts: Path) -> None:
        self._pole, self._cabinet, self._town = names
        self._wire = wire
        self.hosts = hosts
        """The pole's /etc/hosts; there is no name server."""

    @property
    def town(self) -> list[str]:
        """Prefix of a command that is to run in town."""
        return ["ip", "netns", "exec", self._town]

    @property
    def pole(self) -> list[str]:
        script = f'mount --bind "{self.hosts}" /etc/hosts && exec "$@"'
        return ["ip", "netns", "exec", self._pole, "sh", "-c", script, "sh"]

    def cut(self) -> None:
        """The veth's peer goes down: the pole's carrier is lost."""
        _ip("-n", self._cabinet, "link", "set", "lamp", "down")

    def mend(self) -> None:
        _ip("-n", self._cabinet, "link", "set", "lamp", "up")

    def wire(self, *, delay_s: float = 0.0, loss: float = 0.0, up: bool = True, down: bool = True) -> None:
        """From now on; up: from the pole to the town. In force when it returns."""
        assert self._wire.stdin is not None
        assert self._wire.stdout is not None
        self._wire.stdin.write(json.dumps({"delay_s": delay_s, "loss": loss, "up": up, "down": down}) + "\n")
        self._wire.stdin.flush()
        assert self._wire.stdout.readline() == "done\n"


@contextmanager
def street(folder: Path) -> Iterator[Street]:
    if missing():
        pytest.skip(missing())
    names = (f"pole-{os.getpid()}", f"cabinet-{os.getpid()}", f"town-{os.getpid()}")
    made: list[str] = []
    wire = None
    try:
        for name in names:
            _ip("netns", "add", name)
            made.append(name)
            _ip("-n", name, "link", "set", "lo", "up")
        words = (sys.executable, "-m", "tests.support.faults.wire_process", names[1], "wire", names[2], "wire")
        wire = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        assert wire.stdout is not None
        assert wire.stdout.readline() == "ready\n", "the wire did not start"
        _lay(*names)
        hosts = folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n")
        yield Street(names, wire, hosts)
    finally:
        if wire is not None:
            wire.communicate(timeout=10)
        for name in made:
            _ip("netns", "del", name)


def _lay(pole: str, cabinet: str, town: str) -> None:
    _ip("-n", pole, "link", "add", "uplink", "type", "veth", "peer", "name", "lamp", "netns", cabinet)
    ends = ((pole, "uplink", POLE), (cabinet, "lamp", _CABINET), (cabinet, "wire", _CABINET_TOWN), (town, "wire", TOWN))
    for name, device, address in ends:
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
        _ip("-n", name, "link", "set", device, "up")
    _ip("-n", pole, "route", "add", "default", "via", _CABINET)
    _ip("-n", town, "route", "add", "default", "dev", "wire")
    subprocess.run(["ip", "netns", "exec", cabinet, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
