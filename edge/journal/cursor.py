"""How far the centre has confirmed a journal (invariant 8): one small file per journal, moved forward only."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from edge.errors import NotFound
from edge.host.disk import Disk

_log = logging.getLogger(__name__)


class Confirmed(msgspec.Struct, frozen=True):
    """What stands in the file."""

    epoch: str
    upto: int


class Cursor:
    """`<data>/cursor/<writer>`. One writer, one thread; readers see the old or the new place, whole."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path

    def get(self) -> tuple[str, int]:
        """Epoch of the journal it speaks of and the last confirmed number; ("", 0) where nothing is confirmed.

        A file that cannot be understood counts as nothing confirmed: records are then sent again, and known by their numbers."""
        try:
            found = msgspec.json.decode(self._disk.read(self._path), type=Confirmed)
        except NotFound:
            return "", 0
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.error("%s: the cursor is damaged, everything is sent again: %s", self._path, error)
            return "", 0
        return found.epoch, found.upto

    def advance(self, epoch: str, upto: int) -> bool:
        """Move to `upto`, durably; False, and nothing moves, where that is not forward. Another epoch is another journal: any number
        is forward. Raises StorageError."""
        known_epoch, known_upto = self.get()
        if epoch == known_epoch and upto <= known_upto:
            return False
        self._disk.mkdir(self._path.parent)
        self._disk.replace(self._path, msgspec.json.encode(Confirmed(epoch, upto)))
        return True
