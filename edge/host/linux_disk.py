"""The disk port on a Linux file system: the one place that opens, syncs and renames footage, journals and state.

Durability follows fsync(2): data with fdatasync of the file, names with fsync of the folder. Rename without overwriting is
renameat2(2) with RENAME_NOREPLACE, reserving is fallocate(2) with FALLOC_FL_KEEP_SIZE; Python's os has neither, so ctypes. A system
call that took longer than a second is logged: a tired card shows here first.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.errors import NotFound, StorageError
from edge.host.disk import Buffer, Entry, Space, Stat

_log = logging.getLogger(__name__)

_SLOW_S = 1.0
_BUFFERS_PER_WRITE = 1024  # UIO_MAXIOV: writev(2) refuses more
_READ_BYTES = 1 << 20
_STAT_BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's block is
_UNCOUNTED_INODES = 1 << 40  # btrfs makes them as they are needed and says 0 of 0
_FILE_MODE = 0o640
_FOLDER_MODE = 0o750
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_FALLOC_FL_KEEP_SIZE = 1
_NO_SUCH_FEATURE = (errno.EOPNOTSUPP, errno.ENOSYS)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


@contextmanager
def _system_call(word: str, path: Path) -> Iterator[None]:
    """OSError -> NotFound | StorageError, in the operator's words; slow calls say so."""
    began_s = time.monotonic()
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{word} {path}: not there", number=errno.ENOENT) from error
    except OSError as error:
        number = error.errno or 0
        raise StorageError(f"{word} {path}: {os.strerror(number)}", number=number, remedy=_remedy(number)) from error
    finally:
        took_s = time.monotonic() - began_s
        if took_s > _SLOW_S:
            _log.warning("%s %s took %.1f s", word, path, took_s)


def _remedy(number: int) -> str:
    if number == errno.ENOSPC:
        return "the data partition is full: look for files that are not the recorder's"
    if number in (errno.EIO, errno.EROFS):
        return "the card or disk may be dying: look at the kernel log, replace it"
    return ""


def _open(path: Path, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, _FILE_MODE)


def _write_all(fd: int, buffers: Sequence[Buffer]) -> None:
    """writev until every byte is written; the kernel may take fewer bytes than offered, never none without an error."""
    waiting = [memoryview(buffer).cast("B") for buffer in buffers if len(buffer)]
    first = 0
    while first < len(waiting):
        wrote = os.writev(fd, waiting[first : first + _BUFFERS_PER_WRITE])
        if wrote == 0:
            raise OSError(errno.EIO, "a write of no bytes")
        while first < len(waiting) and wrote >= len(waiting[first]):
            wrote -= len(waiting[first])
            first += 1
        if wrote:
            waiting[first] = waiting[first][wrote:]


def _reserve(fd: int, size: int) -> None:
    """Asks first and gives back after: fallocate(2) fills the disk to the brim before it reports ENOSPC, and keeps what it took."""
    found, room = os.fstat(fd), os.fstatvfs(fd)
    if size <= found.st_size:
        return
    if size - found.st_blocks * _STAT_BLOCK_BYTES > room.f_bavail * room.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if _libc.fallocate(fd, _FALLOC_FL_KEEP_SIZE, 0, size) != 0:
        number = ctypes.get_errno()
        os.ftruncate(fd, found.st_size)
        if number not in _NO_SUCH_FEATURE:
            raise OSError(number, os.strerror(number))


