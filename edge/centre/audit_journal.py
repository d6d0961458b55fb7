"""One life of one journal, as it is stored: every line, the gaps between them, and the heads that were signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.centre.files import decoded, stored_lines
from edge.centre.findings import Finding, Kind, Proof
from edge.centre.store import FIRST_PREV, Note, read_notes
from edge.clock import parse_utc
from edge.errors import IntegrityError
from edge.host.disk import Disk
from edge.messages.records import Record


@dataclass(slots=True)
class Heads:
    """What checkpoints vouch for of one life of a journal. signed: seq -> (hash, place of the first checkpoint that signs it). proof: reads
    the checkpoint at a place again: there may be half a million of them."""

    proof: Callable[[int], Proof]
    signed: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    highest: int = 0

    @property
    def seen(self) -> str:
        """When the highest was first seen, "" where there is none."""
        return self.proof(self.signed[self.highest][1]).seen if self.highest else ""

    def after(self, seq: int) -> Proof | None:
        """The checkpoint that was seen first of those that vouch for records behind `seq`; None where there is none."""
        first = min((place for each, (_, place) in self.signed.items() if each > seq), default=None)
        return None if first is None else self.proof(first)


@dataclass(slots=True)
class JournalAudit:
    """upto: accounted for. stored: records. missing: records that gap notices stand for. compared: records whose hash was signed.
    vouched: number of the highest head, first seen by the centre at `seen`. last_t: of the newest record, as the node says."""

    name: str
    epoch: str
    upto: int = 0
    stored: int = 0
    missing: int = 0
    compared: int = 0
    vouched: int = 0
    seen: str = ""
    last_t: str = ""


class JournalCheck:
    """`run` fills `audit` and gives what does not add up. One use."""

    def __init__(self, disk: Disk, path: Path, audit: JournalAudit, heads: Heads, at: str) -> None:
        self.audit = audit
        self._disk, self._path, self._heads, self._at = disk, path, heads, at
        self._previous, self._last = FIRST_PREV, b""
        """Hash and bytes of the line before."""

    def run(self) -> Iterator[Finding]:
        """The file may grow meanwhile: what lies behind its length of now is left to the next audit. Raises StorageError."""
        size = self._disk.stat(self._path).size
        notes = read_notes(self._disk, self._path.with_name(self._path.name.removesuffix(".jsonl") + ".notes.jsonl"))
        gaps = {note.from_seq: note for note in notes if note.kind == "gap"}
        for end, raw in stored_lines(self._disk, self._path):
            if end > size:
                break
            yield from self._gaps(gaps)
            try:
                record = decoded(raw, Record, self._path)
                parse_utc(record.t)
            except (IntegrityError, ValueError, OverflowError) as error:
                yield self._finding("chain", self.audit.upto + 1, f"a stored line does not read: {error}", [_line(raw)])
                self.audit.upto, self._previous, self._last = self.audit.upto + 1, sha256(raw).hexdigest(), raw
            else:
                yield from self._record(record, raw)
        yield from self._gaps(gaps)
        for note in notes:
            if note.kind == "conflict":
                text = f"two different records {note.from_seq} came from the node"
                yield self._finding("fork", note.from_seq, text, [], "records")

    def _record(self, record: Record, raw: bytes) -> Iterator[Finding]:
        audit, seq = self.audit, record.seq
        if seq != audit.upto + 1:
            text = f"record {seq} stands where {audit.upto + 1} belongs: the archive was changed"
            yield self._finding("chain", seq, text, [_line(each) for each in (self._last, raw) if each])
        elif self._previous and record.prev != self._previous:
            text = f"record {seq} does not continue record {seq - 1}: a record was changed, taken out or put in"
            yield self._finding("chain", seq, text, [_line(each) for each in (self._last, raw) if each])
        digest = sha256(raw)
        signed = self._heads.signed.get(seq)
        if signed is not None:
            audit.compared += 1
            if signed[0] != digest.digest():
                text = f"record {seq} is not the one that was vouched for: the past was rewritten, or two devices write it"
                yield self._finding("fork", seq, text, [self._heads.proof(signed[1]), _line(raw)], "line")
        audit.upto, audit.stored, audit.last_t = seq, audit.stored + 1, record.t
        self._previous, self._last = digest.hexdigest(), raw

    def _gaps(self, gaps: dict[int, Note]) -> Iterator[Finding]:
        while (gap := gaps.pop(self.audit.upto + 1, None)) is not None:
            self.audit.missing += gap.to_seq - gap.from_seq + 1
            self.audit.upto, self._previous, self._last = gap.to_seq, gap.sha256, b""
            proof = self._heads.after(gap.from_seq - 1)
            if proof is not None:
                text = f"records {gap.from_seq} to {gap.to_seq} were vouched for and will never come ({gap.text})"
                notice = Proof(what="gap", text=msgspec.json.encode(gap).decode())
                yield self._finding("hole", gap.from_seq, text, [proof, notice], "gap")

    def _finding(self, kind: Kind, seq: int, text: str, proof: list[Proof], about: str = "") -> Finding:
        audit = self.audit
        return Finding(kind=kind, at=self._at, text=text, journal=audit.name, epoch=audit.epoch, seq=seq, about=about, proof=proof)


def _line(raw: bytes) -> Proof:
    return Proof(what="line", text=raw.decode("utf-8", "replace"))
