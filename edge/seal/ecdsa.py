"""The two forms of a P-256 signature: DER (RFC 3279, 2.2.3: X.509, ONVIF) and r || s (JWS, PKCS#11)."""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import utils

COORDINATE_BYTES = 32
"""Of r and of s."""
DIGEST_BYTES = sha256().digest_size


def to_der(raw: bytes) -> bytes:
    """r || s (64 bytes) as DER. Raises ValueError for another length."""
    if len(raw) != 2 * COORDINATE_BYTES:
        raise ValueError(f"a signature of {len(raw)} bytes")
    r, s = raw[:COORDINATE_BYTES], raw[COORDINATE_BYTES:]
    return utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def to_raw(der: bytes) -> bytes:
    """DER as r || s. Raises ValueError where it does not read or does not fit."""
    try:
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
    except OverflowError as error:
        raise ValueError("no P-256 signature") from error


def require_digest(digest: bytes) -> None:
    """Raises ValueError: signers take SHA-256 digests and nothing else."""
    if len(digest) != DIGEST_BYTES:
        raise ValueError(f"a digest of {len(digest)} bytes")
