"""What board this is."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from edge.host.sysfs import first_number, read_text


@dataclass(frozen=True, slots=True)
class Board:
    """memory_bytes: of the whole machine. cores: that this process may use."""

    model: str | None
    machine: str
    kernel: str
    cores: int
    memory_bytes: int | None


def board(root: Path = Path("/")) -> Board:
    model = read_text(root / "proc/device-tree/model") or read_text(root / "sys/class/dmi/id/product_name") or None
    return Board(model, platform.machine(), platform.release(), len(os.sched_getaffinity(0)), memory_bytes(root).get("MemTotal"))


def memory_bytes(root: Path = Path("/")) -> dict[str, int]:
    """/proc/meminfo in bytes: MemTotal, MemAvailable, CmaFree ...; only what the kernel tells."""
    found = {}
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdecimal():
            found[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return found


def uptime_s(root: Path = Path("/")) -> float | None:
    return first_number(root / "proc/uptime")


def load_1min(root: Path = Path("/")) -> float | None:
    return first_number(root / "proc/loadavg")
