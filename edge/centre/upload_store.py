"""Uploads as the receiver keeps them on disk.

    <folder>/.uploads/<uid>/info.json     what was announced (Info)
    <folder>/.uploads/<uid>/data          the bytes so far: the upload's offset is this file's size, nothing else
    <folder>/.uploads/<uid>/done.json     how it ended (Outcome): the SHA-256 of the stored file and where it lies
    <folder>/<node>/<request>/<name>                 a delivered file
    <folder>/<node>/<request>/<name>.receipt.json    its Receipt

No path is made of what a client sends unless it is one plain word. A delivered file is never overwritten. `complete` may be cut at any
step and called again.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from edge.centre.upload_quota import taken_bytes
from edge.clock import NS_PER_S, Clock, format_utc
from edge.errors import IntegrityError, NotFound, Refused
from edge.host.disk import Disk, File

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._+-]{0,127}")
_UID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RECEIPT = ".receipt.json"
_HASH_BYTES = 1 << 20
_SWEEP_EVERY_S = 600
_MOST_METADATA = 16


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """sha256: the hash the sender announced, "" for none. expires_utc_ns: from then on the upload is gone (a delivered file stays)."""

    uid: str
    size: int
    node: str
    request: str
    name: str
    sha256: str
    metadata: dict[str, str]
    created: str
    expires_utc_ns: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """sha256: of the bytes on disk. path: of the delivered file, relative to the folder; "" when the announced hash differs (the bytes
    then stay in .uploads until they expire)."""

    sha256: str
    path: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Next to each delivered file. received: UTC."""

    uid: str
    node: str
    request: str
    name: str
    bytes: int
    sha256: str
    received: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """max_bytes: of one file. max_open: uploads known at once. expire_s: from creation. reserve_bytes: kept free on the disk. node_bytes:
    of one node, delivered and announced; 0: no limit."""

    max_bytes: int = 16 << 30
    max_open: int = 10_000
    expire_s: float = 14 * 86_400.0
    reserve_bytes: int = 256 << 20
    node_bytes: int = 0


