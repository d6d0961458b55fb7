"""Lines and files of a journal.

A folder holds files named by their first sequence number, `000000000001.jsonl`. A line is one Record in JSON; `prev` in it is the
SHA-256 of the line before, without its newline. Only the last line may be torn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.clock import parse_utc
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.messages.records import FACTS, RECORD_MAX_BYTES, Record

NO_PREVIOUS = "0" * 64
EPOCH_FILE = "epoch"
_FILE_NAME = re.compile(r"(\d{12})\.jsonl")
_decode = msgspec.json.Decoder(Record).decode

UNREADABLE = "unreadable"
_MOMENTS = ("start", "end", "since", "until", "review")
_FACTS = {word: msgspec.json.Decoder(shape) for word, shape in FACTS.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """raw: the line's bytes without its newline."""

    seq: int
    raw: bytes
    record: Record


def file_name(first_seq: int) -> str:
    return f"{first_seq:012d}.jsonl"


def first_seqs(disk: Disk, folder: Path) -> list[int]:
    """First sequence numbers of the journal's files, ascending; empty when there is no journal."""
    try:
        entries = disk.scan(folder)
    except NotFound:
        return []
    found = (_FILE_NAME.fullmatch(entry.name) for entry in entries)
    return sorted(int(match[1]) for match in found if match)


def parse_line(raw: bytes) -> Line | None:
    """None where the bytes are no record: torn, or damaged. A record whose facts do not fit its type (a flipped bit, a newer version's) has
    the type UNREADABLE: it keeps its place and its bytes, and nobody takes its facts for what they are not."""
    try:
        record = _decode(raw)
        parse_utc(record.t)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None
    if record.seq < 1:
        return None
    return Line(record.seq, raw, record if _is_sound(record) else msgspec.structs.replace(record, type=UNREADABLE))


def _is_sound(record: Record) -> bool:
    shape = _FACTS.get(record.type)
    if shape is None:
        return True
    try:
        facts = shape.decode(record.facts)
        for moment in (getattr(facts, name, None) for name in _MOMENTS):
            if moment is not None:
                parse_utc(moment)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return False
    return True


def chain_hash(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def epoch_of(first_line: bytes) -> str:
    """Tells one journal from another of the same name: 16 hex digits of the first line's hash."""
    return chain_hash(first_line)[:16]


def whole_lines(data: bytes) -> list[bytes]:
    """Newline-terminated lines, without their newlines; what follows the last newline is torn."""
    return data.split(b"\n")[:-1]


def read_epoch(disk: Disk, folder: Path, files: list[int]) -> str:
    """ "" for an empty journal. Reads one line. The first one may have been retired: then its epoch was written down."""
    if not files:
        return ""
    if files[0] > 1:
        try:
            return disk.read(folder / EPOCH_FILE).decode("ascii", "replace").strip()
        except NotFound:
            pass
    lines = whole_lines(disk.read(folder / file_name(files[0]), 0, RECORD_MAX_BYTES + 1))
    return epoch_of(lines[0]) if lines and parse_line(lines[0]) else ""
