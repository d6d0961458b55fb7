"""Has a journal grown? Cheap enough to ask several times a second: one listing and one stat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.errors import NotFound
from edge.host.disk import Disk


def growth_of(disk: Disk, folder: Path) -> Callable[[], tuple[str, int]]:
    """A function that returns the newest file's name and size; ("", 0) while there is none. It raises StorageError."""

    def look() -> tuple[str, int]:
        try:
            newest = max((entry.name for entry in disk.scan(folder) if entry.name.endswith(".jsonl")), default="")
            return (newest, disk.stat(folder / newest).size) if newest else ("", 0)
        except NotFound:
            return ("", 0)

    return look
