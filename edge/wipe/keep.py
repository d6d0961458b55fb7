"""A copy of the journals, elsewhere, before they go: the proof of what was recorded, held and destroyed outlives the node."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.wipe.remove import Removed


def copy_journals(disk: Disk, source: Path, target: Path) -> Removed:
    """Every file of every journal, read back and compared. files, bytes: that are in the copy now. What is there already is never lost: a
    file that goes on is written anew, another one of the same name gets a name of its own."""
    done = Removed()
    try:
        journals = [entry.name for entry in disk.scan(source) if entry.is_dir]
        disk.mkdir(target)
    except NotFound:
        return done
    except StorageError as refused:
        done.failed(f"the journals are not copied: {refused}")
        return done
    for journal in sorted(journals):
        try:
            _copy(disk, source / journal, target / journal, done)
        except StorageError as refused:
            done.failed(f"journal {journal} is not copied: {refused}")
    return done


def _copy(disk: Disk, source: Path, target: Path, done: Removed) -> None:
    disk.mkdir(target)
    for entry in sorted(disk.scan(source), key=lambda each: each.name):
        if entry.is_dir or entry.is_link:
            continue
        data = disk.read(source / entry.name)
        path = _place(disk, target / entry.name, data)
        disk.replace(path, data)
        if disk.read(path) != data:
            raise StorageError(f"{path} does not read as it was written")
        done.files += 1
        done.bytes += len(data)


def _place(disk: Disk, path: Path, data: bytes) -> Path:
    try:
        present = disk.read(path)
    except NotFound:
        return path
    if data.startswith(present):
        return path
    return path.with_name(f"{path.stem}.{sha256(data).hexdigest()[:8]}{path.suffix}")
