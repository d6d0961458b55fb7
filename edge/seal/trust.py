"""Whether a media certificate leads to an authority that the reader trusts, and was valid when the footage was recorded.

Certificates come out of files that anybody may have written: sizes and counts are capped and reading them never raises. What is asked of a
chain (RFC 5280, cut down to what evidence needs): every signature is right and uses SHA-256 or better; the media key is on P-256; an
authority in between says that it is one; nothing is marked critical that is not understood here; all are valid at the time of recording,
not today. Revocation is not judged: the verifier works offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from edge.clock import NS_PER_S, format_utc
from edge.errors import ConfigError
from edge.seal.certificates import (
    UNREADABLE,
    BadCertificate,
    fingerprint_of,
    is_issued_by,
    p256_key,
    read_certificates,
    subject_of,
    validity_of,
)

LARGEST_ROOTS_BYTES = 1 << 20
_E = TypeVar("_E", bound=x509.ExtensionType)
_REMEMBERED = 64
"""Chains whose signatures are not checked again: each access unit of a film carries the same one."""
_RSA_BITS = range(2048, 8193)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
}
_TLS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Roots:
    """Authorities the reader trusts. certificates: DER, each once."""

    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainResult:
    """trusted: it leads to a root and was valid at the time asked about (where that is known). why: in words, whichever it is. subject,
    fingerprint (SHA-256 hex of the DER), not_before, not_after (UTC): of the media certificate, "" where it does not read; they come from
    the file and are true only when it is trusted. public_key: None where there is none on P-256."""

    trusted: bool
    why: str
    subject: str = ""
    fingerprint: str = ""
    not_before: str = ""
    not_after: str = ""
    public_key: ec.EllipticCurvePublicKey | None = None


def read_roots(source: Path | bytes) -> Roots:
    """PEM with one or more certificates of authorities. Raises ConfigError where there is none, or one that may not sign certificates."""
    name = "the trusted certificates" if isinstance(source, bytes) else str(source)
    remedy = "give a PEM file with the certificate of the authority that signed the recorder's certificate"
    try:
        pem = source if isinstance(source, bytes) else _read(source)
        roots = read_certificates(pem, LARGEST_ROOTS_BYTES, count=None)
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}", remedy=remedy) from error
    except BadCertificate as error:
        raise ConfigError(f"{name}: {error}", remedy=remedy) from error
    for root in roots:
        fault = _authority_fault(root, below=0, is_root=True)
        if fault:
            raise ConfigError(f"{name}: {subject_of(root)} {fault}", remedy=remedy)
    return Roots(tuple(dict.fromkeys(root.public_bytes(Encoding.DER) for root in roots)))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_ROOTS_BYTES + 1)


def check_chain(pem: bytes, roots: Roots, at_utc_ns: int | None) -> ChainResult:
    """pem: the media certificate first, then authorities between it and a root, in any order. at_utc_ns: when the footage was recorded;
    None: unknown, validity is then not judged. Never raises; any thread."""
    path = _path(bytes(pem), roots)
    if isinstance(path, ChainResult):
        return path
    if at_utc_ns is None:
        return _result(path.leaf, f"leads to {path.root}; whether it was valid is not known, since the time of recording is not")
    for name, begin_ns, end_ns in path.validity:
        if not begin_ns <= at_utc_ns < end_ns + NS_PER_S:
            when = f"was not valid at {_text(at_utc_ns)}: it is valid from {_text(begin_ns)} to {_text(end_ns)}"
            return _result(path.leaf, f"the certificate of {name} {when}", trusted=False)
    return _result(path.leaf, f"leads to {path.root}")


@dataclass(frozen=True, slots=True)
class _Path:
    """From a media certificate to a root. validity: (subject, first, last instant) of each certificate of it."""

    leaf: x509.Certificate
    root: str
    validity: tuple[tuple[str, int, int], ...]


@lru_cache(_REMEMBERED)
def _path(pem: bytes, roots: Roots) -> _Path | ChainResult:
    try:
        leaf, *others = read_certificates(pem)
    except BadCertificate as error:
        return ChainResult(trusted=False, why=str(error))
    try:
        fault = _leaf_fault(leaf)
        if fault:
            return _result(leaf, f"the media certificate {fault}", trusted=False)
        path = _climb(leaf, others, [x509.load_der_x509_certificate(root) for root in roots.certificates])
        validity = tuple((subject_of(each), *validity_of(each)) for each in path)
    except BadCertificate as error:
        return _result(leaf, str(error), trusted=False)
    except UNREADABLE as error:
        return ChainResult(trusted=False, why=f"a certificate does not read: {error}")
    return _Path(leaf, subject_of(path[-1]), validity)


def _climb(leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates from the leaf to a root. Raises BadCertificate saying where the way ends."""
    path, left = [leaf], list(others)
    while True:
        below = len(path) - 1
        root, fault = _issuer(path[-1], roots, below, is_root=True)
        if root:
            return [*path, root]
        between, other_fault = _issuer(path[-1], left, below, is_root=False)
        if not between:
            who = subject_of(path[-1])
            raise BadCertificate(fault or other_fault or f"the certificate of {who} was issued by no authority that is trusted")
        left.remove(between)
        path.append(between)


