"""All that one node vouched for, held against all that is stored of it: from the files alone, from the first line to the last.

The witness judges what comes, when it comes; the audit believes nothing but the files. It finds what was changed in the archive since, and
what the witness had no reason to look at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.centre.archive import stored_journals
from edge.centre.files import decoded, stored_lines
from edge.centre.findings import Finding, Proof, findings_path, read_findings
from edge.centre.first_seen import USELESS, Certificates, judge, read_seen
from edge.centre.order import Order
from edge.centre.store import FIRST_PREV, Note, read_notes
from edge.clock import parse_utc
from edge.errors import IntegrityError
from edge.host.disk import Disk
from edge.messages.records import Record
from edge.seal.checkpoint import BadCheckpoint, read_checkpoint
from edge.seal.trust import Roots

FINDINGS_BYTES = 64 << 20

Life = tuple[str, str]


@dataclass(slots=True)
class JournalAudit:
    """One life of one journal. upto: accounted for. missing: records that gap notices stand for. vouched: the highest head; seen: when that
    was first seen. compared: stored records whose hash was signed."""

    name: str
    epoch: str
    upto: int = 0
    stored: int = 0
    missing: int = 0
    vouched: int = 0
    seen: str = ""
    compared: int = 0
    last_t: str = ""


@dataclass(slots=True)
class NodeAudit:
    """checkpoints: how many were seen, first to last. signers: how many by what is known of who signed. findings: grave ones first."""

    node: str
    checkpoints: int = 0
    first_seen: str = ""
    last_seen: str = ""
    signers: dict[str, int] = field(default_factory=dict)
    journals: list[JournalAudit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return not any(finding.grave for finding in self.findings)


@dataclass(slots=True)
class _Heads:
    """Of one life: seq -> (hash, index of the checkpoint)."""

    wanted: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    highest: int = 0


def audit_node(disk: Disk, folder: Path, node: str, roots: Roots | None, at: str) -> NodeAudit:
    """at: RFC 3339, of the findings made now. Any process, also while the centre runs. Raises StorageError."""
    node_folder = folder / "nodes" / node
    result = NodeAudit(node)
    found: dict[tuple[str, str, str, int, str], Finding] = {}
    heads: dict[Life, _Heads] = {}
    proofs: list[Proof] = []
    for finding in _checkpoints(disk, node_folder, roots, result, heads, proofs, at):
        found.setdefault(finding.key, finding)
    for (name, epoch), path in stored_journals(disk, folder, node):
        known = heads.pop((name, epoch), _Heads())
        journal = JournalAudit(name, epoch, vouched=known.highest)
        result.journals.append(journal)
        for finding in _journal(disk, path, journal, known, proofs, at):
            found.setdefault(finding.key, finding)
    for (name, epoch), known in heads.items():
        result.journals.append(JournalAudit(name, epoch, vouched=known.highest))
    for journal in result.journals:
        journal.seen = _when(journal, proofs)
    for finding in read_findings(disk, findings_path(node_folder), FINDINGS_BYTES):
        found[finding.key] = finding
    result.journals.sort(key=lambda each: (each.name, each.epoch))
    result.findings = sorted(found.values(), key=lambda each: (not each.grave, each.at, each.key))
    return result


def _checkpoints(
    disk: Disk,
    node_folder: Path,
    roots: Roots | None,
    result: NodeAudit,
    heads: dict[Life, _Heads],
    proofs: list[Proof],
    at: str,
) -> Iterator[Finding]:
    """Reads all of them; fills `heads` and `proofs`."""
    certificates, orders, signers = Certificates(disk, node_folder), dict[str, Order](), Counter[str]()
    for seen in read_seen(disk, node_folder):
        proof = Proof(what="checkpoint", text=seen.jws, seen=seen.seen)
        result.checkpoints += 1
        result.first_seen = result.first_seen or seen.seen
        result.last_seen = max(result.last_seen, seen.seen)
        try:
            read = read_checkpoint(seen.jws)
        except BadCheckpoint as error:
            yield Finding(kind="signature", at=at, text=f"a stored checkpoint does not read: {error}", about=seen.jws[-80:], proof=[proof])
            continue
        signer, why = judge(read, certificates.find(read.jws.fingerprint), roots)
        signers[signer] += 1
        if signer in USELESS or read.claims.node != result.node:
            yield Finding(kind="signature", at=at, text=f"{signer}: {why}", about=f"{signer}: {why}"[:80], proof=[proof])
            continue
        yield from orders.setdefault(seen.via, Order()).next(read, proof, at)
        proofs.append(proof)
        for head in read.claims.heads:
            known = heads.setdefault((head.journal, head.epoch), _Heads())
            known.highest = max(known.highest, head.seq)
            digest = bytes.fromhex(head.sha256)
            before = known.wanted.setdefault(head.seq, (digest, len(proofs) - 1))
            if before[0] != digest:
                text = f"two checkpoints vouch for different records {head.seq}"
                two = [proofs[before[1]], proof]
                yield Finding(
                    kind="fork", at=at, text=text, journal=head.journal, epoch=head.epoch, seq=head.seq, about="checkpoints", proof=two
                )
    result.signers = dict(signers)


def _journal(disk: Disk, path: Path, journal: JournalAudit, known: _Heads, proofs: list[Proof], at: str) -> Iterator[Finding]:
    """Every stored line, the gaps between them, and the heads that were signed."""
    notes = _notes(disk, path)
    gaps = {note.from_seq: note for note in notes if note.kind == "gap"}
    previous, last = FIRST_PREV, b""
    for _, raw in stored_lines(disk, path):
        try:
            record = decoded(raw, Record, path)
            parse_utc(record.t)
        except (IntegrityError, ValueError) as error:
            yield _finding("chain", journal, journal.upto + 1, f"a stored line does not read: {error}", at, [_line(raw)])
            return
        gap = gaps.pop(journal.upto + 1, None)
        if gap is not None:
            yield from _gap(journal, gap, known, proofs, at)
            previous, last = gap.sha256, b""
        if record.seq != journal.upto + 1:
            text = f"record {record.seq} stands where {journal.upto + 1} belongs: the archive was changed"
            yield _finding("chain", journal, record.seq, text, at, [_line(raw)])
        elif previous and record.prev != previous:
            text = f"record {record.seq} does not continue record {record.seq - 1}: one was changed, taken out or put in"
            yield _finding("chain", journal, record.seq, text, at, [_line(each) for each in (last, raw) if each])
        digest = sha256(raw).digest()
        yield from _compared(journal, record.seq, raw, digest, known, proofs, at)
        journal.upto, journal.stored, journal.last_t = record.seq, journal.stored + 1, record.t
        previous, last = digest.hex(), raw
    while (gap := gaps.pop(journal.upto + 1, None)) is not None:
        yield from _gap(journal, gap, known, proofs, at)
    for note in notes:
        if note.kind == "conflict":
            text = f"two different records {note.from_seq} came from the node"
            yield _finding("fork", journal, note.from_seq, text, at, [], about="records")


def _compared(
    journal: JournalAudit, seq: int, raw: bytes, digest: bytes, known: _Heads, proofs: list[Proof], at: str
) -> Iterator[Finding]:
    signed = known.wanted.get(seq)
    if signed is None:
        return
    journal.compared += 1
    if signed[0] != digest:
        text = f"record {seq} is not the one that was vouched for: the past was rewritten, or two devices write it"
        yield _finding("fork", journal, seq, text, at, [proofs[signed[1]], _line(raw)], about="line")


def _gap(journal: JournalAudit, gap: Note, known: _Heads, proofs: list[Proof], at: str) -> Iterator[Finding]:
    journal.missing += gap.to_seq - gap.from_seq + 1
    journal.upto = gap.to_seq
    if known.highest >= gap.from_seq:
        index = next(index for seq, (_, index) in sorted(known.wanted.items()) if seq >= gap.from_seq)
        text = f"records {gap.from_seq} to {gap.to_seq} were vouched for and will never come ({gap.text})"
        notice = Proof(what="gap", text=msgspec.json.encode(gap).decode())
        yield _finding("hole", journal, gap.from_seq, text, at, [proofs[index], notice], about="gap")


def _notes(disk: Disk, path: Path) -> list[Note]:
    return read_notes(disk, path.with_name(path.name.removesuffix(".jsonl") + ".notes.jsonl"))


def _finding(kind: str, journal: JournalAudit, seq: int, text: str, at: str, proof: list[Proof], about: str = "") -> Finding:
    facts = {"kind": kind, "at": at, "text": text, "journal": journal.name, "epoch": journal.epoch, "seq": seq, "about": about}
    return msgspec.structs.replace(msgspec.convert(facts, Finding), proof=proof)


def _line(raw: bytes) -> Proof:
    return Proof(what="line", text=raw.decode("utf-8", "replace"))


def _when(journal: JournalAudit, proofs: list[Proof]) -> str:
    return ""
