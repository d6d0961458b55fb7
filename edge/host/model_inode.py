"""What a file or folder of the model disk is: the state processes see, and the state the medium holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

PAGE_BYTES = 4096


@dataclass
class Inode:
    """`data` and `entries` are what processes see; `durable` and `kept` what would be found after a power cut.

    Files here only grow at their end and are cut at their end, so one offset, `dirty_from`, tells what has not been synced.
    `lost` are ranges whose sync failed: like Linux, the page cache still shows them and a later sync reports success, but only
    writing them again brings them to the disk.
    """

    number: int
    is_dir: bool
    data: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    dirty_from: int | None = None
    lost: list[tuple[int, int]] = field(default_factory=list)
    reserved: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    names: int = 0
    kept_names: int = 0
    opened: int = 0
    mtime_ns: int = 0
    failed_syncs: int = 0

    def allocated(self) -> int:
        return max(len(self.data), self.reserved)

    def extend(self, data: bytes | memoryview) -> None:
        self._touch(len(self.data))
        self.data += data

    def cut(self, size: int) -> None:
        """ftruncate: shorter, or longer with zeros; blocks reserved behind the end are given back."""
        self._touch(min(size, len(self.data)))
        self.data = self.data[:size].ljust(size, b"\0")
        self.lost = [(start, min(end, size)) for start, end in self.lost if start < size]
        self.reserved = 0

    def sync(self) -> None:
        if self.dirty_from is not None:
            del self.durable[self.dirty_from :]
            self.durable.extend(bytes(self.dirty_from - len(self.durable)))  # what was lost leaves a hole
            self.durable += self._without_lost()[self.dirty_from :]
            self.dirty_from = None

    def sync_failed(self) -> None:
        self.failed_syncs += 1
        if self.dirty_from is not None and self.dirty_from < len(self.data):
            self.lost.append((self.dirty_from, len(self.data)))
            self.dirty_from = len(self.data)

    def after_power_cut(self, dice: Random) -> bytearray:
        """Old, new, a piece of the new, or the new with pages of zeros: whatever was not synced may be any of these."""
        if self.dirty_from is None:
            return bytearray(self.durable)
        fresh = self._without_lost()
        start = min(self.dirty_from, len(self.durable))
        fate = dice.choice(("old", "new", "prefix", "zeros"))
        if fate == "old":
            return bytearray(self.durable)
        if fate != "new" and len(fresh) > start:
            del fresh[dice.randint(start, len(fresh)) :]
        if fate == "zeros":
            for page in range(start // PAGE_BYTES, len(fresh) // PAGE_BYTES + 1):
                if dice.random() < 0.5:
                    first, last = max(page * PAGE_BYTES, start), min((page + 1) * PAGE_BYTES, len(fresh))
                    fresh[first:last] = bytes(max(last - first, 0))
        return fresh

    def _touch(self, offset: int) -> None:
        self.dirty_from = offset if self.dirty_from is None else min(self.dirty_from, offset)

    def _without_lost(self) -> bytearray:
        found = bytearray(self.data)
        for start, end in self.lost:
            found[start:end] = bytes(end - start)
        return found
