"""Late health of each node: `nodes/<node>/history.jsonl`, one aggregate a line, as it came."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.centre.files import AppendOnly, tail_of
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.history import History

log = logging.getLogger(__name__)

FILE = "history.jsonl"
LINE_MAX_BYTES = 32 * 1024
_KNOWN = 1000
_TAIL_BYTES = 256 * 1024

_Name = tuple[str, int, int]


class HistoryStore:
    """One thread. A double is one of the last thousand of its node: more than a node keeps."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk, self._folder = disk, folder
        self._known: dict[str, deque[_Name]] = {}
        self._files: dict[str, AppendOnly] = {}

    def take(self, node: str, payload: bytes) -> bool:
        """Whether it is new. Raises msgspec.DecodeError for a payload that does not fit."""
        history = msgspec.json.decode(payload, type=History)
        if history.node != node or len(payload) > LINE_MAX_BYTES:
            log.warning("%s: late health that is none, dropped", node)
            return False
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = deque(_names(self._disk, self._folder, node), maxlen=_KNOWN)
        name = _name(history)
        if name in known:
            return False
        known.append(name)
        file = self._files.get(node) or AppendOnly(self._disk, path_of(self._folder, node))
        self._files[node] = file
        file.append(msgspec.json.encode(history))
        return True

    def sync(self) -> bool:
        """Whether everything taken is durable; what a disk refuses waits for the next call."""
        for node, file in list(self._files.items()):
            try:
                file.sync()
            except StorageError as error:
                log.error("%s: late health is not stored: %s", node, error)
            else:
                del self._files[node]
        return not self._files


def stored_history(disk: Disk, folder: Path, node: str) -> Iterator[History]:
    """All of a node, in the order in which it came (by time, but for what was sent again). Any process may read. Raises StorageError."""
    try:
        data = disk.read(path_of(folder, node))
    except NotFound:
        return
    yield from _decoded(data.split(b"\n")[:-1], node)


def path_of(folder: Path, node: str) -> Path:
    return folder / "nodes" / node / FILE


def _names(disk: Disk, folder: Path, node: str) -> list[_Name]:
    try:
        return [_name(each) for each in _decoded(tail_of(disk, path_of(folder, node), _TAIL_BYTES), node)]
    except StorageError as error:
        log.error("%s: late health stored before cannot be read: %s", node, error)
        return []


def _decoded(lines: list[bytes], node: str) -> Iterator[History]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=History)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("%s: a line of late health is damaged: %s", node, error)


def _name(history: History) -> _Name:
    return history.boot, history.from_mono_ms, history.number
