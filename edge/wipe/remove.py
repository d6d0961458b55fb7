"""Removing files and folders for good, as far as a file system can: what was removed is counted, what was not is told, nothing stops it.

A symbolic link is removed, what it points to is not; a folder on another file system is not entered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk, Entry

_TOLD = 50


@dataclass(slots=True)
class Removed:
    """bytes: of files whose last name went. remains: one sentence each; more: how many further ones are not told."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    remains: list[str] = field(default_factory=list)
    more: int = 0

    def failed(self, text: str) -> None:
        if len(self.remains) < _TOLD:
            self.remains.append(text)
        else:
            self.more += 1

    def add(self, other: Removed) -> None:
        self.files += other.files
        self.folders += other.folders
        self.bytes += other.bytes
        self.more += other.more
        for text in other.remains:
            self.failed(text)


class Remover:
    """One thread. Every step may be interrupted and done again."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def secret(self, path: Path) -> Removed:
        """A file whose content must go whatever else has a name for it: emptied, synced, removed. Nothing to do where it is gone."""
        done = Removed()
        try:
            entry = self.entry(path)
            if entry is None:
                return done
            if entry.is_link:
                self._drop(path, done)
                done.failed(f"{path} was a link: the link is gone, what it pointed to is not")
            elif entry.is_dir:
                done.failed(f"{path} is a folder, not a file")
            else:
                self._empty(path, done)
                self._drop(path, done)
            self._disk.sync_dir(path.parent)
        except NotFound:
            return done
        except StorageError as refused:
            done.failed(str(refused))
        return done

    def file(self, path: Path) -> Removed:
        """A file, or a link, that is no secret."""
        done = Removed()
        try:
            if self.entry(path) is not None:
                self._drop(path, done)
                self._disk.sync_dir(path.parent)
        except StorageError as refused:
            done.failed(str(refused))
        return done

    def tree(self, path: Path) -> Removed:
        """A folder with all that is in it."""
        done = Removed()
        try:
            entry = self.entry(path)
            if entry is None:
                return done
            if not entry.is_dir:
                self._drop(path, done)
                if entry.is_link:
                    done.failed(f"{path} was a link: the link is gone, what it pointed to is not")
            else:
                self._folder(path, self._disk.stat(path).device, done)
            self._disk.sync_dir(path.parent)
        except NotFound:
            return done
        except StorageError as refused:
            done.failed(str(refused))
        return done

    def entry(self, path: Path) -> Entry | None:
        """What has this name, without following it. Raises StorageError."""
        try:
            return next((entry for entry in self._disk.scan(path.parent) if entry.name == path.name), None)
        except NotFound:
            return None

    def _folder(self, path: Path, device: int, done: Removed) -> None:
        for entry in self._disk.scan(path):
            inside = path / entry.name
            try:
                if not entry.is_dir:
                    self._drop(inside, done)
                elif self._disk.stat(inside).device != device:
                    done.failed(f"{inside} is another file system: not entered")
                else:
                    self._folder(inside, device, done)
            except NotFound:
                continue
            except StorageError as refused:
                done.failed(str(refused))
        try:
            self._disk.rmdir(path)
            done.folders += 1
        except NotFound:
            pass
        except StorageError as refused:
            done.failed(str(refused))

    def _drop(self, path: Path, done: Removed) -> None:
        """A dangling link has no size."""
        try:
            found = self._disk.stat(path)
            size = found.size if found.nlink == 1 and not found.is_dir else 0
        except NotFound:
            size = 0
        self._disk.unlink(path)
        done.files += 1
        done.bytes += size

    def _empty(self, path: Path, done: Removed) -> None:
        """Other names of the same file lose it, too. A disk that will not cut it may still unlink it."""
        size = self._disk.stat(path).size
        try:
            file = self._disk.append(path)
            try:
                file.truncate(0)
                file.fsync()
            finally:
                file.close()
        except StorageError as refused:
            done.failed(f"not emptied before it was removed: {refused}")
        else:
            done.bytes += size
