"""What goes with the clips of a job: made once, kept in the job's folder, so that it is the same bytes after a reboot.

package/<name>        the files
package/index.json    Index; written last: a package without it was not finished and is made anew
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.errors import NotFound
from edge.host.disk import Disk
from edge.messages.clip import Attachment, Manifest

_LOG = logging.getLogger(__name__)
FOLDER = "package"
_INDEX = "index.json"


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """made_for: SHA-256 of the clips' manifest. When damage leaves other clips than before, the package is of no use any more."""

    made_for: str
    files: list[Attachment]


@dataclass(frozen=True, slots=True)
class Bytes:
    """A small file in memory, as an upload reads it."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def etag(self) -> str:
        return sha256(self.data).hexdigest()

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[memoryview]:
        for start in range(offset, len(self.data), chunk_bytes):
            yield memoryview(self.data)[start : start + chunk_bytes]


class Beside:
    """Of one job; belongs to the thread that carries it out. Raises StorageError."""

    def __init__(self, disk: Disk, job_folder: Path) -> None:
        self._disk = disk
        self._folder = job_folder / FOLDER

    def load(self, manifest: Manifest) -> list[tuple[Attachment, Bytes]] | None:
        """What was kept for the clips of that manifest; None when there is nothing whole."""
        try:
            index = msgspec.json.decode(self._disk.read(self._folder / _INDEX), type=Index)
            if index.made_for != _of(manifest):
                return None
            found = [(each, Bytes(self._disk.read(self._folder / each.name))) for each in index.files]
        except (NotFound, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        damaged = [each.name for each, stored in found if stored.etag() != each.sha256]
        if damaged:
            _LOG.error("%s: %s are damaged; made anew", self._folder, ", ".join(damaged))
        return None if damaged else found

    def keep(self, manifest: Manifest, files: Mapping[str, bytes], kinds: Mapping[str, str]) -> list[tuple[Attachment, Bytes]]:
        """Durable when it returns. kinds: media types by name."""
        self._disk.mkdir(self._folder)
        kept: list[tuple[Attachment, Bytes]] = []
        for name, data in files.items():
            stored = Bytes(data)
            self._disk.replace(self._folder / name, data)
            kept.append((Attachment(name=name, bytes=len(data), sha256=stored.etag(), kind=kinds[name]), stored))
        index = Index(made_for=_of(manifest), files=[each for each, _ in kept])
        self._disk.replace(self._folder / _INDEX, msgspec.json.encode(index))
        return kept


def _of(manifest: Manifest) -> str:
    return sha256(msgspec.json.encode(manifest)).hexdigest()
