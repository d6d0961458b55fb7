"""The names of the model disk: one tree as processes see it, and the changes that are not on the medium yet.

A power cut keeps any of the pending changes, as long as each has what it depends on; a rename is one change and never torn.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

from edge.errors import NotFound, StorageError
from edge.host.model_inode import Inode

_ROOT = 1


def failure(word: str, path: Path, number: int) -> StorageError:
    """As LinuxDisk words it."""
    if number == errno.ENOENT:
        return NotFound(f"{word} {path}: not there", number=number)
    return StorageError(f"{word} {path}: {os.strerror(number)}", number=number)


@dataclass(frozen=True)
class NameChange:
    """In the folder `folder`, `name` now leads to inode `target`, or to nothing."""

    folder: int
    name: str
    target: int | None
    inode: int
    """The inode concerned, also where the name went away."""

    def touches(self, other: NameChange) -> bool:
        same_name = self.folder == other.folder and self.name == other.name
        return same_name or self.inode in (other.inode, other.folder) or self.folder == other.inode


@dataclass(frozen=True)
class Operation:
    """Changes of names that reach the disk together or not at all (a rename is two)."""

    changes: tuple[NameChange, ...]

    def needs(self, earlier: Operation) -> bool:
        """Whether this cannot be on the disk without `earlier`: the same name or the same inode."""
        return any(mine.touches(theirs) for mine in self.changes for theirs in earlier.changes)


def with_what_they_need(pending: list[Operation], wanted: list[bool]) -> list[bool]:
    """Close a choice of pending operations over what they depend on."""
    chosen = list(wanted)
    for later in range(len(pending) - 1, -1, -1):
        if chosen[later]:
            for earlier in range(later):
                if not chosen[earlier] and pending[later].needs(pending[earlier]):
                    chosen[earlier] = True
    return chosen


class ModelTree:
    """No faults, no locks, no counters: the model disk adds those."""

    def __init__(self) -> None:
        self.inodes = {_ROOT: Inode(_ROOT, is_dir=True, names=1, kept_names=1)}
        self.used_bytes = 0
        self._pending: list[Operation] = []
        self._next = _ROOT + 1
        self._ticks = 0

    def look(self, path: Path) -> Inode | None:
        inode = self.inodes[_ROOT]
        for part in path.parts[1:]:
            number = inode.entries.get(part)
            if number is None:
                return None
            inode = self.inodes[number]
        return inode

    def find(self, path: Path, word: str) -> Inode:
        inode = self.look(path)
        if inode is None:
            raise failure(word, path, errno.ENOENT)
        return inode

    def folder(self, path: Path, word: str) -> Inode:
        inode = self.find(path, word)
        if not inode.is_dir:
            raise failure(word, path, errno.ENOTDIR)
        return inode

    def make(self, path: Path, *, is_dir: bool) -> Inode:
        folder = self.folder(path.parent, "create")
        if path.name in folder.entries:
            raise failure("create", path, errno.EEXIST)
        inode = Inode(self._next, is_dir)
        self._next += 1
        self.inodes[inode.number] = inode
        self._apply(NameChange(folder.number, path.name, inode.number, inode.number))
        return inode

    def link(self, inode: Inode, path: Path) -> None:
        folder = self.folder(path.parent, "link")
        if path.name in folder.entries:
            raise failure("link", path, errno.EEXIST)
        self._apply(NameChange(folder.number, path.name, inode.number, inode.number))

    def move(self, old: Path, new: Path) -> None:
        """rename(2): what is at the new name, if anything, loses it in the same step."""
        inode, before, after = self.find(old, "rename"), self.folder(old.parent, "rename"), self.folder(new.parent, "rename")
        changes = [NameChange(before.number, old.name, None, inode.number)]
        replaced = after.entries.get(new.name)
        if replaced is not None:
            changes.append(NameChange(after.number, new.name, None, replaced))
        self._apply(*changes, NameChange(after.number, new.name, inode.number, inode.number))

    def drop(self, path: Path, word: str) -> None:
        inode = self.find(path, word)
        self._apply(NameChange(self.folder(path.parent, word).number, path.name, None, inode.number))

    def sync(self, folder: Inode) -> None:
        """fsync of a folder: its pending changes, and what they need, are on the medium."""
        wanted = [any(change.folder == folder.number for change in operation.changes) for operation in self._pending]
        chosen = with_what_they_need(self._pending, wanted)
        done = [operation for operation, kept in zip(self._pending, chosen, strict=True) if kept]
        self._pending = [operation for operation, kept in zip(self._pending, chosen, strict=True) if not kept]
        for operation in done:
            for change in operation.changes:
                self._keep(change)
        for number in {change.inode for operation in done for change in operation.changes}:
            self.forget(self.inodes.get(number))

    def closed(self, inode: Inode) -> None:
        inode.opened -= 1
        if not inode.names and not inode.opened:
            self.used_bytes -= inode.allocated()
            self.forget(inode)

    def forget(self, inode: Inode | None) -> None:
        """Drop the memory of a file that nothing leads to any more, here or on the medium."""
        if inode is None or inode.names or inode.kept_names or inode.opened:
            return
        if not any(change.inode == inode.number for operation in self._pending for change in operation.changes):
            del self.inodes[inode.number]

    def resize(self, inode: Inode, before_bytes: int) -> None:
        """Book what an inode takes now against what it took."""
        self.used_bytes += inode.allocated() - before_bytes

    def after_power_cut(self, dice: Random) -> ModelTree:
        kept = {number: dict(inode.kept) for number, inode in self.inodes.items() if inode.is_dir}
        for operation, survives in zip(self._pending, self._surviving(dice), strict=True):
            if survives:
                for change in operation.changes:
                    _enter(kept[change.folder], change)
        found = ModelTree()
        found._next, found._ticks, found.inodes = self._next, self._ticks, {}
        found._revive(self.inodes, kept, _ROOT, dice)
        found.used_bytes = sum(inode.allocated() for inode in found.inodes.values())
        return found

    def _surviving(self, dice: Random) -> list[bool]:
        count = len(self._pending)
        fate = dice.choice(("none", "all", "prefix", "some"))
        if fate == "prefix":
            first_lost = dice.randint(0, count)
            return [number < first_lost for number in range(count)]
        if fate == "some":
            return with_what_they_need(self._pending, [dice.random() < 0.5 for _ in self._pending])
        return [fate == "all"] * count

    def _revive(self, old: dict[int, Inode], kept: dict[int, dict[str, int]], number: int, dice: Random) -> None:
        if number in self.inodes:
            self.inodes[number].names += 1
            self.inodes[number].kept_names += 1
            return
        before = old[number]
        inode = Inode(number, before.is_dir, names=1, kept_names=1, mtime_ns=before.mtime_ns)
        self.inodes[number] = inode
        if not before.is_dir:
            inode.data = before.after_power_cut(dice)
            inode.durable = bytearray(inode.data)
            return
        inode.entries, inode.kept = dict(kept[number]), dict(kept[number])
        for child in inode.entries.values():
            self._revive(old, kept, child, dice)

    def _apply(self, *changes: NameChange) -> None:
        self._ticks += 1
        for change in changes:
            folder, inode = self.inodes[change.folder], self.inodes[change.inode]
            _enter(folder.entries, change)
            folder.mtime_ns = self._ticks
            inode.names += -1 if change.target is None else 1
        self._pending.append(Operation(changes))
        for change in changes:
            inode = self.inodes[change.inode]
            if not inode.names and not inode.opened:
                self.used_bytes -= inode.allocated()

    def _keep(self, change: NameChange) -> None:
        _enter(self.inodes[change.folder].kept, change)
        self.inodes[change.inode].kept_names += -1 if change.target is None else 1


def _enter(names: dict[str, int], change: NameChange) -> None:
    if change.target is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.target
