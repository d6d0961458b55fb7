"""All that a node vouched for, held against all that is stored of it: from the files alone, from the first line to the last.

The witness judges what comes, when it comes; the audit believes nothing but the files. It finds what was changed in the archive since, and
what the witness had no reason to look at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge.centre.archive import stored_journals
from edge.centre.audit_journal import Heads, JournalAudit, JournalCheck
from edge.centre.findings import KEPT_EACH, Finding, Proof, findings_path, read_findings
from edge.centre.first_seen import USELESS, Certificates, Seen, judge, read_seen_at, seen_at
from edge.centre.order import Order
from edge.centre.vouched import Life
from edge.clock import NS_PER_S, parse_utc
from edge.errors import IntegrityError
from edge.host.disk import Disk
from edge.seal.checkpoint import BadCheckpoint, ReadCheckpoint, read_checkpoint
from edge.seal.trust import Roots

LATE_S = 86_400.0
"""Records that were vouched for so long ago and are not here are missing; a node that was away may need hours to catch up."""
_FINDINGS_BYTES = 64 << 20
_UNTRUSTED = "untrusted"


@dataclass(slots=True)
class NodeAudit:
    """checkpoints: how many, the first and the last of them seen when. signers: how many by what is known of who signed. findings: grave
    ones first. more: further ones that are like those."""

    node: str
    checkpoints: int = 0
    first_seen: str = ""
    last_seen: str = ""
    signers: dict[str, int] = field(default_factory=dict)
    journals: list[JournalAudit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def adds_up(self) -> bool:
        return not any(finding.grave for finding in self.findings)


def audit_node(disk: Disk, folder: Path, node: str, roots: Roots | None, at: str, late_s: float = LATE_S) -> NodeAudit:
    """at: now, RFC 3339. Any process, also while the centre runs. Memory grows with the number of checkpoints. Raises StorageError."""
    checkpoints = _Checkpoints(disk, folder / "nodes" / node, roots, at, NodeAudit(node))
    result = checkpoints.result
    kept = _Kept()
    kept.add(checkpoints.run())
    for name, epoch, path in stored_journals(folder, node):
        heads = checkpoints.heads.pop((name, epoch), Heads(checkpoints.proof))
        check = JournalCheck(disk, path, JournalAudit(name, epoch, vouched=heads.highest, seen=heads.seen), heads, at)
        result.journals.append(check.audit)
        try:
            kept.add(check.run())
        except IntegrityError as error:
            kept.add([Finding(kind="chain", at=at, text=str(error), journal=name, epoch=epoch, about="notes")])
        kept.add(_late(check.audit, heads, at, late_s))
    for (name, epoch), heads in checkpoints.heads.items():
        journal = JournalAudit(name, epoch, vouched=heads.highest, seen=heads.seen)
        result.journals.append(journal)
        kept.add(_late(journal, heads, at, late_s))
    upto = {(each.name, each.epoch): each.upto for each in result.journals}
    for finding in read_findings(disk, findings_path(folder / "nodes" / node), _FINDINGS_BYTES):
        if not _is_judged_anew(finding, upto, roots) and not (finding.closed and finding.key in kept.found):
            kept.found[finding.key] = finding
    result.journals.sort(key=lambda each: (each.name, each.epoch))
    result.findings = sorted(kept.found.values(), key=lambda each: (not each.grave, each.at, each.key))
    result.more = kept.more
    return result


def _late(journal: JournalAudit, heads: Heads, at: str, late_s: float) -> Iterator[Finding]:
    proof = heads.after(journal.upto)
    if proof is not None and parse_utc(at) - parse_utc(proof.seen) > late_s * NS_PER_S:
        text = f"records {journal.upto + 1} to {journal.vouched} were vouched for and are not here"
        facts = {"journal": journal.name, "epoch": journal.epoch, "seq": journal.upto + 1, "about": "late"}
        yield msgspec.structs.replace(Finding(kind="hole", at=at, text=text, proof=[proof]), **facts)


def _is_judged_anew(finding: Finding, upto: dict[Life, int], roots: Roots | None) -> bool:
    """What the witness said of the signer, by other authorities perhaps; and records it missed that are here."""
    if finding.about == "late" and not finding.closed:
        return upto.get((finding.journal, finding.epoch), 0) >= finding.seq
    return roots is not None and finding.about.startswith(_UNTRUSTED)


def _proof(seen: Seen) -> Proof:
    return Proof(what="checkpoint", text=seen.jws, seen=seen.seen)


class _Kept:
    """Findings by what they are about, so many of a kind."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str, int, str], Finding] = {}
        self.more = 0
        self._each: Counter[tuple[str, str, str]] = Counter()

    def add(self, findings: Iterator[Finding] | list[Finding]) -> None:
        for finding in findings:
            if finding.key in self.found:
                continue
            self._each[finding.key[:3]] += 1
            if self._each[finding.key[:3]] > KEPT_EACH:
                self.more += 1
            else:
                self.found[finding.key] = finding


class _Checkpoints:
    """Reads all of a node's checkpoints: `run` fills `heads` and `result`, and gives what does not add up."""

    def __init__(self, disk: Disk, node_folder: Path, roots: Roots | None, at: str, result: NodeAudit) -> None:
        self.result = result
        self.heads: dict[Life, Heads] = {}
        self._disk, self._folder, self._roots, self._at = disk, node_folder, roots, at
        self._certificates = Certificates(disk, node_folder)
        self._orders: dict[str, Order] = {}

    def run(self) -> Iterator[Finding]:
        signers: Counter[str] = Counter()
        for place, seen in read_seen_at(self._disk, self._folder):
            self.result.checkpoints += 1
            self.result.first_seen = self.result.first_seen or seen.seen
            self.result.last_seen = max(self.result.last_seen, seen.seen)
            proof = _proof(seen)
            try:
                read = read_checkpoint(seen.jws)
            except BadCheckpoint as error:
                yield self._forged(f"a stored checkpoint does not read: {error}", proof)
                continue
            signer, why = judge(read, self._certificates.find(read.jws.fingerprint), self._roots)
            signers[signer] += 1
            if signer in USELESS or read.claims.node != self.result.node:
                yield self._forged(f"{signer}: {why}" if signer in USELESS else f"it is signed for {read.claims.node}", proof)
            else:
                yield from self._good(seen.via, read, proof, place)
        self.result.signers = dict(signers)

    def proof(self, place: int) -> Proof:
        seen = seen_at(self._disk, self._folder, place)
        return _proof(seen) if seen is not None else Proof(what="checkpoint", text="")

    def _good(self, via: str, read: ReadCheckpoint, proof: Proof, place: int) -> Iterator[Finding]:
        yield from self._orders.setdefault(via, Order()).next(read, proof, self._at)
        for head in read.claims.heads:
            heads = self.heads.setdefault((head.journal, head.epoch), Heads(self.proof))
            heads.highest = max(heads.highest, head.seq)
            digest = bytes.fromhex(head.sha256)
            before = heads.signed.setdefault(head.seq, (digest, place))
            if before[0] != digest:
                text = f"two checkpoints vouch for different records {head.seq}"
                yield Finding(
                    kind="fork",
                    at=self._at,
                    text=text,
                    journal=head.journal,
                    epoch=head.epoch,
                    seq=head.seq,
                    about="checkpoints",
                    proof=[self.proof(before[1]), proof],
                )

    def _forged(self, text: str, proof: Proof) -> Finding:
        return Finding(kind="signature", at=self._at, text=text, about=text[:80], proof=[proof])
