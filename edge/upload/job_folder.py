"""What every file and folder of a job is handled with."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import IntegrityError, NotFound
from edge.host.disk import Disk

_T = TypeVar("_T")


def load(disk: Disk, path: Path, shape: type[_T]) -> _T:
    """Raises NotFound, StorageError, IntegrityError."""
    try:
        return msgspec.json.decode(disk.read(path), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{path} is damaged: {error}") from error


def exists(disk: Disk, path: Path) -> bool:
    try:
        disk.stat(path)
    except NotFound:
        return False
    return True


def clear(disk: Disk, folder: Path) -> None:
    """Removes a folder of ours, its progress.json first so that a job cut half-way is no job. A missing folder is fine."""
    try:
        entries = disk.scan(folder)
    except NotFound:
        return
    for entry in sorted(entries, key=lambda item: item.name != "progress.json"):
        if entry.is_dir:
            clear(disk, folder / entry.name)
        else:
            disk.unlink(folder / entry.name)
            if entry.name == "progress.json":
                disk.sync_dir(folder)
    disk.rmdir(folder)
    disk.sync_dir(folder.parent)
