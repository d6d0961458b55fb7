"""clip.json and its signature: read, and judged before anything in it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.clock import parse_utc
from edge.errors import IntegrityError
from edge.messages.package import SIGNATURE_NAME, STATEMENT_NAME, STATEMENT_TYPE, Statement
from edge.seal.container import open_bytes
from edge.seal.findings import Findings
from edge.seal.jws import BadJws, Jws, read_detached, verify
from edge.seal.signatures import names_node
from edge.seal.trust import ChainResult, Roots, check_chain

LARGEST_STATEMENT_BYTES = 32 << 20
LARGEST_SIGNATURE_BYTES = 1 << 20
MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """sound: its signature fits the certificate in it; nothing it states counts otherwise. trusted: that certificate leads to a root that
    was given. chain: None where there is no signature."""

    folder: Path
    statement: Statement
    sha256: str
    sound: bool
    trusted: bool
    chain: ChainResult | None


def read_statement(folder: Path, roots: Roots | None, findings: Findings) -> SignedStatement:
    """Raises IntegrityError where clip.json does not read, UsageError where it is not there, StorageError."""
    payload = _read(folder / STATEMENT_NAME, LARGEST_STATEMENT_BYTES)
    statement = _decode(payload)
    digest = sha256(payload).hexdigest()
    jws = _signature(folder, payload, findings)
    if jws is None:
        return SignedStatement(folder, statement, digest, False, False, None)
    pem = statement.certificates.encode("utf-8", "replace")
    chain = check_chain(pem, roots or Roots(()), _made_ns(statement))
    fault = _fault(statement, jws, pem, chain, roots)
    if fault:
        findings.add("contradicts", fault, why=chain.why, subject=chain.subject)
    return SignedStatement(folder, statement, digest, not fault, not fault and roots is not None, chain)


def _fault(statement: Statement, jws: Jws, pem: bytes, chain: ChainResult, roots: Roots | None) -> str:
    """ "" where nothing is wrong."""
    if chain.public_key is None or not verify(jws, pem):
        return "statement_signature_invalid"
    if chain.fingerprint != statement.fingerprint:
        return "statement_signature_invalid"
    if roots is None:
        return ""
    if not chain.trusted:
        return "statement_certificate_untrusted"
    return "" if names_node(chain.subject, statement.node) else "statement_of_other_node"


def _decode(payload: bytes) -> Statement:
    try:
        statement = msgspec.json.decode(payload, type=Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{STATEMENT_NAME}: it does not read: {error}") from error
    if len(statement.files) > MOST_FILES:
        raise IntegrityError(f"{STATEMENT_NAME}: it names {len(statement.files)} files")
    return statement


def _signature(folder: Path, payload: bytes, findings: Findings) -> Jws | None:
    if not (folder / SIGNATURE_NAME).exists():
        findings.add("unverifiable", "statement_unsigned")
        return None
    try:
        return read_detached(_read(folder / SIGNATURE_NAME, LARGEST_SIGNATURE_BYTES).strip(), STATEMENT_TYPE, payload)
    except BadJws as error:
        findings.add("contradicts", "statement_signature_invalid", why=str(error), subject="")
        return None


def _read(path: Path, largest: int) -> bytes:
    with open_bytes(path) as source:
        if source.size > largest:
            raise IntegrityError(f"{path.name}: {source.size} bytes are too many")
        return source.read(0, source.size)


def _made_ns(statement: Statement) -> int | None:
    try:
        return parse_utc(statement.made)
    except (ValueError, OverflowError):
        return None


def plain_name(name: str) -> bool:
    """A file's name and no way to another folder."""
    return name not in ("", ".", "..") and name == Path(name).name and "\0" not in name and len(name) < 256


def unnamed_files(folder: Path, named: Mapping[str, object], known: frozenset[str]) -> list[Path]:
    """What is in the folder and neither named by the statement nor part of a package, in order."""
    return sorted(each for each in folder.iterdir() if each.name not in named and each.name not in known)
