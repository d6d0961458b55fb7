"""The session number: counts connections over the whole life of the node, so that an old will cannot hide a new birth."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk

log = logging.getLogger(__name__)


class _Stored(msgspec.Struct, frozen=True):
    session: int


class SessionNumber:
    """One thread calls `next`; any may read `current`."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self.current = self._read()

    def next(self) -> int:
        """Durable when it returns, unless the disk refuses: then it still counts up, since a link is worth more than its number."""
        self.current += 1
        try:
            self._disk.mkdir(self._path.parent)
            self._disk.replace(self._path, msgspec.json.encode(_Stored(self.current)))
        except StorageError as error:
            log.error("the session number %d is not stored: %s", self.current, error)
        return self.current

    def _read(self) -> int:
        try:
            return msgspec.json.decode(self._disk.read(self._path), type=_Stored).session
        except NotFound:
            return 0
        except (StorageError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("%s cannot be read, sessions start anew: %s", self._path, error)
            return 0