def _issuer(
    issued: x509.Certificate, candidates: Sequence[x509.Certificate], below: int, *, is_root: bool
) -> tuple[x509.Certificate | None, str]:
    """That one of `candidates` that signed `issued` and was allowed to; else (None, why the one that signed was not)."""
    fault = ""
    for candidate in candidates:
        if not _signed_by(issued, candidate):
            continue
        found = _authority_fault(candidate, below, is_root)
        if not found:
            return candidate, ""
        fault = f"{subject_of(candidate)} {found}"
    return None, fault


def _signed_by(issued: x509.Certificate, by: x509.Certificate) -> bool:
    return isinstance(issued.signature_hash_algorithm, _HASHES) and is_issued_by(issued, by)


def _leaf_fault(leaf: x509.Certificate) -> str:
    if p256_key(leaf) is None:
        return "is not for a key on curve P-256"
    usage = _extension(leaf, x509.KeyUsage)
    if usage and not (usage.digital_signature or usage.content_commitment):
        return "is not for signatures (keyUsage)"
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    if purposes and set(purposes) <= _TLS:
        return "is for TLS, not for footage (extendedKeyUsage)"
    return _unknown(leaf)


def _authority_fault(authority: x509.Certificate, below: int, is_root: bool) -> str:
    """Why it may not have issued a certificate with `below` authorities under it. A root, being trusted, may leave its rights unsaid; any
    other must say them, or each holder of a media certificate could make new ones."""
    try:
        rights, usage = _extension(authority, x509.BasicConstraints), _extension(authority, x509.KeyUsage)
        key = authority.public_key()
        unknown = _unknown(authority)
    except UNREADABLE as error:
        return f"does not read: {error}"
    if not rights.ca if rights else not is_root:
        return "is no authority (basicConstraints)"
    if rights and rights.path_length is not None and below > rights.path_length:
        return f"may have {rights.path_length} authorities under it, not {below}"
    if usage and not usage.key_cert_sign:
        return "may not sign certificates (keyUsage)"
    on_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    fits = on_curve or (isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS)
    return unknown if fits else "has a key of another kind than P-256, P-384, P-521 or RSA of 2048 to 8192 bits"


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _unknown(certificate: x509.Certificate) -> str:
    unknown = [each.oid.dotted_string for each in certificate.extensions if each.critical and each.oid not in _UNDERSTOOD]
    return f"has the critical extension {unknown[0]}, which is not understood" if unknown else ""


def _text(utc_ns: int) -> str:
    try:
        return format_utc(utc_ns)
    except OverflowError:
        return "a time that no calendar has"


def _result(leaf: x509.Certificate, why: str, *, trusted: bool = True) -> ChainResult:
    try:
        begin_ns, end_ns = validity_of(leaf)
    except UNREADABLE:
        return ChainResult(trusted=False, why="the dates of the media certificate do not read")
    return ChainResult(
        trusted=trusted,
        why=why,
        subject=subject_of(leaf),
        fingerprint=fingerprint_of(leaf),
        not_before=_text(begin_ns),
        not_after=_text(end_ns),
        public_key=p256_key(leaf),
    )
