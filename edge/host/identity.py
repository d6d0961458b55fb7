"""Who this machine is and which boot this is."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from edge.host.sysfs import read_text

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """The kernel's random id of this boot, e.g. "e0a6f7e2-4ec7-461a-bb68-5a5e563c7f0a"; constant until the next boot (random(4))."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def hostname() -> str:
    return os.uname().nodename


def serial(root: Path = Path("/")) -> str | None:
    """The board's serial number: device tree (Raspberry Pi, Jetson), else DMI; None where unknown or not readable by this user."""
    for name in ("proc/device-tree/serial-number", "sys/class/dmi/id/product_serial", "sys/class/dmi/id/board_serial"):
        text = read_text(root / name)
        if text and text.strip("0. ").lower() not in ("", "none", "not specified", "to be filled by o.e.m"):
            return text
    return None
