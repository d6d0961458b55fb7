"""The data partition: space, writability, wear of the card or eMMC below it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge.host.sysfs import entries, read_int, read_text


@dataclass(frozen=True, slots=True)
class Partition:
    """free_bytes: for an unprivileged writer."""

    total_bytes: int
    free_bytes: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Wear:
    """used_percent: upper end of the eMMC's own estimate, in steps of 10. near_end: its reserve blocks are 80 % used."""

    device: str
    used_percent: int | None
    near_end: bool | None


def partition(path: Path) -> Partition | None:
    """None where the folder is missing or the file system does not answer."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return Partition(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, bool(found.f_flag & os.ST_RDONLY))


def wear(root: Path = Path("/")) -> list[Wear]:
    """Of every MMC device that tells (JEDEC eMMC 5.0 EXT_CSD: life_time, pre_eol_info); SD cards do not."""
    found = []
    for device in entries(root / "sys/block", "mmcblk*"):
        words = (read_text(device / "device/life_time") or "").split()
        grades = [grade for grade in (_grade(word) for word in words) if grade is not None]
        end = read_int(device / "device/pre_eol_info")
        if grades or end:
            found.append(Wear(device.name, max(grades) if grades else None, None if not end else end >= 2))
    return found


def _grade(word: str) -> int | None:
    """0x01 -> 10 percent ... 0x0A -> 100, 0x0B -> 110 (beyond its rated life); 0x00 is not defined."""
    try:
        value = int(word, 16)
    except ValueError:
        return None
    return value * 10 if 1 <= value <= 11 else None
