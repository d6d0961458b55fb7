"""Has a journal grown? Cheap enough to ask twenty times a second: two stats while no file comes or goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.errors import NotFound
from edge.host.disk import Disk

_SURE_LOOKS = 3
"""Listings after which a folder whose time did not change is believed to be the same: the kernel's file times have ticks of up to 10 ms, in
which two files may come."""


def growth_of(disk: Disk, folder: Path) -> Callable[[], tuple[str, int]]:
    """A function that returns the newest file's name and size; ("", 0) while there is none. It raises StorageError."""
    newest, changed_ns, looks = "", -1, 0

    def look() -> tuple[str, int]:
        nonlocal newest, changed_ns, looks
        try:
            now_ns = disk.stat(folder).mtime_ns
            if now_ns != changed_ns or looks < _SURE_LOOKS:
                looks = 1 if now_ns != changed_ns else looks + 1
                changed_ns = now_ns
                newest = max((entry.name for entry in disk.scan(folder) if entry.name.endswith(".jsonl")), default="")
            return (newest, disk.stat(folder / newest).size) if newest else ("", 0)
        except NotFound:
            looks = 0
            return ("", 0)

    return look
