"""How much of the receiver's disk one node has taken: what was delivered, and what it announced and has not finished."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge.errors import NotFound
from edge.host.disk import Disk


def taken_bytes(disk: Disk, place: Path, announced: Iterable[int]) -> int:
    """place: the node's folder, one folder of files in it for each job. announced: sizes of its open uploads. Raises StorageError."""
    return sum(announced) + sum(_size(disk, job) for job in _folders(disk, place))


def _folders(disk: Disk, place: Path) -> list[Path]:
    try:
        return [place / entry.name for entry in disk.scan(place) if entry.is_dir]
    except NotFound:
        return []


def _size(disk: Disk, job: Path) -> int:
    """Files that are moved away meanwhile count nothing."""
    total = 0
    for entry in disk.scan(job):
        try:
            total += 0 if entry.is_dir else disk.stat(job / entry.name).size
        except NotFound:
            continue
    return total