def _sync_folder(path: Path) -> None:
    fd = _open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class LinuxFile:
    """An open file; writes go to its end (O_APPEND). Belongs to one thread."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    def write(self, *buffers: Buffer) -> None:
        with _system_call("write", self._path):
            _write_all(self._fd, buffers)

    def fdatasync(self) -> None:
        with _system_call("fdatasync", self._path):
            os.fdatasync(self._fd)

    def fsync(self) -> None:
        with _system_call("fsync", self._path):
            os.fsync(self._fd)

    def truncate(self, size: int) -> None:
        with _system_call("truncate", self._path):
            os.ftruncate(self._fd, size)

    def reserve(self, size: int) -> None:
        with _system_call("reserve", self._path):
            _reserve(self._fd, size)

    def size(self) -> int:
        with _system_call("stat", self._path):
            return os.fstat(self._fd).st_size

    def close(self) -> None:
        """A second close is no error."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with _system_call("close", self._path):
                os.close(fd)


class LinuxDisk:
    """Stateless: any thread, any number of instances."""

    def create(self, path: Path) -> LinuxFile:
        with _system_call("create", path):
            return LinuxFile(path, _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND))

    def append(self, path: Path) -> LinuxFile:
        with _system_call("open", path):
            return LinuxFile(path, _open(path, os.O_WRONLY | os.O_APPEND))

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        with _system_call("read", path):
            fd = _open(path, os.O_RDONLY)
            try:
                return _read(fd, offset, length)
            finally:
                os.close(fd)

    def scan(self, path: Path) -> list[Entry]:
        with _system_call("list", path), os.scandir(path) as entries:
            return [Entry(entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries]

    def stat(self, path: Path) -> Stat:
        with _system_call("stat", path):
            found = os.stat(path)
        is_dir = (found.st_mode & 0o170000) == 0o040000
        return Stat(found.st_size, found.st_nlink, found.st_ino, found.st_dev, found.st_mtime_ns, is_dir)

    def mkdir(self, path: Path) -> None:
        with _system_call("create folder", path):
            missing: list[Path] = []
            while not path.is_dir():
                missing.append(path)
                path = path.parent
            for folder in reversed(missing):
                _make_folder(folder)

    def rename(self, old: Path, new: Path) -> None:
        with _system_call("rename", old):
            if _libc.renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))

    def link(self, old: Path, new: Path) -> None:
        with _system_call("link", old):
            os.link(old, new, follow_symlinks=False)

    def unlink(self, path: Path) -> None:
        with _system_call("unlink", path):
            os.unlink(path)

    def rmdir(self, path: Path) -> None:
        with _system_call("remove folder", path):
            os.rmdir(path)

    def sync(self, path: Path) -> None:
        with _system_call("fdatasync", path):
            fd = _open(path, os.O_RDONLY)
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)

    def sync_dir(self, path: Path) -> None:
        with _system_call("fsync folder", path):
            _sync_folder(path)

    def replace(self, path: Path, data: bytes) -> None:
        fresh = path.with_name(f".{path.name}.new")
        with _system_call("replace", path):
            fd = _open_alone(fresh)
            try:
                os.ftruncate(fd, 0)
                _write_all(fd, [data])
                os.fsync(fd)
                os.rename(fresh, path)
            finally:
                os.close(fd)
            _sync_folder(path.parent)

    def space(self, path: Path) -> Space:
        with _system_call("statvfs", path):
            found = os.statvfs(path)
        free_inodes = found.f_favail if found.f_files else _UNCOUNTED_INODES
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, free_inodes)


def _read(fd: int, offset: int, length: int | None) -> bytes:
    parts: list[bytes] = []
    left = length if length is not None else max(os.fstat(fd).st_size - offset, 0)
    while left > 0:
        part = os.pread(fd, min(left, _READ_BYTES), offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _open_alone(path: Path) -> int:
    """Create or open, locked against another process that replaces the same file: the later one wins, whole."""
    while True:
        fd = _open(path, os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd
        except FileNotFoundError:  # the other one has just renamed it
            pass
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def _make_folder(folder: Path) -> None:
    """mkdir made durable. When its parent cannot be synced the folder is taken back, so that the next attempt syncs again."""
    try:
        os.mkdir(folder, _FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    try:
        _sync_folder(folder.parent)
    except OSError:
        os.rmdir(folder)
        raise
