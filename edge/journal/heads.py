"""The newest record of every journal on the node, whoever writes it."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.line import chain_hash
from edge.journal.reader import JournalReader
from edge.messages.evidence import Head

log = logging.getLogger(__name__)


def read_heads(disk: Disk, journals: Path) -> list[Head]:
    """By name; of every journal below the folder `journals` that has a record. What is returned is on the disk for good: it may be signed
    and given away. Costs the end and the first line of one file each, and one fdatasync.

    A journal that cannot be read is left out and logged. Raises StorageError when the folder itself cannot be read."""
    try:
        names = sorted(entry.name for entry in disk.scan(journals) if entry.is_dir)
    except NotFound:
        return []
    found = (_head_of(disk, journals / name) for name in names)
    return [head for head in found if head is not None]


def _head_of(disk: Disk, folder: Path) -> Head | None:
    reader = JournalReader(disk, folder)
    try:
        line = reader.last(durable=True)
        epoch = reader.epoch()
    except StorageError as error:
        log.error("journal %s is in no checkpoint: %s", folder.name, error)
        return None
    if line is None or not epoch:
        return None
    return Head(journal=folder.name, epoch=epoch, seq=line.seq, sha256=chain_hash(line.raw))