class UploadStore:
    """Any thread; the receiver sees to it that one upload is written or completed by one thread at a time, and that only one `complete`
    runs. All methods may raise StorageError."""

    def __init__(self, disk: Disk, folder: Path, clock: Clock, limits: StoreLimits | None = None) -> None:
        self._disk = disk
        self._folder = folder
        self._uploads = folder / ".uploads"
        self._clock = clock
        self.limits = limits or StoreLimits()
        self._swept_ns: int | None = None
        disk.mkdir(self._uploads)

    def create(self, size: int, metadata: Mapping[str, str]) -> Info:
        """Raises Refused: too_large, no_space, too_many, bad_metadata, quota."""
        self.sweep()
        if size > self.limits.max_bytes:
            raise Refused("too_large", f"{size} bytes, at most {self.limits.max_bytes}")
        if self._disk.space(self._folder).free_bytes < size + self.limits.reserve_bytes:
            raise Refused("no_space", "the disk is full")
        if len(self._disk.scan(self._uploads)) >= self.limits.max_open:
            raise Refused("too_many", f"{self.limits.max_open} uploads are open")
        now_ns = self._clock.read().utc_ns
        sha256 = metadata.get("sha256", "")
        if len(metadata) > _MOST_METADATA or (sha256 and not _SHA256.fullmatch(sha256)):
            raise Refused("bad_metadata", "metadata: too many keys, or sha256 is not 64 hex digits")
        info = Info(
            uid=secrets.token_hex(16),
            size=size,
            node=_word(metadata, "node"),
            request=_word(metadata, "request"),
            name=_word(metadata, "name"),
            sha256=sha256,
            metadata=dict(metadata),
            created=format_utc(now_ns),
            expires_utc_ns=now_ns + round(self.limits.expire_s * NS_PER_S),
        )
        self._check_quota(info)
        room = self._uploads / info.uid
        self._disk.mkdir(room)
        self._disk.create(room / "data").close()
        self._disk.replace(room / "info.json", msgspec.json.encode(info))
        return info

    def _check_quota(self, info: Info) -> None:
        if not self.limits.node_bytes:
            return
        waiting = [each.size for each in self._open() if each.node == info.node]
        if taken_bytes(self._disk, self._folder / info.node, waiting) + info.size > self.limits.node_bytes:
            raise Refused("quota", f"{info.node} has no room for {info.size} more bytes: at most {self.limits.node_bytes}")

    def _open(self) -> Iterator[Info]:
        """Announced and not delivered."""
        for entry in self._disk.scan(self._uploads):
            with suppress(NotFound, IntegrityError):
                info = self._load(self._uploads / entry.name / "info.json", Info)
                if self.outcome(info) is None:
                    yield info

    def info(self, uid: str) -> Info:
        """Raises NotFound, Refused("expired")."""
        if not _UID.fullmatch(uid):
            raise NotFound("no such upload")
        info = self._load(self._uploads / uid / "info.json", Info)
        if self._clock.read().utc_ns >= info.expires_utc_ns:
            raise Refused("expired", "the upload expired")
        return info

    def offset(self, info: Info) -> int:
        """Bytes that are really in the file."""
        try:
            return self._disk.stat(self._uploads / info.uid / "data").size
        except NotFound:
            return info.size  # moved to its place

    def writer(self, info: Info) -> File:
        return self._disk.append(self._uploads / info.uid / "data")

    def outcome(self, info: Info) -> Outcome | None:
        """None until `complete` has run."""
        try:
            return self._load(self._uploads / info.uid / "done.json", Outcome)
        except NotFound:
            return None

    def complete(self, info: Info) -> Outcome:
        """Hashes the stored file and, unless another hash was announced, moves it to its place. Idempotent."""
        known = self.outcome(info)
        if known is not None:
            return known
        outcome = self._moved_before(info)
        if outcome is None:
            sha256 = self._hash(self._uploads / info.uid / "data")
            if sha256 == (info.sha256 or sha256):
                outcome = Outcome(sha256=sha256, path=self._deliver(info, sha256))
            else:
                _LOG.error("upload %s of %s/%s/%s: stored SHA-256 is %s", info.uid, info.node, info.request, info.name, sha256)
                outcome = Outcome(sha256=sha256, path="")
        self._disk.replace(self._uploads / info.uid / "done.json", msgspec.json.encode(outcome))
        return outcome

    def terminate(self, info: Info) -> None:
        """The sender gives an upload up. Raises Refused("complete") for one whose bytes are all here: no sender deletes evidence."""
        if self.offset(info) == info.size:
            raise Refused("complete", "all bytes of this upload have arrived: it stays")
        self._remove(self._uploads / info.uid)

    def sweep(self) -> int:
        """Removes expired uploads, at most every ten minutes; returns how many. Delivered files stay."""
        now = self._clock.read()
        if self._swept_ns is not None and now.boot_ns - self._swept_ns < _SWEEP_EVERY_S * NS_PER_S:
            return 0
        self._swept_ns = now.boot_ns
        gone = [entry.name for entry in self._disk.scan(self._uploads) if entry.is_dir and self._is_over(entry.name, now.utc_ns)]
        for uid in gone:
            self._remove(self._uploads / uid)
        return len(gone)

    def _remove(self, room: Path) -> None:
        """info.json last: an upload cut half-way is still known, and removed again."""
        for entry in sorted(self._disk.scan(room), key=lambda item: item.name == "info.json"):
            self._disk.unlink(room / entry.name)
        self._disk.rmdir(room)

    def _is_over(self, uid: str, utc_ns: int) -> bool:
        """Expired, or created but never answered (no info.json) for as long."""
        room = self._uploads / uid
        try:
            return utc_ns >= self._load(room / "info.json", Info).expires_utc_ns
        except NotFound:
            return utc_ns >= self._disk.stat(room).mtime_ns + round(self.limits.expire_s * NS_PER_S)

    def _moved_before(self, info: Info) -> Outcome | None:
        """The file was moved, or dropped since the same one lay there, and then the power went: a receipt tells where it is."""
        try:
            self._disk.stat(self._uploads / info.uid / "data")
        except NotFound:
            for entry in self._disk.scan(self._place(info)):
                receipt = self._receipt(self._place(info) / entry.name) if entry.name.endswith(_RECEIPT) else None
                if receipt is not None and _is_of(receipt, info):
                    return Outcome(sha256=receipt.sha256, path=self._relative(info, entry.name.removesuffix(_RECEIPT)))
            raise
        return None

    def _deliver(self, info: Info, sha256: str) -> str:
        """Receipt first, file second: whoever sees the file can read its receipt."""
        place = self._place(info)
        self._disk.mkdir(place)
        name = info.name
        taken = {entry.name for entry in self._disk.scan(place)}
        if name in taken:
            there = self._receipt(place / f"{name}{_RECEIPT}") if f"{name}{_RECEIPT}" in taken else None
            if there is not None and (there.sha256, there.bytes) == (sha256, info.size):
                self._disk.unlink(self._uploads / info.uid / "data")
                return self._relative(info, name)
            plain = PurePosixPath(name)
            name = f"{plain.stem}.{info.uid[:8]}{plain.suffix}"
        receipt = Receipt(
            uid=info.uid,
            node=info.node,
            request=info.request,
            name=name,
            bytes=info.size,
            sha256=sha256,
            received=format_utc(self._clock.read().utc_ns),
            metadata=info.metadata,
        )
        self._disk.replace(place / f"{name}{_RECEIPT}", msgspec.json.encode(receipt))
        self._disk.rename(self._uploads / info.uid / "data", place / name)
        self._disk.sync_dir(place)
        self._disk.sync_dir(self._uploads / info.uid)
        return self._relative(info, name)

    def _place(self, info: Info) -> Path:
        return self._folder / info.node / info.request

    def _relative(self, info: Info, name: str) -> str:
        return f"{info.node}/{info.request}/{name}"

    def _receipt(self, path: Path) -> Receipt | None:
        try:
            return self._load(path, Receipt)
        except IntegrityError as error:
            _LOG.warning("%s", error)
            return None

    def _hash(self, path: Path) -> str:
        digest = hashlib.sha256()
        offset = 0
        while piece := self._disk.read(path, offset, _HASH_BYTES):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def _load(self, path: Path, shape: type[_T]) -> _T:
        try:
            return msgspec.json.decode(self._disk.read(path), type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise IntegrityError(f"{path} is damaged: {error}") from error


def _is_of(receipt: Receipt, info: Info) -> bool:
    """Whether the file of that receipt stands for this upload."""
    return receipt.uid == info.uid or (receipt.name, receipt.bytes, receipt.sha256) == (info.name, info.size, info.sha256)


def _word(metadata: Mapping[str, str], key: str) -> str:
    word = metadata.get(key, "")
    if not _WORD.fullmatch(word) or word.endswith(_RECEIPT):
        raise Refused("bad_metadata", f"metadata {key!r} must be one plain word of at most 128 letters, digits and . _ + -")
    return word
