"""Files that hold a secret: made once, never overwritten, never readable by others, on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import StorageError, UsageError
from edge.host.linux_disk import LinuxDisk

SECRET_MODE = 0o600


def write_secret(path: Path, data: bytes) -> None:
    """Raises UsageError where the file exists, StorageError. Its folder must exist."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SECRET_MODE)
        with os.fdopen(number, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError(f"{path} exists already", remedy="nothing is overwritten: name another file, or move it away yourself") from None
    except OSError as error:
        raise StorageError(f"{path}: it cannot be written: {error.strerror}", number=error.errno or 0) from error
    disk = LinuxDisk()
    disk.sync(path)
    disk.sync_dir(path.parent)
