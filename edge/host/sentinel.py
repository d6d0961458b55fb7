"""Proof that the data partition is mounted, and is one that can do what the ring needs.

An unmounted data partition looks like an empty folder, and recording would fill the root file system: so the partition carries a file,
<data>/.edge-data, that names its node. Ring, holds and jobs pin footage by hard links, which never cross file systems.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edge.errors import ConfigError, NotFound, StorageError
from edge.host.disk import Disk

NAME = ".edge-data"
_ID_BYTES = 200


def write_sentinel(disk: Disk, data: Path, node: str) -> None:
    """Mark a data partition as this node's: done once, at commissioning. Raises ConfigError where it is another node's already."""
    try:
        check_sentinel(disk, data, node)
    except NotFound:
        disk.mkdir(data)
        disk.replace(data / NAME, f"{node}\n".encode())


def check_sentinel(disk: Disk, data: Path, node: str) -> None:
    """Raises NotFound (nothing marked is mounted there: worth another try) or ConfigError (the partition of another node)."""
    try:
        found = disk.read(data / NAME, 0, _ID_BYTES).decode("utf-8", "replace").strip()
    except NotFound as error:
        text = f"{data} is not the data partition: {NAME} is missing"
        raise NotFound(text, number=error.number, remedy="mount it, or mark a new one; nothing is recorded until then") from error
    if found != node:
        raise ConfigError(f"{data} belongs to node {found!r}, this is {node!r}", remedy="put the right card in, or commission this one")


def check_one_file_system(disk: Disk, data: Path) -> None:
    """Ring, holds, jobs and all camera rings that exist lie on one file system, and it has hard links. Raises ConfigError, StorageError."""
    home = disk.stat(data).device
    for folder in (data / "ring", data / "hold", data / "jobs", *_inside(disk, data / "ring")):
        try:
            device = disk.stat(folder).device
        except NotFound:
            continue
        if device != home:
            raise ConfigError(f"{folder} is on another file system than {data}", remedy="holds and jobs need hard links: keep them on one")
    _check_links(disk, data)


def _inside(disk: Disk, folder: Path) -> list[Path]:
    try:
        return [folder / entry.name for entry in disk.scan(folder)]
    except NotFound:
        return []


def _check_links(disk: Disk, data: Path) -> None:
    probe, second = (data / f".edge-{word}-{os.getpid()}" for word in ("probe", "link"))  # recorders start side by side
    _remove(disk, probe, second)
    disk.create(probe).close()
    try:
        disk.link(probe, second)
    except StorageError as refused:
        if refused.number not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        raise ConfigError(f"{data}: its file system has no hard links ({refused})", remedy="use ext4, f2fs, xfs or btrfs") from refused
    finally:
        _remove(disk, probe, second)


def _remove(disk: Disk, *paths: Path) -> None:
    for path in paths:
        try:
            disk.unlink(path)
        except NotFound:
            continue
