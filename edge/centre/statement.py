"""Since when a journal record has had a witness: what a report may say of it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from edge.centre.archive import journal_path
from edge.centre.files import decoded, find_line, stored_lines
from edge.centre.first_seen import USELESS, Certificates, Signer, judge, read_seen
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.messages.evidence import Head
from edge.messages.records import Record
from edge.seal.checkpoint import BadCheckpoint, read_checkpoint
from edge.seal.trust import Roots


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """seen: UTC of the centre, when it first saw a checkpoint that covers the record. checkpoint: its JWS. covering: the head in it.
    proven: the stored line is the one asked about, and every line from it to the covering head is stored and continues the one before; why:
    in words, where it is not. signer: who signed the checkpoint, as far as can be told."""

    seen: str
    covering: Head
    checkpoint: str
    signer: Signer
    proven: bool
    why: str = ""


def witness_statement(disk: Disk, folder: Path, node: str, head: Head, roots: Roots | None = None) -> Witnessed | None:
    """When the centre whose archive is `folder` was first told of this record (head: journal, epoch, number, SHA-256 of the line) by a
    signed checkpoint; None where no checkpoint covers it. Reads the node's checkpoints from the first on. Any process. Raises StorageError,
    IntegrityError for an archive that is damaged."""
    node_folder = folder / "nodes" / node
    certificates = Certificates(disk, node_folder)
    for seen in read_seen(disk, node_folder):
        try:
            read = read_checkpoint(seen.jws)
        except BadCheckpoint:
            continue
        covering = next((each for each in read.claims.heads if _covers(each, head)), None)
        if covering is None or read.claims.node != node:
            continue
        signer, _ = judge(read, certificates.find(read.jws.fingerprint), roots)
        if signer in USELESS:
            continue
        why = _doubt(disk, journal_path(folder, node, head.journal, head.epoch), head, covering)
        return Witnessed(seen=seen.seen, covering=covering, checkpoint=seen.jws, signer=signer, proven=not why, why=why)
    return None


def _covers(signed: Head, head: Head) -> bool:
    return (signed.journal, signed.epoch) == (head.journal, head.epoch) and signed.seq >= head.seq


def _doubt(disk: Disk, path: Path, head: Head, covering: Head) -> str:
    """Why the line is not proven to be what the covering head vouches for; "" where it is."""
    try:
        found = find_line(disk, path, head.seq)
    except NotFound:
        found = None
    if found is None:
        return f"record {head.seq} is not stored here"
    offset, raw = found
    if sha256(raw).hexdigest() != head.sha256:
        return f"the record {head.seq} that is stored here is another one"
    seq, digest = head.seq, head.sha256
    following = stored_lines(disk, path, offset + len(raw) + 1)
    for _, line in following:
        if seq == covering.seq:
            break
        record = decoded(line, Record, path)
        if record.seq != seq + 1 or record.prev != digest:
            return f"record {record.seq} that is stored here does not continue record {seq}"
        seq, digest = record.seq, sha256(line).hexdigest()
    if seq != covering.seq:
        return f"the records after {seq} are not stored here yet"
    return "" if digest == covering.sha256 else f"the checkpoint vouches for another record {seq}"
