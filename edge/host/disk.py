"""The disk port: every durable change on the node goes through it, so that tests can fail or cut the power at each step.

Two adapters keep the same contract (tests/contract/test_disks.py): `linux_disk.LinuxDisk` and `model_disk.ModelDisk`. All calls may be
made from any thread; a File belongs to one thread. OSError is translated here and only here: NotFound for a missing name,
StorageError otherwise (its `number` is the errno).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.errors import StorageError

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Stat:
    size: int
    nlink: int
    inode: int
    device: int
    mtime_ns: int
    is_dir: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """is_dir: a folder itself, not a link to one. is_link: a symbolic link."""

    name: str
    is_dir: bool
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """free_bytes: what an unprivileged writer may still use."""

    total_bytes: int
    free_bytes: int
    free_inodes: int


class File(Protocol):
    """Open for writing at its end."""

    def write(self, *buffers: Buffer) -> None:
        """All bytes or StorageError (ENOSPC, EIO, a short write that does not finish); after an error the tail is undefined."""

    def fdatasync(self) -> None: ...

    def fsync(self) -> None: ...

    def truncate(self, size: int) -> None: ...

    def reserve(self, size: int) -> None:
        """fallocate(FALLOC_FL_KEEP_SIZE) up to `size` bytes from the start; a file system that cannot is no error."""

    def size(self) -> int: ...

    def close(self) -> None: ...


class Disk(Protocol):
    def create(self, path: Path) -> File:
        """O_CREAT | O_EXCL: an existing name is StorageError(EEXIST)."""

    def append(self, path: Path) -> File:
        """Existing file, positioned at its end."""

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        """Fewer bytes at the end of the file; length None: to the end."""

    def scan(self, path: Path) -> list[Entry]:
        """One scandir; order undefined; NotFound when the folder is missing."""

    def stat(self, path: Path) -> Stat: ...

    def mkdir(self, path: Path) -> None:
        """With parents; existing is fine; made durable (each new parent's folder is synced)."""

    def rename(self, old: Path, new: Path) -> None:
        """Within the file system; never overwrites (RENAME_NOREPLACE; EEXIST)."""

    def link(self, old: Path, new: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def rmdir(self, path: Path) -> None: ...

    def sync(self, path: Path) -> None:
        """fdatasync of an existing file by whoever may read it: what a reader passes on must survive a power cut."""

    def sync_dir(self, path: Path) -> None: ...

    def replace(self, path: Path, data: bytes) -> None:
        """Small state files: temporary name, write, fsync, rename over, fsync of the folder. Readers see old or new, whole."""

    def space(self, path: Path) -> Space: ...


def read_exactly(disk: Disk, path: Path, offset: int, length: int) -> bytes:
    """Raises StorageError when the file is shorter."""
    data = disk.read(path, offset, length)
    if len(data) != length:
        raise StorageError(f"{path}: {len(data)} of {length} bytes at {offset}: the file is shorter than expected")
    return data
