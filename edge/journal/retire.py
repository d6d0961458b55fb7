"""Journals outlive footage, but not for ever: whole old files go, never a part of one."""

from __future__ import annotations

from pathlib import Path

from edge.host.disk import Disk
from edge.journal.line import EPOCH_FILE, file_name, first_seqs, parse_line, read_epoch, whole_lines


def retire(disk: Disk, folder: Path, before_utc: str) -> list[str]:
    """Remove files from the oldest on while every dated record in them is older than `before_utc`. The newest always stays.

    The epoch is written down before the first line goes. Raises StorageError; what was removed stays removed, in order.
    """
    removed: list[str] = []
    files = first_seqs(disk, folder)
    for first_seq in files[:-1]:
        if not _all_older(disk.read(folder / file_name(first_seq)), before_utc):
            break
        if first_seq == files[0] == 1:
            disk.replace(folder / EPOCH_FILE, read_epoch(disk, folder, files).encode())
        disk.unlink(folder / file_name(first_seq))
        disk.sync_dir(folder)
        removed.append(file_name(first_seq))
    return removed


def _all_older(data: bytes, before_utc: str) -> bool:
    """A record whose own clock was not trusted cannot keep a file for ever; a file without any dated record is kept."""
    dated = [line.record.t for line in map(parse_line, whole_lines(data)) if line is not None and line.record.clock != "untrusted"]
    return bool(dated) and max(dated) < before_utc
