"""Files that commands make for people."""

from __future__ import annotations

import errno
from pathlib import Path

from edge.errors import StorageError, UsageError
from edge.host.linux_disk import LinuxDisk


def write_new(path: Path, data: bytes) -> None:
    """Durable; never over a file that is there. Raises UsageError, StorageError."""
    try:
        file = LinuxDisk().create(path.absolute())
    except StorageError as refused:
        if refused.number == errno.EEXIST:
            raise UsageError(f"{path} exists already", remedy="name another file") from refused
        raise
    try:
        file.write(data)
        file.fsync()
    finally:
        file.close()
