"""The last good copy: node.toml.last-good beside node.toml. A broken new file never stops recording."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edge.config.read import Loaded, last_good_path


class SmallFileWriter(Protocol):
    """The part of the disk port that is needed here."""

    def replace(self, path: Path, data: bytes) -> None: ...


def keep_last_good(loaded: Loaded, disk: SmallFileWriter) -> bool:
    """Keep the bytes in force as the last good copy. Returns whether anything was written.

    Nothing is written while the last good copy itself is in force. Raises StorageError (read-only folder, full disk): tell, and go on.
    """
    if loaded.fault is not None:
        return False
    path = last_good_path(loaded.path)
    if path.is_file() and path.stat().st_size == len(loaded.data) and path.read_bytes() == loaded.data:
        return False
    disk.replace(path, loaded.data)
    return True
