"""Which commands this node has taken, with their answers: `<data>/agent/commands/<id>.json`. What makes "at most once" survive a reboot.
Of those that are forgotten, `<data>/agent/commands/forgotten` has what keeps them from being taken again (forgotten.py)."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, Reading
from edge.command.forgotten import Forgotten
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.wire import CommandClaims, Response

log = logging.getLogger(__name__)

KEEP_AFTER_EXPIRY_S = 86_400
MOST = 2000
DATA_KEPT_BYTES = 2048
FORGOTTEN = "forgotten"
"""A file beside the entries, which all end with .json."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """answer: None while it has not been carried out. told: the broker has taken that answer. digest: of what was asked, without its times:
    the same id for something else is refused. boot, mono_ms: when it was taken, by a clock that nobody can set."""

    claims: CommandClaims
    digest: str
    answer: Response | None = None
    told: bool = False
    boot: str = ""
    mono_ms: int = 0


def digest_of(claims: CommandClaims) -> str:
    asked = (claims.verb, claims.operator, claims.case, claims.args)
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


class Ledger:
    """One thread. All methods raise StorageError; a damaged entry counts as taken and answered (never run again). boot: this one. most: of
    more the old ones are forgotten."""

    def __init__(self, disk: Disk, folder: Path, boot: str, most: int = MOST) -> None:
        self._disk, self._folder = disk, folder
        self._boot, self._most = boot, most
        disk.mkdir(folder)
        self._forgotten = Forgotten(disk, folder / FORGOTTEN, boot)
        self._entries: dict[str, Entry | None] = {name: self._read(name) for name in self._names()}

    def get(self, id: str) -> Entry | None:
        return self._entries.get(id)

    def known(self, id: str) -> bool:
        return id in self._entries

    def entries(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry is not None]

    def forgotten(self, claims: CommandClaims) -> bool:
        """Whether a command that is not known could be one of those forgotten."""
        return self._forgotten.may_hold(claims.exp, claims.boot)

    def taken_within(self, entry: Entry, seconds: int, boot_ns: int) -> bool:
        """Whether it was taken in this boot, at most so long before `boot_ns`."""
        return entry.boot == self._boot and boot_ns // NS_PER_MS - entry.mono_ms < seconds * 1000

    def take(self, claims: CommandClaims, boot_ns: int) -> Entry:
        """Durable before anything is done."""
        return self._write(Entry(claims=claims, digest=digest_of(claims), boot=self._boot, mono_ms=boot_ns // NS_PER_MS))

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

    def prune(self, now: Reading) -> int:
        """Forgets, above `most`, the answered commands that expired a day ago: how many. That they are forgotten is durable before."""
        if not now.dated or len(self._entries) <= self._most:
            return 0
        now_s = now.utc_ns // NS_PER_S
        gone = {
            id: entry.claims.exp
            for id, entry in self._entries.items()
            if entry is not None and entry.answer is not None and entry.claims.exp < now_s - KEEP_AFTER_EXPIRY_S
        }
        if gone:
            self._forgotten.add(gone.values(), now_s)
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
