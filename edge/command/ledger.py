"""Which commands this node has taken, with their answers: `<data>/agent/commands/<id>.json`. What makes "at most once" survive a reboot."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from edge.clock import NS_PER_S, Reading
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.wire import CommandClaims, Response

log = logging.getLogger(__name__)

KEEP_AFTER_EXPIRY_S = 86_400
MOST = 2000
DATA_KEPT_BYTES = 2048


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """answer: None while it has not been carried out. told: the broker has taken that answer. digest: of what was asked, without its times:
    the same id for something else is refused."""

    claims: CommandClaims
    digest: str
    answer: Response | None = None
    told: bool = False


def digest_of(claims: CommandClaims) -> str:
    asked = (claims.verb, claims.operator, claims.case, claims.args)
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


class Ledger:
    """One thread. All methods raise StorageError; a damaged entry counts as taken and answered (never run again)."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder
        disk.mkdir(folder)
        self._entries: dict[str, Entry | None] = {name: self._read(name) for name in self._names()}

    def get(self, id: str) -> Entry | None:
        return self._entries.get(id)

    def known(self, id: str) -> bool:
        return id in self._entries

    def entries(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry is not None]

    def take(self, claims: CommandClaims) -> Entry:
        """Durable before anything is done."""
        return self._write(Entry(claims=claims, digest=digest_of(claims)))

    def answer(self, id: str, response: Response) -> Entry | None:
        entry = self._entries.get(id)
        return None if entry is None else self._write(msgspec.structs.replace(entry, answer=response, told=False))

    def told(self, id: str) -> None:
        """Of an answer that is large its data go: who lost it asks with a new id."""
        entry = self._entries.get(id)
        if entry is not None and not entry.told:
            answer = entry.answer
            if answer is not None and len(msgspec.json.encode(answer.data)) > DATA_KEPT_BYTES:
                answer = msgspec.structs.replace(answer, data={})
            self._write(msgspec.structs.replace(entry, answer=answer, told=True))

    def prune(self, now: Reading, boot: str) -> int:
        """Forgets answered commands that can come again no more: expired a day ago, not made for this boot (that would pass without a
        clock). Only above MOST."""
        if not now.dated or len(self._entries) <= MOST:
            return 0
        limit_s = now.utc_ns // NS_PER_S - KEEP_AFTER_EXPIRY_S
        gone = [
            id for id, entry in self._entries.items() if entry and entry.answer and entry.claims.exp < limit_s and entry.claims.boot != boot
        ]
        for id in gone:
            self._disk.unlink(self._path(id))
            del self._entries[id]
        return len(gone)

    def _write(self, entry: Entry) -> Entry:
        self._disk.replace(self._path(entry.claims.id), msgspec.json.encode(entry))
        self._entries[entry.claims.id] = entry
        return entry

    def _path(self, id: str) -> Path:
        return self._folder / f"{id}.json"

    def _names(self) -> list[str]:
        return sorted(entry.name[:-5] for entry in self._disk.scan(self._folder) if entry.name.endswith(".json"))

    def _read(self, id: str) -> Entry | None:
        try:
            return msgspec.json.decode(self._disk.read(self._path(id)), type=Entry)
        except NotFound:
            return None
        except (StorageError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("command %s: its entry cannot be read; it is not run again: %s", id, error)
            return None
