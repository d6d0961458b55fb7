"""Certificates out of files that anybody may have written: sizes and counts are capped, and what does not read is one error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import to_ns

LARGEST_CHAIN_BYTES = 64 * 1024
LARGEST_CHAIN = 8
LARGEST_BUNDLE_BYTES = 16 * 1024
_SUBJECT_LENGTH = 200
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\u205f\u2070-\ud7ff]")
UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    Warning,
)
"""What `cryptography` raises on certificates that do not read; Warning where the program turns warnings into errors."""


class BadCertificate(ValueError):
    """No certificate, or one that cannot be used, in words."""


def read_certificates(pem: bytes, largest: int = LARGEST_CHAIN_BYTES, count: int | None = LARGEST_CHAIN) -> list[x509.Certificate]:
    """At least one. Raises BadCertificate, whatever the bytes are."""
    if len(pem) > largest:
        raise BadCertificate(f"certificates of more than {largest} bytes")
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except UNREADABLE:
        raise BadCertificate("a certificate in PEM does not read" if _BEGIN in pem else "there is no certificate in PEM") from None
    if count is not None and len(certificates) > count:
        raise BadCertificate(f"more than {count} certificates")
    return certificates


@dataclass(frozen=True, slots=True)
class Bundle:
    """A media certificate fit to be signed with. pem: it, then the authorities between it and the root, nothing else."""

    leaf: x509.Certificate
    key: ec.EllipticCurvePublicKey
    pem: bytes


def read_bundle(pem: bytes) -> Bundle:
    """What an authority returned: the media certificate, then each one's issuer; a root at the end is left out. Raises BadCertificate."""
    leaf, *others = read_certificates(pem)
    key = p256_key(leaf)
    if key is None:
        raise BadCertificate("the first certificate is not for a key on curve P-256")
    try:
        validity_of(leaf)
    except UNREADABLE:
        raise BadCertificate("the dates of the first certificate do not read") from None
    for issued, by in pairwise((leaf, *others)):
        if not is_issued_by(issued, by):
            raise BadCertificate(
                f"{subject_of(issued)} was not issued by {subject_of(by)}, which follows it: put each after the one it issued"
            )
    kept = [leaf, *(each for each in others if not is_issued_by(each, each))]
    bundle = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in kept)
    if len(bundle) > LARGEST_BUNDLE_BYTES:
        raise BadCertificate(f"certificates of {len(bundle)} bytes: they ride in each second of footage, {LARGEST_BUNDLE_BYTES} are enough")
    return Bundle(leaf, key, bundle)


def is_issued_by(issued: x509.Certificate, by: x509.Certificate) -> bool:
    """Its issuer's name and signature are right. Never raises."""
    try:
        issued.verify_directly_issued_by(by)
    except UNREADABLE:
        return False
    return True


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def p256_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey | None:
    """None where its key is of another kind, or does not read."""
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of its DER, hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def subject_of(certificate: x509.Certificate) -> str:
    """RFC 4514, at most 200 characters, fit to be printed; "?" where it does not read."""
    try:
        text = certificate.subject.rfc4514_string()
    except UNREADABLE:
        return "?"
    return _UNPRINTABLE.sub("?", text)[:_SUBJECT_LENGTH] or "?"


def validity_of(certificate: x509.Certificate) -> tuple[int, int]:
    """UTC nanoseconds: its first and its last second."""
    return to_ns(certificate.not_valid_before_utc), to_ns(certificate.not_valid_after_utc)
