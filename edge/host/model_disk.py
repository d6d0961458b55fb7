"""A disk in memory that keeps LinuxDisk's contract and can fail at any operation or lose its power.

State is kept twice, as processes see it and as it would be found after a power cut: data becomes durable by fdatasync of the file,
names by fsync of the folder. Every call of the port is one or more numbered operations; a `Fault` strikes at a chosen number, once or
for ever. What was not synced at a power cut survives in part, in full or not at all, by seed; a rename is never torn.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import RLock
from typing import Literal

from edge.errors import StorageError
from edge.host.disk import Buffer, Entry, Space, Stat
from edge.host.model_inode import Inode
from edge.host.model_tree import ModelTree, failure

_ALLOCATING = frozenset({"create", "write", "reserve", "mkdir", "rename", "link", "sync"})
_INODES = 1_000_000


class PowerLost(BaseException):
    """The power went at this operation. Nothing of the product may catch it; every later operation meets it again."""


@dataclass(frozen=True)
class Fault:
    """Strikes at operation number `at` of the disk's counter, or, `forever`, from there on.

    ENOSPC: whatever allocates. EIO: everything. short: a write puts down half of its bytes, then ENOSPC. power: PowerLost.
    """

    at: int
    kind: Literal["ENOSPC", "EIO", "short", "power"] = "EIO"
    forever: bool = False

    def hits(self, number: int, word: str) -> bool:
        if self.kind == "power":
            return number >= self.at
        if number != self.at and not (self.forever and number > self.at):
            return False
        if self.kind == "short":
            return word == "write"
        return self.kind == "EIO" or word in _ALLOCATING


class ModelFile:
    """An open file of the model; writes go to its end."""

    def __init__(self, disk: ModelDisk, path: Path, inode: Inode) -> None:
        self._disk = disk
        self._path = path
        self._inode = inode
        self._open = True
        self._failed_syncs = inode.failed_syncs
        inode.opened += 1

    def write(self, *buffers: Buffer) -> None:
        self._disk.write_to(self._path, self._usable(), b"".join(buffers))

    def fdatasync(self) -> None:
        """Each open file is told once of a sync that failed since, whoever asked for it (errseq_t of Linux)."""
        inode, known = self._usable(), self._failed_syncs
        try:
            self._disk.sync_inode(self._path, inode)
            if inode.failed_syncs != known:
                raise failure("fdatasync", self._path, errno.EIO)
        finally:
            self._failed_syncs = inode.failed_syncs

    def fsync(self) -> None:
        self.fdatasync()

    def truncate(self, size: int) -> None:
        self._disk.cut(self._path, self._usable(), size)

    def reserve(self, size: int) -> None:
        self._disk.reserve(self._path, self._usable(), size)

    def size(self) -> int:
        return len(self._usable().data)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._disk.closed(self._inode)

    def _usable(self) -> Inode:
        if not self._open:
            raise failure("use", self._path, errno.EBADF)
        return self._inode


class ModelDisk:
    """`operations` counts what was attempted, `struck` how often the fault hit; `trail` names the operations in order."""

    def __init__(self, total_bytes: int = 1 << 40) -> None:
        self.total_bytes = total_bytes
        self.operations = 0
        self.struck = 0
        self.trail: list[str] = []
        self.fault: Fault | None = None
        self._lock = RLock()
        self._tree = ModelTree()

    def create(self, path: Path) -> ModelFile:
        with self._operation("create", path):
            return ModelFile(self, path, self._tree.make(path, is_dir=False))

    def append(self, path: Path) -> ModelFile:
        with self._operation("open", path):
            return ModelFile(self, path, self._file(path, "open"))

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        with self._operation("read", path):
            data = self._file(path, "read").data
            return bytes(memoryview(data)[offset : None if length is None else offset + length])

    def scan(self, path: Path) -> list[Entry]:
        with self._operation("list", path):
            entries = self._tree.folder(path, "list").entries
            return [Entry(name, self._tree.inodes[number].is_dir) for name, number in entries.items()]

    def stat(self, path: Path) -> Stat:
        with self._operation("stat", path):
            inode = self._tree.find(path, "stat")
            return Stat(len(inode.data), inode.names, inode.number, 1, inode.mtime_ns, inode.is_dir)

    def mkdir(self, path: Path) -> None:
        with self._lock:
            missing: list[Path] = []
            while (found := self._tree.look(path)) is None:
                missing.append(path)
                path = path.parent
            if not found.is_dir:
                raise failure("create folder", path, errno.EEXIST)
            for folder in reversed(missing):
                self._make_folder(folder)

    def rename(self, old: Path, new: Path) -> None:
        with self._operation("rename", old):
            self._tree.find(old, "rename")
            if self._tree.look(new) is not None:
                raise failure("rename", old, errno.EEXIST)
            self._tree.move(old, new)

    def link(self, old: Path, new: Path) -> None:
        with self._operation("link", old):
            inode = self._tree.find(old, "link")
            if inode.is_dir:
                raise failure("link", old, errno.EPERM)
            self._tree.link(inode, new)

    def unlink(self, path: Path) -> None:
        with self._operation("unlink", path):
            self._file(path, "unlink")
            self._tree.drop(path, "unlink")

    def rmdir(self, path: Path) -> None:
        with self._operation("rmdir", path):
            if self._tree.folder(path, "remove folder").entries:
                raise failure("remove folder", path, errno.ENOTEMPTY)
            self._tree.drop(path, "remove folder")

    def sync(self, path: Path) -> None:
        with self._lock:
            self.sync_inode(path, self._file(path, "fdatasync"))

    def sync_dir(self, path: Path) -> None:
        with self._operation("sync", path):
            self._tree.sync(self._tree.folder(path, "fsync folder"))

    def replace(self, path: Path, data: bytes) -> None:
        fresh = path.with_name(f".{path.name}.new")
        with self._lock:
            with self._operation("create", fresh):
                inode = self._tree.look(fresh) or self._tree.make(fresh, is_dir=False)
            self.cut(fresh, inode, 0)
            self.write_to(fresh, inode, data)
            self.sync_inode(fresh, inode)
            with self._operation("rename", fresh):
                self._tree.move(fresh, path)
            self.sync_dir(path.parent)

    def space(self, path: Path) -> Space:
        with self._operation("space", path):
            self._tree.find(path, "statvfs")
            return Space(self.total_bytes, self._free_bytes(), _INODES - len(self._tree.inodes))

    def power_cut(self, seed: int) -> ModelDisk:
        """A new disk with what is found when the power comes back: no fault, the counter at 0. The same seed finds the same."""
        with self._lock:
            found = ModelDisk(self.total_bytes)
            found._tree = self._tree.after_power_cut(Random(seed))
            return found

    # for ModelFile

    def write_to(self, path: Path, inode: Inode, data: bytes) -> None:
        with self._lock:
            fault = self.fault
            if fault is not None and fault.kind == "short" and fault.hits(self.operations + 1, "write"):
                self._extend(inode, data[: len(data) // 2])
            with self._operation("write", path):
                room = self._free_bytes() + inode.allocated() - len(inode.data)
                self._extend(inode, data[:room])
                if room < len(data):
                    raise failure("write", path, errno.ENOSPC)

    def sync_inode(self, path: Path, inode: Inode) -> None:
        with self._lock:
            try:
                with self._operation("sync", path):
                    inode.sync()
            except StorageError:
                inode.sync_failed()
                raise

    def cut(self, path: Path, inode: Inode, size: int) -> None:
        with self._operation("truncate", path):
            before = inode.allocated()
            inode.cut(size)
            self._tree.resize(inode, before)

    def reserve(self, path: Path, inode: Inode, size: int) -> None:
        with self._operation("reserve", path):
            before = inode.allocated()
            if size - before > self._free_bytes():
                raise failure("reserve", path, errno.ENOSPC)
            inode.reserved = max(inode.reserved, size)
            self._tree.resize(inode, before)

    def closed(self, inode: Inode) -> None:
        with self._lock:
            self._tree.closed(inode)

    def _extend(self, inode: Inode, data: bytes) -> None:
        before = inode.allocated()
        inode.extend(data)
        self._tree.resize(inode, before)

    def _make_folder(self, folder: Path) -> None:
        with self._operation("mkdir", folder):
            self._tree.make(folder, is_dir=True)
        try:
            self.sync_dir(folder.parent)
        except StorageError:
            self._tree.drop(folder, "mkdir")
            raise

    def _file(self, path: Path, word: str) -> Inode:
        inode = self._tree.find(path, word)
        if inode.is_dir:
            raise failure(word, path, errno.EISDIR)
        return inode

    def _free_bytes(self) -> int:
        return max(self.total_bytes - self._tree.used_bytes, 0)

    @contextmanager
    def _operation(self, word: str, path: Path) -> Iterator[None]:
        with self._lock:
            self.operations += 1
            self.trail.append(f"{word} {path}")
            if self.fault is not None and self.fault.hits(self.operations, word):
                self.struck += 1
                if self.fault.kind == "power":
                    raise PowerLost(f"{word} {path}")
                raise failure(word, path, errno.EIO if self.fault.kind == "EIO" else errno.ENOSPC)
            yield
