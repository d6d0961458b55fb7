"""One evidence lock on disk: <data>/hold/<id>/, its hold.json and its hard links to segments."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.clock import parse_utc
from edge.errors import IntegrityError, NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.hold import Hold
from edge.ring.query import SegmentRef

_DESCRIPTION = "hold.json"
_OPEN = "open_"


@dataclass(frozen=True, slots=True)
class HoldFolder:
    """hold.json comes before the first link and goes after the last one."""

    disk: Disk
    path: Path

    def read(self) -> Hold | None:
        """None where there is no description yet, or none any more. Raises IntegrityError for one that does not read."""
        try:
            hold = msgspec.json.decode(self.disk.read(self.path / _DESCRIPTION), type=Hold)
            for moment in (hold.start, hold.end, hold.added, hold.review, hold.since):
                if moment is not None:
                    parse_utc(moment)
            return hold
        except NotFound:
            return None
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
            raise IntegrityError(f"{self.path / _DESCRIPTION} does not read: {error}", remedy="its links still pin the footage") from error

    def version(self) -> tuple[int, int] | None:
        """Inode and time of the description: another one where it was written anew. None: there is none."""
        try:
            found = self.disk.stat(self.path / _DESCRIPTION)
        except NotFound:
            return None
        return found.inode, found.mtime_ns

    def write(self, hold: Hold) -> None:
        """Durable when it returns."""
        self.disk.mkdir(self.path)
        self.disk.replace(self.path / _DESCRIPTION, msgspec.json.encode(hold))

    def links(self) -> dict[int, str]:
        """Sequence number -> name of the link."""
        try:
            entries = self.disk.scan(self.path)
        except NotFound:
            return {}
        found = ((_seq_of(entry.name), entry.name) for entry in entries)
        return {seq: name for seq, name in found if seq is not None}

    def pin(self, ref: SegmentRef, links: dict[int, str]) -> None:
        """Link a segment, or give its link the name the segment has now; `links` is kept up to date. NotFound: it moved, or is gone."""
        name = link_name(ref)
        present = links.get(ref.seq)
        if present == name:
            return
        if present is not None and self.disk.stat(self.path / present).inode == self.disk.stat(ref.path).inode:
            self._rename(present, name)
        else:
            self._link(ref.path, name)
        links[ref.seq] = name

    def drop(self) -> None:
        """Links first, durably, then the description, then the folder. Begun again after an interruption it ends."""
        try:
            names = {entry.name for entry in self.disk.scan(self.path)}
        except NotFound:
            return
        for name in sorted(names - {_DESCRIPTION}):
            self.disk.unlink(self.path / name)
        if _DESCRIPTION in names:
            self.disk.sync_dir(self.path)
            self.disk.unlink(self.path / _DESCRIPTION)
        self.disk.rmdir(self.path)
        self.disk.sync_dir(self.path.parent)

    def is_empty(self) -> bool:
        """Nothing in it but, perhaps, a description that was never finished; so is one that another program let go meanwhile."""
        try:
            return all(entry.name.startswith(".") for entry in self.disk.scan(self.path))
        except NotFound:
            return True

    def has_open_links(self) -> bool:
        return any(name.startswith(_OPEN) for name in self.links().values())

    def _link(self, source: Path, name: str) -> None:
        try:
            self.disk.link(source, self.path / name)
        except StorageError as refused:
            if refused.number != errno.EEXIST:
                raise

    def _rename(self, old: str, new: str) -> None:
        try:
            self.disk.rename(self.path / old, self.path / new)
        except StorageError as refused:
            if refused.number != errno.EEXIST:
                raise
            self.disk.unlink(self.path / old)


def link_name(ref: SegmentRef) -> str:
    """Dated: the segment's own file name, which says when. Every one ends with _<number>.mp4."""
    if ref.name is None:
        return f"{_OPEN}{ref.seq:09d}.mp4"
    return ref.name.flat if ref.name.start_utc_ms is None else ref.path.name


def _seq_of(name: str) -> int | None:
    digits = name.removesuffix(".mp4").rpartition("_")[2]
    return int(digits) if name.endswith(".mp4") and digits.isdecimal() else None
