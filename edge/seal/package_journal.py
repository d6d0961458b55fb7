"""The journal lines in a package: an unbroken chain up to a head that a checkpoint signs, and what they say of the package's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from edge.clock import parse_utc
from edge.messages.clip import ClipFile
from edge.messages.evidence import CheckpointClaims
from edge.messages.package import CHECKPOINT_TYPE, JournalProof, Statement
from edge.messages.records import Record, Segment, facts_of
from edge.seal.findings import Findings
from edge.seal.jws import BadJws, read_compact, verify
from edge.seal.trust import ChainResult
from edge.seal.verification import Agreement

_CLOCK_SLACK_NS = 2_000_000_000
"""A file's range is stated in whole milliseconds, by another mapping of the clocks than a segment's."""
_decode = msgspec.json.Decoder(Record).decode


@dataclass(slots=True)
class Journal:
    """segments: records of the statement's camera, by number. agreement: of the proofs."""

    segments: dict[int, Segment] = field(default_factory=dict)
    agreement: Agreement = "not_included"


def read_journal(statement: Statement, keys: Mapping[str, ChainResult], findings: Findings) -> Journal:
    """keys: certificates that may sign a checkpoint, by fingerprint."""
    journal = Journal()
    for proof in statement.records:
        records = _chain(proof, findings)
        if records is None or not _head_is_signed(proof, statement, records[-1], keys, findings):
            journal.agreement = "differs"
            continue
        if journal.agreement == "not_included":
            journal.agreement = "match"
        _take(records, statement.camera, journal, findings)
    return journal


def _chain(proof: JournalProof, findings: Findings) -> list[Record] | None:
    """None (and a finding) where a line was changed, left out or moved."""
    records: list[Record] = []
    before = ""
    for number, line in enumerate(proof.lines):
        try:
            record = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            findings.add("contradicts", "journal_line_unreadable", journal=proof.journal, line=number + 1)
            return None
        if records and (record.seq != records[-1].seq + 1 or record.prev != before):
            findings.add("contradicts", "journal_chain_broken", journal=proof.journal, seq=record.seq)
            return None
        records.append(record)
        before = _hash(line)
    if not records:
        findings.add("contradicts", "journal_line_unreadable", journal=proof.journal, line=0)
        return None
    if records[0].seq == 1 and _hash(proof.lines[0])[:16] != proof.epoch:
        findings.add("contradicts", "journal_chain_broken", journal=proof.journal, seq=1)
        return None
    return records


def _head_is_signed(proof: JournalProof, statement: Statement, last: Record, keys: Mapping[str, ChainResult], findings: Findings) -> bool:
    try:
        jws = read_compact(proof.checkpoint, CHECKPOINT_TYPE)
        claims = msgspec.json.decode(jws.payload, type=CheckpointClaims)
    except (BadJws, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        findings.add("contradicts", "checkpoint_unreadable", journal=proof.journal, why=str(error))
        return False
    chain = keys.get(jws.fingerprint)
    if chain is None or chain.public_key is None:
        findings.add("unverifiable", "checkpoint_key_unknown", journal=proof.journal, fingerprint=jws.fingerprint)
        return False
    if not verify(jws, chain.public_key):
        findings.add("contradicts", "checkpoint_signature_invalid", journal=proof.journal)
        return False
    if claims.node != statement.node:
        findings.add("contradicts", "checkpoint_of_other_node", journal=proof.journal, node=claims.node)
        return False
    wanted = (proof.journal, proof.epoch, last.seq, _hash(proof.lines[-1]))
    if wanted not in [(head.journal, head.epoch, head.seq, head.sha256) for head in claims.heads]:
        findings.add("contradicts", "journal_head_differs", journal=proof.journal, seq=last.seq)
        return False
    return True


def _take(records: list[Record], camera: str, journal: Journal, findings: Findings) -> None:
    for record in records:
        if record.type != "segment" or record.camera != camera:
            continue
        try:
            facts = facts_of(record, Segment)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            findings.add("note", "journal_facts_unreadable", seq=record.seq)
            continue
        journal.segments[facts.seq] = facts


def boot_of(span: str) -> str:
    """A span begins with the boot id; what follows is the instant that whoever named it counts from."""
    return span.partition("/")[0]


def check_file(file: ClipFile, journal: Journal, parameters: list[str], findings: Findings) -> None:
    """file: as the statement names it; parameters: digests of the parameter sets seen in it."""
    if journal.agreement != "match":
        return
    covering = [journal.segments[seq] for seq in file.segments if seq in journal.segments]
    for segment in covering:
        if boot_of(segment.span) != boot_of(file.span):
            findings.add("contradicts", "journal_contradicts_span", file=file.name, segment=segment.seq)
        if parameters and segment.params_sha256 not in parameters:
            findings.add("contradicts", "journal_contradicts_parameters", file=file.name, segment=segment.seq)
    if len(covering) < len(file.segments):
        findings.add("note", "segments_not_in_journal", count=len(file.segments) - len(covering), file=file.name)
    elif not _covers(covering, file):
        findings.add("contradicts", "journal_contradicts_time", file=file.name)


def _covers(segments: list[Segment], file: ClipFile) -> bool:
    """True also where the segments were never dated: then nothing is said."""
    starts, ends = [each.start for each in segments if each.start], [each.end for each in segments if each.end]
    if len(starts) < len(segments) or len(ends) < len(segments) or not segments:
        return True
    try:
        first, last = min(map(parse_utc, starts)), max(map(parse_utc, ends))
        return first - _CLOCK_SLACK_NS <= parse_utc(file.delivered_start) and parse_utc(file.delivered_end) <= last + _CLOCK_SLACK_NS
    except (ValueError, OverflowError):
        return False


def _hash(line: str) -> str:
    return sha256(line.encode("utf-8", "replace")).hexdigest()
