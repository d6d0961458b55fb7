"""How much of the data partition open jobs may keep, so that pinned footage makes room for what is being recorded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk, Stat
from edge.upload.job_folder import exists, load
from edge.upload.terms import Terms

_LOG = logging.getLogger(__name__)
QUOTA_PERCENT = 25.0
"""Of the data partition, most that open jobs may keep: pinned footage cannot make room for what is being recorded."""


def check_quota(disk: Disk, root: Path, jobs: Sequence[Path], pins: Sequence[Path], expects_bytes: int) -> None:
    """root: the jobs folder. jobs: folders of open jobs. pins: what one more would link to. expects_bytes: what that one will keep in all
    when its footage is recorded. Raises Refused("clip_quota"), NotFound for a pin that is not there."""
    kept: dict[int, int] = {}
    promised = 0
    for folder in jobs:
        if not exists(disk, folder / "links"):
            continue
        links = {found.inode: found.size for found in _links(disk, folder)}
        kept |= links
        promised += max(0, _expected(disk, folder) - sum(links.values()))
    wanted = {found.inode: found.size for found in (disk.stat(pin) for pin in pins)}
    total = int(disk.space(root).total_bytes * QUOTA_PERCENT / 100)
    to_come = max(0, expects_bytes - sum(wanted.values()))
    used = sum((kept | wanted).values()) + promised + to_come
    if (wanted.keys() - kept.keys() or to_come) and used > total:
        text = f"clips waiting for delivery would keep {used} bytes from being erased, at most {total}"
        raise Refused("clip_quota", text, remedy="ask for less, or again when others are delivered")


def links_bytes(disk: Disk, folder: Path) -> int:
    """What a job keeps."""
    return sum(found.size for found in _links(disk, folder))


def _links(disk: Disk, folder: Path) -> Iterator[Stat]:
    links = folder / "links"
    try:
        for entry in disk.scan(links):
            yield disk.stat(links / entry.name)
    except NotFound:
        return
    except StorageError as error:
        _LOG.error("job %s: what it keeps is not counted: %s", folder.name, error)


def _expected(disk: Disk, folder: Path) -> int:
    """Of a job whose footage is still to come; 0 for others."""
    try:
        if exists(disk, folder / "plan.json"):
            return 0
        return load(disk, folder / "terms.json", Terms).expects_bytes
    except (StorageError, IntegrityError):
        return 0
