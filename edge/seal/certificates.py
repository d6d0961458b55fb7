"""Certificates out of files that anybody may have written: sizes and counts are capped, and what does not read is one error."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import to_ns

LARGEST_CHAIN_BYTES = 64 * 1024
LARGEST_CHAIN = 8
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
