"""What the checkpoints of one node vouch for, held against the records that came. Two pasts of one journal do not escape it: of two
different lines with one number, at most one has the hash that was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from edge.centre.archive import StoredEvent
from edge.centre.findings import Finding, Proof
from edge.messages.evidence import Head
from edge.messages.wire import JournalGap

PENDING_MAX = 5000
"""Heads of one journal that wait for their records: days of a node that catches up. Of more, the oldest is left to the audit."""

Life = tuple[str, str]
"""A journal's name and epoch."""


@dataclass(slots=True)
class _Journal:
    """highest, proof: the highest head. pending: seq -> (hash, proof) of heads whose record has not come. gaps: notices so far."""

    highest: int = 0
    proof: Proof | None = None
    pending: dict[int, tuple[str, Proof]] = field(default_factory=dict)
    gaps: list[JournalGap] = field(default_factory=list)


class Vouched:
    """One thread. `line` and `upto` ask the archive: of a journal's life, a stored record, and up to where everything is accounted for."""

    def __init__(self, line: Callable[[str, str, int], bytes | None], upto: Callable[[str, str], int]) -> None:
        self._line, self._upto = line, upto
        self._journals: dict[Life, _Journal] = {}

    def checkpoint(self, heads: list[Head], proof: Proof, at: str) -> Iterator[Finding]:
        for head in heads:
            journal = self._journals.setdefault((head.journal, head.epoch), _Journal())
            if head.seq > journal.highest:
                journal.highest, journal.proof = head.seq, proof
            yield from (_hole(gap, proof, at) for gap in journal.gaps if gap.from_seq <= head.seq)
            journal.gaps = [gap for gap in journal.gaps if gap.from_seq > head.seq]
            if head.seq <= self._upto(head.journal, head.epoch):
                raw = self._line(head.journal, head.epoch, head.seq)
                if raw is not None:
                    yield from _compared(head, raw, proof, at)
            else:
                yield from self._wait(journal, head, proof, at)

    def recall(self, heads: list[Head], proof: Proof) -> None:
        """A checkpoint that an earlier process saw and judged."""
        for head in heads:
            journal = self._journals.setdefault((head.journal, head.epoch), _Journal())
            if head.seq > journal.highest:
                journal.highest, journal.proof = head.seq, proof
            if head.seq > self.upto((head.journal, head.epoch)):
                journal.pending.setdefault(head.seq, (head.sha256, proof))

    def upto(self, life: Life) -> int:
        """Of that journal, everything up to it came or is known never to come."""
        return self._upto(*life)

    def _wait(self, journal: _Journal, head: Head, proof: Proof, at: str) -> Iterator[Finding]:
        known = journal.pending.setdefault(head.seq, (head.sha256, proof))
        if known[0] != head.sha256:
            text = f"two checkpoints vouch for different records {head.seq}"
            yield _fork(head.journal, head.epoch, head.seq, "checkpoints", text, [known[1], proof], at)
        if len(journal.pending) > PENDING_MAX:
            del journal.pending[next(iter(journal.pending))]

    def stored(self, event: StoredEvent, at: str) -> Iterator[Finding]:
        journal = self._journals.get((event.journal, event.epoch))
        known = journal.pending.pop(event.record.seq, None) if journal is not None else None
        if known is not None:
            head = Head(journal=event.journal, epoch=event.epoch, seq=event.record.seq, sha256=known[0])
            yield from _compared(head, event.raw, known[1], at)

    def conflict(self, event: StoredEvent, at: str) -> Finding:
        """Another record than the stored one came."""
        seq = event.record.seq
        stored = self._line(event.journal, event.epoch, seq)
        lines = [Proof(what="line", text=_text(raw)) for raw in (stored, event.raw) if raw is not None]
        return _fork(event.journal, event.epoch, seq, "records", f"two different records {seq} came from the node", lines, at)

    def broken(self, event: StoredEvent, at: str) -> Finding:
        seq = event.record.seq
        before = self._line(event.journal, event.epoch, seq - 1)
        lines = [Proof(what="line", text=_text(raw)) for raw in (before, event.raw) if raw is not None]
        text = f"record {seq} does not continue record {seq - 1}: a record was changed, taken out or put in"
        return Finding(kind="chain", at=at, text=text, journal=event.journal, epoch=event.epoch, seq=seq, proof=lines)

    def gap(self, gap: JournalGap, at: str) -> Iterator[Finding]:
        """The node says that these will never come. What no checkpoint vouches for yet, the next one may."""
        journal = self._journals.setdefault((gap.journal, gap.epoch), _Journal())
        if journal.proof is not None and gap.from_seq <= journal.highest:
            yield _hole(gap, journal.proof, at)
        else:
            journal.gaps.append(gap)

    def covers(self, event: StoredEvent) -> bool:
        journal = self._journals.get((event.journal, event.epoch))
        return journal is not None and event.record.seq <= journal.highest

    def owed(self) -> Iterator[tuple[Life, int, int, Proof]]:
        """(journal, up to where it came, up to where it was vouched for, by what) of those that lack records."""
        for (name, epoch), journal in self._journals.items():
            upto = self._upto(name, epoch)
            if journal.proof is not None and journal.highest > upto:
                yield (name, epoch), upto, journal.highest, journal.proof


def _compared(head: Head, raw: bytes, proof: Proof, at: str) -> Iterator[Finding]:
    if sha256(raw).hexdigest() != head.sha256:
        text = f"record {head.seq} is not the one that was vouched for: the past was rewritten, or two devices write it"
        yield _fork(head.journal, head.epoch, head.seq, "line", text, [proof, Proof(what="line", text=_text(raw))], at)


def _fork(journal: str, epoch: str, seq: int, about: str, text: str, proof: list[Proof], at: str) -> Finding:
    return Finding(kind="fork", at=at, text=text, journal=journal, epoch=epoch, seq=seq, about=about, proof=proof)


def _hole(gap: JournalGap, proof: Proof, at: str) -> Finding:
    text = f"records {gap.from_seq} to {gap.to_seq} were vouched for and will never come ({gap.why})"
    notice = Proof(what="gap", text=_text(msgspec.json.encode(gap)))
    return Finding(
        kind="hole", at=at, text=text, journal=gap.journal, epoch=gap.epoch, seq=gap.from_seq, about="gap", proof=[proof, notice]
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
