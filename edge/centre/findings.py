"""What the witness found: kept for good, each with what proves it.

<folder>/nodes/<node>/findings.jsonl
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from edge.centre.files import AppendOnly, tail_of
from edge.errors import StorageError
from edge.host.disk import Disk

log = logging.getLogger(__name__)

Kind = Literal[
    "fork",  # two pasts of one journal: it was rewritten, or set back to an older copy, or two devices write it
    "hole",  # records that a checkpoint vouched for did not come, or will never come
    "chain",  # a record does not continue the one before it
    "clone",  # one identity, two devices at work
    "signature",  # a checkpoint that the node's key did not sign, or a key that no trusted authority certified
    "silent",  # nothing comes any more from a node that did not say good-bye
    "unsigned",  # records come, and no checkpoint vouches for them
    "clock",  # its clock and the centre's do not agree
    "key",  # it signs with another key than before
]
GRAVE: frozenset[Kind] = frozenset({"fork", "hole", "chain", "clone", "signature"})
"""Evidence does not add up; the others are for the one who keeps the nodes running."""
KEPT_EACH = 20
"""Findings of one kind about one life of one journal; what follows is of the same origin, and an audit lists it."""
_TAIL_BYTES = 4 << 20


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Verbatim. what: a checkpoint (its JWS), a journal line, a gap notice, a status. seen: when the centre first saw it."""

    what: Literal["checkpoint", "line", "gap", "status"]
    text: str
    seen: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """at: UTC of the centre. seq: the record it is about, 0 for none. about: what else tells it from others of its kind. closed: it is over
    (a late record came, a node is back)."""

    kind: Kind
    at: str
    text: str
    journal: str = ""
    epoch: str = ""
    seq: int = 0
    about: str = ""
    closed: bool = False
    proof: list[Proof] = []

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        return self.kind, self.journal, self.epoch, self.seq, self.about

    @property
    def grave(self) -> bool:
        return self.kind in GRAVE and not self.closed


class FindingBook:
    """Of one node. One thread. A file that does not read is told and written on."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        path = findings_path(folder)
        self._file = AppendOnly(disk, path)
        self._open: dict[tuple[str, str, str, int, str], Finding] = {}
        self._each: Counter[tuple[str, str, str]] = Counter()
        try:
            for finding in read_findings(disk, path, _TAIL_BYTES):
                self._note(finding)
        except StorageError as error:
            log.error("%s cannot be read: %s", path, error)

    def report(self, finding: Finding) -> bool:
        """Whether it is news, and is kept."""
        if finding.key in self._open or self._each[finding.key[:3]] >= KEPT_EACH:
            return False
        self._note(finding)
        self._file.append(msgspec.json.encode(finding))
        return True

    def close(self, known: Finding, at: str, text: str) -> Finding | None:
        """The closing word on a finding; None where it is not open."""
        if known.key not in self._open:
            return None
        word = msgspec.structs.replace(known, at=at, text=text, closed=True, proof=[])
        self._note(word)
        self._file.append(msgspec.json.encode(word))
        return word

    def open(self, kind: Kind) -> list[Finding]:
        return [finding for finding in self._open.values() if finding.kind == kind]

    def sync(self) -> None:
        """Raises StorageError; what was reported waits then for the next time."""
        self._file.sync()

    def _note(self, finding: Finding) -> None:
        if finding.closed:
            self._open.pop(finding.key, None)
            self._each[finding.key[:3]] -= 1
        else:
            self._open[finding.key] = finding
            self._each[finding.key[:3]] += 1


def findings_path(node_folder: Path) -> Path:
    return node_folder / "findings.jsonl"


def read_findings(disk: Disk, path: Path, length: int) -> list[Finding]:
    """Those within the last `length` bytes; a damaged line is told and left out. Raises StorageError."""
    found = []
    for line in tail_of(disk, path, length):
        try:
            found.append(msgspec.json.decode(line, type=Finding))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.error("%s: a damaged line: %s", path, error)
    return found
